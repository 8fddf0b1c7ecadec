"""Definitions that change while an execution that is read already waits for its turn to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.models.custom_field import CustomField
from datahub.models.execution import INTEGRATION_DONE_WITH_ERRORS, INTEGRATION_FAILED
from datahub.models.import_run import ImportRun, ImportWarning
from datahub.models.party import Supplier
from tests.datahub.jobs.test_import_run import Start, hold_family, importing, let_go, look, start, take_back
from tests.killed import Killed, at, die

__all__ = ["importing", "start"]

FILE = "Supplier External Id;Supplier Name;CF_zone;Strange\nS-1;One;north;x\nS-2;Two;south;x\n"


@pytest.fixture
def waiting(importing: Context, start: Start, folder: Path) -> int:
    """Read while another import writes, with north as the only option; now it is south."""
    with importing.sessions.begin() as session:
        now = database_now(session)
        given = {"public_id": "zone", "entity": "SUPPLIER", "name": "Zone", "type": "LIST_TEXT", "options": ["north"]}
        session.add(CustomField(external_id="zone", created_at=now, updated_at=now, **given))
    (folder / "suppliers.csv").write_text(FILE)
    writing, number = start(), start()
    hold_family(importing, writing)
    import_run.run(importing, number, 1)
    let_go(importing, writing)
    with importing.sessions.begin() as session:
        session.execute(update(CustomField).values(options=["south"]))
    return number


def zones(session: Session) -> dict[str, Any]:
    return {item.external_id: item.custom_fields for item in session.scalars(select(Supplier))}


def is_written_by_the_new(context: Context, number: int) -> None:
    assert look(context.sessions, number)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1, "rejected": 1})
    with context.sessions() as session:
        assert zones(session) == {"S-2": {"zone": ["south"]}}
        warnings = session.scalars(select(ImportWarning).where(ImportWarning.execution_id == number)).all()
        told = [(warning.code, warning.field) for warning in warnings]
        assert "unused_column" in (code for code, _ in told) and len(set(told)) == len(told)
        run = session.get_one(ImportRun, number)
        assert (run.warnings, run.rows, run.recipe["extras"][0]["options"]) == (len(told), 2, {"en-GB": ["south"]})
    assert list(Path(context.settings.spool_folder).iterdir()) == []


def test_what_was_read_by_other_options_is_read_again_before_it_is_written(importing: Context, waiting: int) -> None:
    import_run.run(importing, waiting, 2)
    is_written_by_the_new(importing, waiting)


@pytest.mark.parametrize("place", ["after download", "between chunks"])
def test_a_crash_around_the_second_reading_costs_nothing(
    importing: Context, waiting: int, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(place, die))
        with pytest.raises(Killed):
            import_run.run(importing, waiting, 2)
    take_back(importing)
    import_run.run(importing, waiting, 3)
    is_written_by_the_new(importing, waiting)


def test_a_spool_read_by_other_definitions_than_the_run_keeps_is_never_written(
    importing: Context, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("datahub.jobs.import_run._Run._keep_read", die)
        with pytest.raises(Killed):
            import_run.run(importing, waiting, 2)
    with importing.sessions.begin() as session:
        session.execute(update(CustomField).values(options=["north"]))
    take_back(importing)
    import_run.run(importing, waiting, 3)
    assert look(importing.sessions, waiting)[:2] == (INTEGRATION_DONE_WITH_ERRORS, {"created": 1, "rejected": 1})
    with importing.sessions() as session:
        assert zones(session) == {"S-1": {"zone": ["north"]}}


def test_other_definitions_that_change_cost_no_second_reading(importing: Context, waiting: int, folder: Path) -> None:
    with importing.sessions.begin() as session:
        session.execute(update(CustomField).values(options=["north"], name="Renamed"))
    (folder / "suppliers.csv").unlink()
    import_run.run(importing, waiting, 2)
    assert look(importing.sessions, waiting)[1] == {"created": 1, "rejected": 1}


def test_a_file_that_has_changed_too_is_not_written(importing: Context, waiting: int, folder: Path) -> None:
    (folder / "suppliers.csv").write_text(FILE + "S-3;Three;south;x\n")
    import_run.run(importing, waiting, 2)
    status, counts, error = look(importing.sessions, waiting)
    assert (status, counts) == (INTEGRATION_FAILED, {})
    assert "has changed since" in (error or "")


def test_a_custom_field_that_is_gone_by_then_fails_the_run(importing: Context, waiting: int) -> None:
    with importing.sessions.begin() as session:
        session.execute(delete(CustomField))
    import_run.run(importing, waiting, 2)
    status, counts, error = look(importing.sessions, waiting)
    assert (status, counts) == (INTEGRATION_FAILED, {})
    assert "CF_zone" in (error or "")
