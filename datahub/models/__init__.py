"""The tables. Importing this package registers every one of them on the metadata."""

from datahub.models import access, connection, execution, export_job, heartbeat, order, party, setting

__all__ = ["access", "connection", "execution", "export_job", "heartbeat", "order", "party", "setting"]
