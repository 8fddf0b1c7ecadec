"""On PostgreSQL an import and other writers do not undo each other's changes, and agree on what is deleted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import read_only
from datahub.jobs import records
from datahub.jobs.merging.merge import Merge
from datahub.jobs.rows.chunk import ChunkWriter, Outcome
from datahub.models.catalog_view import CatalogView
from datahub.models.catalogue import Variant
from datahub.models.change import Change
from datahub.models.offer import Stock
from datahub.models.party import Supplier
from datahub.settings import Settings
from tests.datahub.jobs.rows.test_extras import define, supplier
from tests.datahub.jobs.test_import_preview import look
from tests.factories import make_account
from tests.importer import Importer, category, causes, counts, offer, product
from tests.statements import noted_statements

__all__ = ["define"]

Sessions = sessionmaker[Session]
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, disturb: Callable[[], None], *, after: bool) -> None:
    """Calls `disturb` before or after the first call of the method."""
    inner, disturbs = getattr(owner, name), [disturb]

    def disturbed(*args: Any) -> Any:
        due = disturbs.pop() if disturbs else None
        if due and not after:
            due()
        result = inner(*args)
        if due and after:
            due()
        return result

    monkeypatch.setattr(owner, name, disturbed)


@pytest.mark.parametrize(("owner", "step"), [(Merge, "stage"), (ChunkWriter, "_apply")])
def test_an_import_keeps_what_a_script_writes_after_the_chunk_has_read(
    load: Importer, sessions: Sessions, define: Any, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    define("zone")
    define("other")
    load("SUPPLIER", supplier(CF_zone="a", CF_other="1", description="old"))

    def script() -> None:
        with sessions.begin() as session:
            fields, custom = {"description": "by script"}, {"zone": "by script"}
            records.put(session, "SUPPLIER", "S-1", fields=fields, custom_fields=custom, actor="script")

    once(monkeypatch, owner, step, script, after=False)
    outcome = load("SUPPLIER", supplier(name="Renamed", CF_other="2", description="old"))
    assert counts(outcome) == {"updated": 1}
    with sessions() as session:
        found = session.scalars(select(Supplier)).one()
        assert (found.name, found.description) == ("Renamed", "old")
        assert found.custom_fields == {"zone": "by script", "other": "2"}
        told = session.scalars(select(Change.changes).order_by(Change.id)).all()[-1]
        assert told is not None and told["description"] == ["by script", "old"], "the ledger tells what was undone"


@pytest.fixture
def catalogue(load: Importer) -> None:
    load("CLASSIFICATION_CATEGORY", category("TOOLS"))
    load("PRODUCT", product("P-1", "V-1"), product("P-1", "V-2"))
    load("SUPPLIER", supplier("SUP-1"))


def wait_until_blocked(engine: Engine, thread: threading.Thread) -> None:
    """Or until the thread, which nothing blocks, has ended."""
    blocked = text("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
    for _ in range(500):
        with engine.connect() as connection:
            if not thread.is_alive() or connection.scalar(blocked):
                return
        time.sleep(0.02)
    raise AssertionError("neither blocked nor ended")


REMOVALS = {
    "variant": ("PRODUCT", product("P-1", "V-1", deletedVariant="TRUE")),
    "product": ("PRODUCT", product("P-1", "V-1", deletedProduct="TRUE")),
    "supplier": ("SUPPLIER", supplier("SUP-1", deleted="TRUE")),
}


Job = tuple[Importer, str, dict[str, str]]


def beside(engine: Engine, settings: Settings, folder: Path) -> Importer:
    """Another one, with a folder of its own."""
    (folder / "other").mkdir()
    return Importer(engine, settings, folder / "other")


def both_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch, first: Job, second: Job) -> Outcome:
    """The second begins when the first has written and not committed; what became of it."""
    load, entity, row = first
    other, other_entity, other_row = second
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(other(other_entity, other_row)))

    def write_beside() -> None:
        thread.start()
        wait_until_blocked(engine, thread)

    once(monkeypatch, ChunkWriter, "write", write_beside, after=True)
    assert not load(entity, row).rejected
    thread.join(30)
    return outcomes[0]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("is_deleted_first", [True, False])
@pytest.mark.parametrize("removed", REMOVALS)
def test_of_a_deletion_and_a_new_reference_the_later_one_is_rejected(
    engine: Engine,
    settings: Settings,
    load: Importer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    removed: str,
    is_deleted_first: bool,
) -> None:
    other = beside(engine, settings, tmp_path)
    jobs = [REMOVALS[removed], ("OFFER", offer("O-1", "p1"))]
    first, second = jobs if is_deleted_first else reversed(jobs)
    outcome = both_at_once(engine, monkeypatch, (load, *first), (other, *second))
    code = "unknown_reference" if is_deleted_first else "in_use"
    assert [found for _, found, _ in causes(outcome)] == [code]
    with Session(engine) as session:
        lives = session.scalars(select(Stock.id).where(Stock.deleted_at.is_(None))).all()
        assert len(lives) == (0 if is_deleted_first else 1)
        gone = session.scalars(select(Variant.id).where(Variant.deleted_at.is_not(None))).all()
        assert bool(gone) == (is_deleted_first and removed != "supplier")


@pytest.mark.parametrize("is_deleted_first", [True, False])
def test_no_list_names_what_was_deleted_beside(
    engine: Engine,
    settings: Settings,
    sessions: Sessions,
    load: Importer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_deleted_first: bool,
) -> None:
    with sessions.begin() as session:
        make_account(session, "ACC-1")
    view = {"catalogExternalId": "V", "catalogName": "Trade", "accountExternalId": "ACC-1"}
    jobs = [("ACCOUNT", {"accountExternalId": "ACC-1", "deleted": "TRUE"}), ("CATALOG_VIEW", view)]
    first, second = jobs if is_deleted_first else reversed(jobs)
    outcome = both_at_once(engine, monkeypatch, (load, *first), (beside(engine, settings, tmp_path), *second))
    expected = [(2, "unknown_reference", "accountExternalId")] if is_deleted_first else []
    assert causes(outcome) == expected
    with sessions() as session:
        assert session.scalars(select(CatalogView.accounts)).all() == ([] if is_deleted_first else [[]])


def test_a_look_into_a_file_locks_nothing(session: Session, engine: Engine) -> None:
    rows = "catalogViewExternalId;catalogViewName;accountExternalId\nV;View;A\n"
    with noted_statements(engine, about="FROM accounts") as asked:
        found = look(read_only(session), rows, entity="CATALOG_VIEW").reading.causes
    assert "accountExternalId" in [cause.field for cause in found]
    assert asked and not [text for text, _ in asked if " FOR " in text]
