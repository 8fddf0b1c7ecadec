"""Rows that name records by another field come in the same order again when the spool is lost between two chunks."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from datahub.crash_points import BETWEEN_CHUNKS
from datahub.jobs import import_run
from datahub.jobs.export_run import Context
from datahub.models.execution import INTEGRATION_DONE_WITH_ERRORS
from datahub.models.import_run import ImportRun, SettledKeys
from datahub.models.order import Order
from tests.datahub.jobs.test_import_run import Start, importing, look, start
from tests.datahub.jobs.test_import_tries import is_asked_to_end
from tests.factories import make_order

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
