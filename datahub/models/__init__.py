"""The tables. Importing this package registers every one of them on the metadata."""

from datahub.models import (
    access,
    audit,
    catalogue,
    change,
    connection,
    custom_field,
    execution,
    export_job,
    heartbeat,
    import_job,
    import_run,
    incident,
    offer,
    order,
    party,
    setting,
)

__all__ = [
    "access",
    "audit",
    "catalogue",
    "change",
    "connection",
    "custom_field",
    "execution",
    "export_job",
    "heartbeat",
    "import_job",
    "import_run",
    "incident",
    "offer",
    "order",
    "party",
    "setting",
]
