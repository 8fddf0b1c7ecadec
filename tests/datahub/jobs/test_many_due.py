"""Thousands of orders that reach a status in one transaction: what waits costs a sweep and a worker nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, func, insert, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import dispatch, export_claims, export_run, orders, reconcile
from datahub.jobs.context import Context
from datahub.models.execution import SUCCESS, Event, Execution, Payload
from datahub.models.export_job import ExportJob
from datahub.models.order import Order, OrderSnapshot
from datahub.transports.base import Transport
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_order
from tests.servers import SshServer
from tests.statements import Statement, noted_statements

FEW, MANY = 40, 3_000
# Delivered for real, in seconds even on a busy machine.
DELIVERED = 1_000


@pytest.fixture
def owe_many(sessions: sessionmaker[Session], vault: Vault, sshd: SshServer) -> Callable[[int], int]:
    """Makes a job and so many orders that are due to it by one commit; returns the first execution's id."""

    def owe_many(count: int) -> int:
        with sessions.begin() as session:
            job = make_job(session, add_connection(session, vault, sshd))
            (first,) = orders.change_status(session, make_order(session), job.trigger_statuses[0], actor="ada")
            assert first.order_id and first.snapshot_id
            order, snapshot = session.get_one(Order, first.order_id), session.get_one(OrderSnapshot, first.snapshot_id)
            # The first as it was made, the others as its likes: to make each like it would take a minute.
            for model, columns in _likes(order, snapshot, first, count - 1):
                session.execute(insert(model), columns)
            return first.id

    return owe_many


def _likes(
    order: Order, snapshot: OrderSnapshot, execution: Execution, count: int
) -> Iterator[tuple[type[object], list[dict[str, Any]]]]:
    """Rows whose ids follow those of the three, so that they belong together."""
    names = {number: f"{order.reference}-like-{number}" for number in range(1, count + 1)}
    own = [
        {"reference": name, "number": f"{order.id}-{number}", "commercial_reference": name}
        for number, name in names.items()
    ]
    yield Order, [_columns(order, number) | row for number, row in enumerate(own, 1)]
    documents = [{"document": snapshot.document | {"reference": name}} for name in names.values()]
    of_order = [{"order_id": order.id + number} for number in names]
    frozen = [_columns(snapshot, number) | of_order[number - 1] | documents[number - 1] for number in names]
    yield OrderSnapshot, frozen
    due = [
        {"public_id": str(uuid4()), "snapshot_id": snapshot.id + number, "entity_reference": name}
        for number, name in names.items()
    ]
    yield Execution, [_columns(execution, number) | of_order[number - 1] | due[number - 1] for number in names]


def _columns(model: Order | OrderSnapshot | Execution, number: int) -> dict[str, Any]:
    columns = {attribute.key: getattr(model, attribute.key) for attribute in inspect(model).mapper.column_attrs}
    return columns | {"id": model.id + number}


@dataclass
class Cost:
    """`rows` is how many executions became objects."""

    statements: list[Statement]
    rows: int = 0


@contextmanager
def noted_cost(engine: Engine) -> Iterator[Cost]:
    with noted_statements(engine) as statements:
        cost = Cost(statements)

        def note_row(*_: Any) -> None:
            cost.rows += 1

        event.listen(Execution, "load", note_row)
        try:
            yield cost
        finally:
            event.remove(Execution, "load", note_row)


@pytest.fixture(params=[FEW, MANY])
def waiting(request: pytest.FixtureRequest, owe_many: Callable[[int], int]) -> int:
    owe_many(request.param)
    count: int = request.param
    return count


@pytest.mark.usefixtures("waiting")
def test_a_sweep_and_a_claim_cost_the_same_however_many_wait(context: Context, engine: Engine) -> None:
    queue = dispatch.make_queue(context.settings.redis_url)
    with noted_cost(engine) as swept:
        done = reconcile.sweep(context.sessions, queue, context.settings)
    assert done["hand out exports"] == dispatch.MESSAGES_PER_JOB
    with context.sessions.begin() as session, noted_cost(engine) as claimed:
        job_id = session.scalars(select(ExportJob.id)).one()
        found = export_claims.claim_due(session, job_id, count=8, is_idle=True, worker="one", settings=context.settings)
    assert len(found) == 8
    assert swept.rows == dispatch.MESSAGES_PER_JOB
    assert len(swept.statements) < 25
    assert claimed.rows == 0
    assert len(claimed.statements) <= 8


def test_on_postgresql_a_claim_among_thousands_needs_no_statistics_to_be_quick(
    context: Context, engine: Engine, owe_many: Callable[[int], int]
) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite plans without statistics")
    owe_many(MANY)
    with context.sessions.begin() as session:
        # What compares each with each takes seconds.
        session.execute(text("set local statement_timeout = '1s'"))
        job_id = session.scalars(select(ExportJob.id)).one()
        found = export_claims.claim_due(session, job_id, count=8, is_idle=True, worker="one", settings=context.settings)
    assert len(found) == 8


@pytest.mark.chaos
def test_a_thousand_of_one_transaction_go_out_once_each_over_one_connection_with_its_number_in_flight(
    context: Context, owe_many: Callable[[int], int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, in_flight = [], []
    open_transport, load = export_run.open_transport, export_run.delivery.load

    def open_and_note(*args: Any) -> AbstractAsyncContextManager[Transport]:
        opened.append(args)
        return open_transport(*args)

    def load_and_note(session: Session, found: list[Any]) -> list[Any]:
        started = select(func.count()).where(Execution.status == "JOB_STARTED")
        in_flight.append(session.scalars(started).one())
        return load(session, found)

    monkeypatch.setattr(export_run, "open_transport", open_and_note)
    monkeypatch.setattr(export_run.delivery, "load", load_and_note)
    export_run.run(context, owe_many(DELIVERED), 1)
    assert len(opened) == 1
    assert max(in_flight) == context.settings.in_flight
    with context.sessions() as session:
        ended = select(Execution.status, Execution.attempts, func.count()).group_by(
            Execution.status, Execution.attempts
        )
        assert session.execute(ended).all() == [(SUCCESS, 1, DELIVERED)]
        assert session.scalar(select(func.count()).where(Event.to_status == SUCCESS)) == DELIVERED
        sent = dict(session.execute(select(Payload.file_name, Payload.content)).all())
    assert len(sent) == DELIVERED
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == sent
