"""Many executions made at once, and the ways to find them compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.jobs import execution_list, orders
from datahub.jobs.execution_list import Wanted
from datahub.models.execution import (
    IMPORT,
    INTEGRATION_DONE,
    MANUAL,
    Execution,
)
from datahub.models.party import Store
from tests.factories import make_order


def make_executions(session: Session, number: int, stores: Sequence[Store | None] = (None,)) -> list[Execution]:
    """Oldest first, a second apart, of the stores in turn."""
    made = []
    for offset in range(number):
        order = make_order(session, store=stores[offset % len(stores)])
        (execution,) = orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada")
        execution.executed_at += timedelta(seconds=offset)
        made.append(execution)
    session.flush()
    return made


def insert_many(session: Session, number: int, start: int = 0, **changes: Any) -> list[str]:
    """Past the ORM, a second apart; their ids."""
    now = database_now(session)
    row = {
        "kind": IMPORT,
        "job_public_id": "x",
        "job_name": "Offers",
        "entity": "OFFER",
        "entity_reference": "",
        "trigger_status": "",
        "origin": MANUAL,
        "actor": "ada",
        "status": INTEGRATION_DONE,
    } | changes
    public_ids = [f"{place:08x}-0000-4000-8000-00000000beef" for place in range(start, start + number)]
    moments = [now + timedelta(seconds=place) for place in range(number)]
    rows = [
        row | {"public_id": public_id, "created_at": at, "executed_at": at, "lease_until": at}
        for public_id, at in zip(public_ids, moments, strict=True)
    ]
    session.execute(Execution.__table__.insert(), rows)
    return public_ids


def found(session: Session, **wanted: Any) -> list[Execution]:
    """By page and by number alike."""
    page = execution_list.read_page(session, Wanted(**wanted)).items
    sort = Wanted(**wanted).at
    assert execution_list.find(session, Wanted(**wanted), sort=sort).items == page
    return page


def make_stores(session: Session, *names: str) -> list[Store]:
    now = database_now(session)
    stores = [Store(external_id=name, name=name, created_at=now, updated_at=now) for name in names]
    session.add_all(stores)
    session.flush()
    return stores
