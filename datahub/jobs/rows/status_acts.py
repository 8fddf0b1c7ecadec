"""Rows that move orders and incidents to another status, by the rules of their pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities import noun_of
from datahub.entities.base import EntityType
from datahub.entities.extras import CUSTOM_FIELDS
from datahub.entities.incident import EXTERNAL_ID as INCIDENT_EXTERNAL_ID
from datahub.entities.incident import INCIDENT, STATUS
from datahub.entities.order_status import EXTERNAL_ID, ORDER_STATUS, TRACKING_URL
from datahub.errors import IllegalMoveError
from datahub.jobs import incidents, ledger
from datahub.jobs.merging.json_values import newer
from datahub.jobs.rows.acts import Doing, RowFaultError, Said, Values
from datahub.jobs.rows.extras import what_differs
from datahub.jobs.rows.faults import REQUIRED, no_value_in
from datahub.jobs.rows.order_edit import edit_order
from datahub.jobs.rows.order_import import find_order
from datahub.jobs.rows.order_rows import OF_AN_ORDER, OrderRows
from datahub.models.change import UPDATED
from datahub.models.incident import Incident
from datahub.models.order import Order


def move_incident(session: Session, key: str, rows: Sequence[Said], doing: Doing) -> list[str]:
    """With custom fields, which may change in any status."""
    row = rows[0].values
    is_it = Incident.incident_id == key if key else Incident.external_id == row[INCIDENT_EXTERNAL_ID.key]
    incident = session.scalar(select(Incident).where(is_it))
    if incident is None:
        raise _unknown(INCIDENT, key, row)
    try:
        changes = incidents.move(session, incident, row[STATUS.key], actor=doing.actor)
    except IllegalMoveError as error:
        raise RowFaultError("illegal_move", STATUS.key, row[STATUS.key], str(error)) from error
    changes |= _give_custom_fields(incident, row, doing)
    if not changes:
        return ["unchanged"]
    incident.updated_at = database_now(session)
    source = doing.source(INCIDENT.name, rows[0])
    ledger.note(session, source, incident.incident_id, UPDATED, changes, incident.updated_at)
    session.flush()
    return [UPDATED]


def _give_custom_fields(incident: Incident, row: Values, doing: Doing) -> dict[str, list[Any]]:
    """What differs then. Nobody is asked for them on declaring an incident: those that are required must be there where
    the file says something of custom fields, or the incident holds one."""
    old = incident.custom_fields
    new: dict[str, Any] = newer(old, row.get(CUSTOM_FIELDS.key, {}))
    for item in doing.definitions:
        if item.required and item.external_id not in new and (old or doing.feeds_extras):
            raise RowFaultError(REQUIRED, item.key, "", no_value_in(item.key))
    if new == old:
        return {}
    incident.custom_fields = new
    return {CUSTOM_FIELDS.key: what_differs(old, new)}


def move_order(session: Session, key: str, rows: Sequence[Said], doing: Doing) -> list[str]:
    """With the address where the parcel can be followed, and custom fields, which may not change once it is sent."""
    row = rows[0].values
    order = find_order(session, key, rows[0])
    if order is None:
        raise _unknown(ORDER_STATUS, key, row)
    # What others call the order is no news here: it may have found it.
    said = Said({name: value for name, value in row.items() if name != EXTERNAL_ID.key}, rows[0].file, rows[0].line)
    moved = OrderRows([said], doing)
    edit_order(session, order, moved, has_changed=_set_address(session, order, row, moved))
    return moved.done


def _set_address(session: Session, order: Order, row: Values, moved: OrderRows) -> bool:
    """Whether it is another one."""
    old, new = order.shipping_tracking_url, row.get(TRACKING_URL.key, order.shipping_tracking_url)
    if new == old:
        return False
    order.shipping_tracking_url = new
    source = moved.doing.source(OF_AN_ORDER, moved.said[0])
    ledger.note(session, source, order.reference, UPDATED, {TRACKING_URL.key: [old, new]}, database_now(session))
    moved.note(0, UPDATED)
    return True


def _unknown(kind: EntityType, key: str, row: Values) -> RowFaultError:
    """At the field that names the record."""
    named = kind.key if key or kind.other_key is None else kind.other_key
    value = key or row[named.key]
    message = (
        f"There is no {noun_of(kind)} with this {named.label.lower()}, {value}. This import changes records that exist."
    )
    return RowFaultError("unknown_key", named.key, value, message)
