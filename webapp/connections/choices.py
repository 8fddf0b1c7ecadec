"""The connections that the form of a job offers."""

from __future__ import annotations

from sqlalchemy.orm import Session
from wtforms import SelectChoice, SelectField

from datahub.jobs import connections
from datahub.models.connection import SFTP


def offer_connections(session: Session, field: SelectField) -> None:
    known = [connection for connection in connections.list_connections(session) if connection.type == SFTP]
    named = [SelectChoice(it.public_id, it.name if it.active else f"{it.name} (disabled)") for it in known]
    field.choices = [SelectChoice("", "Choose…"), *named]
