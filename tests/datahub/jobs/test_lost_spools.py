"""Spools that are lost between two chunks, or left behind by workers that died: what is written is what was read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import select

from datahub.crash_points import BETWEEN_CHUNKS
from datahub.jobs import import_hold, import_run
from datahub.jobs.context import Context
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_FAILED,
    INTEGRATION_WAITING,
)
from datahub.models.import_run import ImportRun, SettledKeys
from datahub.models.order import Order
from datahub.models.party import Supplier
from tests.datahub.jobs.test_import_run import HEADER, Start, hold_family, importing, let_go, look, start, take_back
from tests.datahub.jobs.test_import_tries import is_asked_to_end
from tests.factories import make_order
from tests.killed import Killed, at, die

__all__ = ["importing", "start"]

KNOWN, TEN, LATER = "E-05", "E-10", "E-13"
DRAFT, ON_HOLD = "DRAFT_ORDER", "DRAFT_ORDER_ON_HOLD"


def make(context: Context, *external_ids: str) -> None:
    with context.sessions.begin() as session:
        for external_id in external_ids:
            make_order(session, external_id=external_id, status=DRAFT)


def rows_done(context: Context, number: int) -> int:
    with context.sessions() as session:
        return session.get_one(ImportRun, number).rows_done


def settled(context: Context) -> list[list[str]]:
    """The external ids of each page that is kept."""
    with context.sessions() as session:
        return [[name for _, name in page] for page in session.scalars(select(SettledKeys.pairs))]


@pytest.mark.parametrize("entity", ["ORDER_UPDATE", "ORDER_STATUS"])
def test_orders_that_others_make_meanwhile_cost_and_repeat_no_row(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    make(importing, KNOWN)
    names = [f"E-{number:02d}" for number in range(1, 16)]
    if entity == "ORDER_STATUS":
        rows = [f"<Order><ExternalId>{name}</ExternalId><Status>{ON_HOLD}</Status></Order>" for name in names]
        text = f"<Orders>{''.join(rows)}</Orders>"
    else:
        text = "\n".join(["orderExternalId;orderStatus", *(f"{name};{ON_HOLD}" for name in names)])
    (folder / "orders").write_text(text)
    number = start(entity=entity, file_path="out/orders")
    with monkeypatch.context() as patch:
        import_run.run(is_asked_to_end(importing, BETWEEN_CHUNKS, patch), number, 1)
    assert rows_done(importing, number) == 10
    assert settled(importing) == [[KNOWN]]

    make(importing, TEN, LATER)
    for spool in Path(importing.settings.spool_folder).iterdir():
        spool.unlink()
    import_run.run(importing, number, 3)
    assert look(importing.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"updated": 2, "rejected": 13})
    with importing.sessions() as session:
        orders = {order.external_id: order.status for order in session.scalars(select(Order))}
    assert orders == {KNOWN: ON_HOLD, TEN: DRAFT, LATER: ON_HOLD}
    assert settled(importing) == [], "they are forgotten with the end of the execution"


def on_host(context: Context, spool_folder: Path) -> Context:
    return dataclasses.replace(context, settings=dataclasses.replace(context.settings, spool_folder=str(spool_folder)))


def suppliers(word: str, numbers: Iterable[int]) -> str:
    return HEADER + "".join(f"S-{number:02d};{word};3\n" for number in numbers)


def names(context: Context) -> list[str]:
    with context.sessions() as session:
        return list(session.scalars(select(Supplier.name)))


def test_a_spool_whose_reading_was_never_told_is_not_taken_for_that_of_another_host(
    importing: Context, start: Start, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = on_host(importing, tmp_path / "one"), on_host(importing, tmp_path / "other")
    (folder / "suppliers.csv").write_text(suppliers("old", range(5)))
    before, number = start(), start()
    hold_family(importing, before)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(import_run._Run, "_keep_read", die)
        import_run.run(one, number, 1)
    assert len(list((tmp_path / "one").iterdir())) == 1, "its spool is in place, but no row says so"
    take_back(importing)

    (folder / "suppliers.csv").write_text(suppliers("new", range(7)))
    import_run.run(other, number, 2)
    assert look(importing.sessions, number)[0] == INTEGRATION_WAITING
    let_go(importing, before)
    import_run.run(one, number, 3)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 7}, None)
    assert names(importing) == ["new"] * 7


def test_a_file_that_has_changed_is_not_gone_on_with_even_where_its_refusal_could_not_be_told(
    importing: Context, start: Start, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "suppliers.csv").write_text(suppliers("old", range(25)))
    number = start()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("datahub.crash_points.reach", at(BETWEEN_CHUNKS, die))
        import_run.run(on_host(importing, tmp_path / "one"), number, 1)
    take_back(importing)

    (folder / "suppliers.csv").write_text(suppliers("new", range(25)))
    other = on_host(importing, tmp_path / "other")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(import_hold.Hold, "fail", die)
        import_run.run(other, number, 3)
    take_back(importing)
    import_run.run(other, number, 4)
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (INTEGRATION_FAILED, {"created": 10})
    assert error and "has changed since" in error
    assert names(importing) == ["old"] * 10
