"""Incidents of orders: declared, moved, found. One that is declared marks the order and its lines, and reaches no
status of the order; a move changes nothing of the order."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from datahub.db import database_now, holds
from datahub.entities.incident import EXTERNAL_ID, STATUS
from datahub.errors import FieldConflictError, IllegalMoveError, InvalidError, NotFoundError
from datahub.jobs import ledger, triggers
from datahub.models.change import CREATED, UPDATED
from datahub.models.incident import (
    CLOSED,
    INCIDENT_STATUSES,
    ON_GOING,
    OPEN,
    Incident,
    IncidentLine,
    IncidentStatusChange,
)
from datahub.models.order import Order, OrderLine
from datahub.models.order_document import ILLEGAL_IN_XML
from datahub.paging import PAGE_SIZE, Page, Slice, by_offset, read_page

LONGEST_REASON = 100
NEXT = {OPEN: (ON_GOING, CLOSED), ON_GOING: (CLOSED,), CLOSED: ()}
SEARCH = (Incident.incident_id, Incident.external_id, Incident.reason, Order.reference, Order.external_id)
SORTS = {"created_at": Incident.created_at, "updated_at": Incident.updated_at}
WITH_LINES = selectinload(Incident.lines).joinedload(IncidentLine.order_line)

# The number of a line, and how much of it.
Affected = tuple[str, int]


def get(session: Session, incident_id: str) -> Incident:
    query = select(Incident).join(Incident.order).where(Incident.incident_id == incident_id)
    incident = session.scalar(query)
    if incident is None:
        raise NotFoundError(f"There is no incident with the id {incident_id!r}.")
    return incident


def find(
    session: Session,
    *,
    order_references: Sequence[str] = (),
    statuses: Sequence[str] = (),
    sort: str = "created_at",
    descending: bool = True,
    page: int = 0,
    size: int = PAGE_SIZE,
) -> Slice[Incident]:
    """Unknown statuses are passed over."""
    query = _incidents(statuses)
    if order_references:
        query = query.where(Order.reference.in_(order_references))
    return by_offset(session, query, SORTS[sort], Incident.id, descending, page, size)


def incidents_page(
    session: Session,
    *,
    search: str = "",
    statuses: Sequence[str] = (),
    before: str = "",
    after: str = "",
    size: int = PAGE_SIZE,
) -> Page[Incident]:
    """The one that was declared last comes first. `search` is a part of either of its names, of its reason, or of a
    name of its order."""
    query, text = _incidents(statuses), search.strip()
    if text:
        query = query.where(holds(SEARCH, text, session.get_bind().dialect.name))
    return read_page(
        session, query, Incident.id, lambda incident: incident, size=size, descending=True, before=before, after=after
    )


def of_order(session: Session, order: Order) -> list[Incident]:
    """The newest first."""
    query = select(Incident).where(Incident.order_id == order.id).order_by(Incident.id.desc())
    return list(
        session.scalars(query.options(WITH_LINES, selectinload(Incident.status_changes), joinedload(Incident.order)))
    )


def declare(
    session: Session, order: Order, *, reason: str, affected: Sequence[Affected], actor: str, external_id: str = ""
) -> Incident:
    """An OPEN incident about these lines, without any about the whole order. Flushes.

    Raises InvalidError at `reason`, `external_id`, `lines.<index>.order_line_id` or `lines.<index>.quantity`, and
    FieldConflictError for an external id that another incident has."""
    # Nobody moves or edits the order meanwhile.
    session.refresh(order, with_for_update=True)
    text = reason.strip()
    faults, name = _reason_faults(text) | _external_id_faults(external_id), external_id.strip() or None
    by_number = {line.number: line for line in order.lines}
    chosen: dict[str, int] = {}
    for index, (number, quantity) in enumerate(affected):
        faults |= _line_faults(f"lines.{index}", by_number.get(number), number, quantity, is_second=number in chosen)
        chosen[number] = quantity
    if faults:
        raise InvalidError(f"The incident is not valid: see {', '.join(faults)}.", faults)
    now = database_now(session)
    lines = [IncidentLine(order_line_id=by_number[number].id, quantity=quantity) for number, quantity in chosen.items()]
    incident = Incident(incident_id=str(uuid.uuid4()), external_id=name, reason=text, status=OPEN, lines=lines)
    incident.order = order
    incident.created_at = incident.updated_at = now
    incident.status_changes.append(IncidentStatusChange(from_status=None, to_status=OPEN, at=now, actor=actor))
    _add(session, incident)
    order.incident_declared, order.updated_at = True, now
    for number in chosen:
        by_number[number].incident_declared = True
    ledger.note(session, ledger.Source("INCIDENT", None, actor), incident.incident_id, CREATED, None, now)
    session.flush()
    triggers.edited(session, order, actor=actor)
    return incident


def change_status(session: Session, incident: Incident, status: str, *, actor: str) -> None:
    """As `move` does, and tells the change ledger."""
    changes = move(session, incident, status, actor=actor)
    if changes:
        source = ledger.Source("INCIDENT", None, actor)
        ledger.note(session, source, incident.incident_id, UPDATED, changes, incident.updated_at)
        session.flush()


def move(session: Session, incident: Incident, status: str, *, actor: str) -> dict[str, list[Any]]:
    """What changed, as the change ledger is to be told: nothing where it has the status already. Flushes.

    Raises InvalidError for an unknown word, IllegalMoveError for a way back."""
    if status not in INCIDENT_STATUSES:
        message = f"Must be one of {', '.join(INCIDENT_STATUSES)}."
        raise InvalidError("This is not a status of an incident.", {"status": [message]})
    session.refresh(incident, with_for_update=True)
    if status == incident.status:
        return {}
    if status not in NEXT[incident.status]:
        allowed = ", ".join(NEXT[incident.status])
        rest = f"It may become: {allowed}." if allowed else "A closed incident stays closed."
        raise IllegalMoveError(f"The incident is {incident.status} and cannot become {status}. {rest}")
    now, came_from = database_now(session), incident.status
    incident.status_changes.append(IncidentStatusChange(from_status=came_from, to_status=status, at=now, actor=actor))
    incident.status, incident.updated_at = status, now
    session.flush()
    return {STATUS.key: [came_from, status]}


def _incidents(statuses: Sequence[str]) -> Select[Incident]:
    query = select(Incident).join(Incident.order).options(contains_eager(Incident.order), WITH_LINES)
    known = [status for status in statuses if status in INCIDENT_STATUSES]
    return query.where(Incident.status.in_(known)) if known else query


def _add(session: Session, incident: Incident) -> None:
    try:
        with session.begin_nested():
            session.add(incident)
            session.flush()
    except IntegrityError as error:
        message = f"Another incident has the external id {incident.external_id} already."
        raise FieldConflictError("external_id", message) from error


def _external_id_faults(text: str) -> dict[str, list[str]]:
    try:
        EXTERNAL_ID.parse(text)
    except ValueError as error:
        return {"external_id": [str(error)]}
    return {}


def _reason_faults(text: str) -> dict[str, list[str]]:
    if not text:
        return {"reason": ["Say what is wrong, such as DAMAGED or MISSING."]}
    if len(text) > LONGEST_REASON:
        return {"reason": [f"Must be at most {LONGEST_REASON} characters long; it has {len(text)}."]}
    if ILLEGAL_IN_XML.search(text):
        return {"reason": ["Holds a character that no file may carry. Write it again by hand."]}
    return {}


def _line_faults(
    path: str, line: OrderLine | None, number: str, quantity: int, *, is_second: bool
) -> dict[str, list[str]]:
    if line is None:
        return {f"{path}.order_line_id": [f"The order has no line {number!r}."]}
    if is_second:
        return {f"{path}.order_line_id": [f"The line {number} is named twice."]}
    if not 1 <= quantity <= line.quantity:
        return {f"{path}.quantity": [f"Must be from 1 to {line.quantity}, the quantity of the line."]}
    return {}
