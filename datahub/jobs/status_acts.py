"""Rows that move incidents to another status, by the rules of their pages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.entities.base import EntityType
from datahub.entities.incident import INCIDENT, STATUS
from datahub.errors import IllegalMoveError
from datahub.jobs import incidents
from datahub.jobs.acts import Doing, RowFaultError, Said, Values
from datahub.models.incident import Incident

UPDATED, UNCHANGED = "updated", "unchanged"


def move_incident(session: Session, key: str, rows: Sequence[Said], doing: Doing) -> list[str]:
    row = rows[0].values
    incident = session.scalar(select(Incident).where(Incident.incident_id == key)) if key else None
    if incident is None:
        raise _unknown(INCIDENT, key, row)
    before = incident.status
    try:
        incidents.change_status(session, incident, row[STATUS.key], actor=doing.actor)
    except IllegalMoveError as error:
        raise RowFaultError("illegal_move", STATUS.key, row[STATUS.key], str(error)) from error
    return [UNCHANGED if incident.status == before else UPDATED]


def _unknown(kind: EntityType, key: str, row: Values) -> RowFaultError:
    """At the field that names the record."""
    named = kind.key if key or kind.other_key is None else kind.other_key
    value = key or row[named.key]
    message = f"There is no record with the {named.label} {value}. This import changes records that exist."
    return RowFaultError("unknown_key", named.key, value, message)
