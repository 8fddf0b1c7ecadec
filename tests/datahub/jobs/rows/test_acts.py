"""Rows that act on records instead of being merged: moves of real orders, with the exports that these fire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub import crash_points
from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.jobs.rows.act_writer import ACTS
from datahub.jobs.rows.acts import Act
from datahub.models.execution import EXPORT, INTEGRATION_DONE_WITH_ERRORS, Execution
from datahub.models.import_run import RejectedRow
from datahub.models.order import Order
from datahub.vault import Vault
from tests.datahub.jobs.test_import_run import Start, importing, look, start, take_back
from tests.factories import add_connection, make_job, make_order
from tests.importer import Importer, causes, counts
from tests.killed import Killed, at, die

__all__ = ["importing", "start"]


@pytest.fixture
def references(sessions: sessionmaker[Session], vault: Vault) -> Iterator[list[str]]:
    """Of two orders that wait for their supplier; each exports what is accepted and what is shipped."""
    with sessions.begin() as session:
        make_job(session, add_connection(session, vault), trigger_statuses=["ACCEPTED_BY_SUPPLIER", "SHIPPED"])
        found = [make_order(session).reference for _ in range(2)]
    yield found


def statuses(sessions: sessionmaker[Session]) -> dict[str, str]:
    with sessions() as session:
        return {order.reference: order.status for order in session.scalars(select(Order))}


def exports(sessions: sessionmaker[Session]) -> list[tuple[str | None, str | None, str]]:
    with sessions() as session:
        query = select(Execution).where(Execution.kind == EXPORT).order_by(Execution.id)
        return [(row.entity_reference, row.trigger_status, row.actor) for row in session.scalars(query)]


def said(reference: str, status: str) -> dict[str, str]:
    return {"orderReference": reference, "orderStatus": status}


def document(*moves: tuple[str, str]) -> str:
    orders = (f"<Order><reference>{name}</reference><status>{status}</status></Order>" for name, status in moves)
    return f'<Orders xmlns="http://djust.com/import/type">{"".join(orders)}</Orders>'


def test_rows_are_moves_in_the_order_of_the_file_and_each_fires_its_exports(
    load: Importer, references: list[str], sessions: sessionmaker[Session]
) -> None:
    one, other = references
    done = load(
        "ORDER_STATUS", said(one, "ACCEPTED_BY_SUPPLIER"), said(other, "SHIPPED"), said(one, "SHIPPED"), chunk_rows=1
    )
    assert (counts(done), done.warnings) == ({"updated": 3}, [])
    assert statuses(sessions) == {one: "SHIPPED", other: "SHIPPED"}
    assert sorted(exports(sessions)) == sorted(
        [(one, "ACCEPTED_BY_SUPPLIER", "ada"), (one, "SHIPPED", "ada"), (other, "SHIPPED", "ada")]
    )
    assert counts(load("ORDER_STATUS", said(one, "SHIPPED"))) == {"unchanged": 1}
    assert len(exports(sessions)) == 3


def test_what_may_not_be_rejects_its_row_in_the_words_of_the_page_and_the_others_go_on(
    load: Importer, references: list[str], sessions: sessionmaker[Session]
) -> None:
    one, other = references
    done = load(
        "ORDER_STATUS", said(one, "SHIPPED"), said(one, "ORDER_CREATED"), said("none", "SHIPPED"), said(other, "Sold")
    )
    assert counts(done) == {"updated": 1, "rejected": 3}
    assert sorted(causes(done)) == [
        (3, "illegal_move", "orderStatus"),
        (4, "unknown_key", "orderReference"),
        (5, "malformed", "orderStatus"),
    ]
    (message,) = (faults[0]["message"] for row, faults in done.rejected if row.line == 3)
    assert message.startswith(f"Order {one} is SHIPPED and cannot become ORDER_CREATED.")
    assert statuses(sessions) == {one: "SHIPPED", other: "WAITING_SUPPLIER_APPROVAL"}


def test_a_row_names_its_record_by_another_key_where_the_first_is_empty(
    load: Importer, references: list[str], sessions: sessionmaker[Session]
) -> None:
    with sessions() as session:
        for order in session.scalars(select(Order)):
            order.external_id = f"ERP {order.id}"
        session.commit()
        numbers = {order.reference: order.external_id or "" for order in session.scalars(select(Order))}
    one, other = references
    alone = {"orderExternalId": numbers[one], "orderStatus": "SHIPPED"}
    assert counts(load("ORDER_STATUS", alone)) == {"updated": 1}
    both = said("", "SHIPPED") | {"orderExternalId": numbers[other]}
    done = load("ORDER_STATUS", both, said("", "SHIPPED") | {"orderExternalId": ""})
    assert (counts(done), causes(done)) == ({"updated": 1, "rejected": 1}, [(3, "required", "orderReference")])
    assert set(statuses(sessions).values()) == {"SHIPPED"}


@pytest.mark.parametrize("point", [crash_points.INSIDE_CHUNK, crash_points.BETWEEN_CHUNKS])
def test_a_worker_that_dies_in_the_middle_neither_loses_a_move_nor_makes_one_twice(
    importing: Context,
    start: Start,
    folder: Path,
    references: list[str],
    sessions: sessionmaker[Session],
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    one, other = references
    moved = [(one, "ACCEPTED_BY_SUPPLIER"), (one, "SHIPPED"), (other, "SHIPPED"), (other, "ORDER_CREATED")]
    (folder / "moves.xml").write_text(document(*moved))
    number = start(entity="ORDER_STATUS", file_path="out/moves.xml")
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(point, die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    take_back(importing)
    import_run.run(importing, number, 3)
    status, counted, _ = look(importing.sessions, number)
    assert (status, counted) == (INTEGRATION_DONE_WITH_ERRORS, {"updated": 3, "rejected": 1})
    assert len(exports(sessions)) == 3
    with sessions() as session:
        assert session.scalars(select(RejectedRow.cause)).all() == ["illegal_move"]


def test_an_act_that_fails_for_a_fault_of_ours_fails_the_run_and_not_the_worker(
    importing: Context, start: Start, folder: Path, references: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setitem(ACTS, "ORDER_STATUS", Act(break_down))
    (folder / "moves.xml").write_text(document((references[0], "SHIPPED")))
    number = start(entity="ORDER_STATUS", file_path="out/moves.xml")
    import_run.run(importing, number, 1)
    status, _, error = look(importing.sessions, number)
    assert status == "INTEGRATION_FAILED" and error and "ZeroDivisionError" in error
