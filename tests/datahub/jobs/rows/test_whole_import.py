"""Entities that a file replaces as a whole, on a tree made for these tests: all of it is applied, or nothing."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import JSON, Engine, ForeignKey, String, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, sessionmaker

from datahub import crash_points
from datahub.db import UtcTime
from datahub.entities import ENTITIES
from datahub.entities.base import CATALOGUE, EntityType, Field, Reference, Use
from datahub.entities.values import LOCALISED, TEXT
from datahub.jobs import executions, import_run, rejected_rows
from datahub.jobs.context import Context
from datahub.jobs.lease import LeaseKeeper
from datahub.jobs.lifecycle import Claim
from datahub.jobs.rows.chunk import ChunkWriter, Outcome
from datahub.models.change import Change
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_FAILED, JOB_FAILED, JOB_STOPPED, Execution
from datahub.models.import_run import ImportRun, RejectedRow
from datahub.storage import SpooledRow
from tests.datahub.jobs.test_import_run import Start, importing, look, start, take_back
from tests.killed import Killed, at, die

__all__ = ["importing", "start"]

Replace = Callable[[str], int]


class Base(DeclarativeBase):
    registry = registry(type_annotation_map={datetime: UtcTime})


class Branch(Base):
    __tablename__ = "test_branch"
    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("test_branch.id"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


A_BRANCH = Reference("branch", Branch)
BRANCH = EntityType(
    "BRANCH",
    label="Branches",
    family=CATALOGUE,
    model=Branch,
    key=Field("branchId", "Branch Id", "external_id", TEXT, editable=False),
    fields=(
        Field("names", "Names", "names", LOCALISED, required_on_create=True, localisable=True),
        Field("parentId", "Parent Id", "parent_id", TEXT, required_on_update=True, refers_to=A_BRANCH, root=("Root",)),
    ),
    replaced_whole=True,
    used_by=(Use("branches", Branch.parent_id),),
)
TREE = "branchId;names;parentId\ntools;Tools;Root\nsaws;Saws;tools\njig;Jig saws;saws\nhammers;Hammers;tools\n"


@pytest.fixture(autouse=True)
def branches(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(ENTITIES, "BRANCH", BRANCH)
    Base.metadata.create_all(engine)
    yield


def tree(sessions: sessionmaker[Session]) -> dict[str, str | None]:
    """By key of a live record, that of its parent."""
    with sessions() as session:
        rows = session.scalars(select(Branch)).all()
        keys = {row.id: row.external_id for row in rows}
        return {row.external_id: row.parent_id and keys[row.parent_id] for row in rows if row.deleted_at is None}


@pytest.fixture
def replace(importing: Context, start: Start, folder: Path) -> Replace:
    """Imports this text; returns the execution's id."""

    def replace(text: str) -> int:
        (folder / "branches.csv").write_text(text)
        number = start(entity="BRANCH", file_path="out/branches.csv")
        import_run.run(importing, number, 1)
        return number

    return replace


def removed(sessions: sessionmaker[Session], number: int) -> int:
    with sessions() as session:
        return session.get_one(ImportRun, number).removed


def test_what_the_file_does_not_name_goes_and_is_told_apart_from_its_rows(importing: Context, replace: Replace) -> None:
    assert look(importing.sessions, replace(TREE)) == (INTEGRATION_DONE, {"created": 4}, None)
    number = replace("branchId;names;parentId\nhammers;Hammers;Root\nnew;New;hammers\n")
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 1, "updated": 1}, None)
    assert (tree(importing.sessions), removed(importing.sessions, number)) == ({"hammers": None, "new": "hammers"}, 3)
    with importing.sessions() as session:
        gone = select(Change.record_key, Change.file, Change.line).where(
            Change.execution_id == number, Change.action == "deleted"
        )
        assert sorted(session.execute(gone).all()) == [("jig", None, None), ("saws", None, None), ("tools", None, None)]


@pytest.mark.parametrize(("others", "ended"), [("", INTEGRATION_DONE), ("x;X;nowhere\n", INTEGRATION_FAILED)])
def test_a_tree_that_takes_longer_than_the_lease_is_written_whole(
    importing: Context, start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, others: str, ended: str
) -> None:
    write, ends = ChunkWriter.write, list[int]()
    hasty = dataclasses.replace(importing.settings, lease_seconds=4)

    def slowly(self: ChunkWriter, rows: list[SpooledRow], now: datetime) -> Outcome:
        time.sleep(hasty.lease_seconds / 8)
        return write(self, rows, now)

    monkeypatch.setattr(ChunkWriter, "write", slowly)
    monkeypatch.setattr("datahub.jobs.lease.os._exit", ends.append)
    branches = "".join(f"b-{each:02};B;Root\n" for each in range(80))
    (folder / "branches.csv").write_text(f"branchId;names;parentId\n{branches}{others}")
    number = start(entity="BRANCH", file_path="out/branches.csv")
    import_run.run(dataclasses.replace(importing, settings=hasty), number, 1)
    assert look(importing.sessions, number)[0] == ended
    assert len(tree(importing.sessions)) == (0 if others else 80)
    assert ends == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("others", ["", "x;X;nowhere\n"])
def test_a_stop_in_the_middle_is_obeyed_at_once_and_nothing_was_changed(
    importing: Context, start: Start, folder: Path, replace: Replace, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    replace(TREE)
    before, write = tree(importing.sessions), ChunkWriter.write
    branches = "".join(f"b-{each:02};B;Root\n" for each in range(80))
    (folder / "branches.csv").write_text(f"branchId;names;parentId\n{branches}{others}")
    number = start(entity="BRANCH", file_path="out/branches.csv")
    let_go, stopped, told = LeaseKeeper._let_go, threading.Event(), threading.Event()

    def stop(self: ChunkWriter, rows: list[SpooledRow], now: datetime) -> Outcome:
        outcome = write(self, rows, now)
        if not stopped.is_set():
            with importing.sessions.begin() as session:
                session.execute(text("set local lock_timeout = '5s'"))
                executions.stop(session, session.get_one(Execution, number), actor="ada")
            stopped.set()
            assert told.wait(60), "a beat of the lease finds it"
        return outcome

    def tell(self: LeaseKeeper, claim: Claim) -> None:
        let_go(self, claim)
        if stopped.is_set():
            told.set()

    monkeypatch.setattr(ChunkWriter, "write", stop)
    monkeypatch.setattr(LeaseKeeper, "_let_go", tell)
    import_run.run(importing, number, 1)
    assert look(importing.sessions, number)[:2] == (JOB_STOPPED, {})
    assert tree(importing.sessions) == before


def test_the_same_file_again_changes_nothing(importing: Context, replace: Replace) -> None:
    replace(TREE)
    number = replace(TREE)
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"unchanged": 4}, None)
    assert removed(importing.sessions, number) == 0


def test_one_bad_row_refuses_the_file_and_its_rejected_rows_are_the_whole_file(
    importing: Context, replace: Replace, start: Start
) -> None:
    replace(TREE)
    before = tree(importing.sessions)
    number = replace("branchId;names;parentId\nother;Other;Root\nbad;;Root\nworse;Worse;nowhere\n")
    status, counts, error = look(importing.sessions, number)
    assert (status, counts) == (INTEGRATION_FAILED, {"rejected": 3})
    assert error and error.startswith("Nothing was changed: the file is taken as a whole")
    assert (tree(importing.sessions), removed(importing.sessions, number)) == (before, 0)
    with importing.sessions() as session:
        assert session.execute(select(RejectedRow.line, RejectedRow.cause).order_by(RejectedRow.line)).all() == [
            (2, "tree_refused"),
            (3, "required"),
            (4, "unknown_reference"),
        ]
        assert not session.scalars(select(Change).where(Change.execution_id == number)).all()
        mended = "".join(rejected_rows.rejected_file(session, session.get_one(Execution, number))).encode()
    mended = mended.replace(b"bad;;Root", b"bad;Good;Root").replace(b"worse;Worse;nowhere", b"worse;Better;bad")
    again = start(("mended.csv", mended), entity="BRANCH", file_path="out/branches.csv")
    import_run.run(importing, again, 1)
    assert look(importing.sessions, again) == (INTEGRATION_DONE, {"created": 3}, None)
    assert tree(importing.sessions) == {"other": None, "bad": None, "worse": "bad"}


@pytest.mark.parametrize("text", ["branchId;names;parentId\n", "branchId;names;parentId\n\n\n"])
def test_a_file_without_rows_removes_nothing(importing: Context, replace: Replace, text: str) -> None:
    replace(TREE)
    status, counts, error = look(importing.sessions, replace(text))
    assert (status, counts) == (JOB_FAILED, {})
    assert error == "The file has no rows. Taken as a whole, it would remove everything: nothing was changed."
    assert len(tree(importing.sessions)) == 4


def test_a_file_that_cannot_be_read_to_its_end_removes_nothing(importing: Context, replace: Replace) -> None:
    replace(TREE)
    assert look(importing.sessions, replace(f'{TREE}last;"Open;tools\n'))[0] == JOB_FAILED
    assert len(tree(importing.sessions)) == 4


def test_a_row_below_one_that_the_file_does_not_name_refuses_the_file(importing: Context, replace: Replace) -> None:
    replace(TREE)
    number = replace("branchId;names;parentId\njig;Jig saws;saws\n")
    assert look(importing.sessions, number)[:2] == (INTEGRATION_FAILED, {"rejected": 1})
    with importing.sessions() as session:
        (row,) = session.scalars(select(RejectedRow).where(RejectedRow.execution_id == number))
        assert "does not name saws" in row.faults[0]["message"]
    assert len(tree(importing.sessions)) == 4


@pytest.mark.parametrize("point", [crash_points.INSIDE_CHUNK, crash_points.AFTER_LAST_CHUNK, crash_points.BEFORE_END])
@pytest.mark.parametrize("is_bad", [False, True])
def test_a_worker_that_dies_leaves_the_old_tree_or_the_new_one_and_the_next_one_ends_the_run(
    importing: Context,
    replace: Replace,
    start: Start,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    is_bad: bool,
) -> None:
    replace(TREE)
    old, new = tree(importing.sessions), {"hammers": None, "new": "hammers"}
    text = "branchId;names;parentId\nhammers;Hammers;Root\nnew;New;hammers\n" + "bad;;Root\n" * is_bad
    (folder / "branches.csv").write_text(text)
    number = start(entity="BRANCH", file_path="out/branches.csv")
    with monkeypatch.context() as patch:
        patch.setattr("datahub.crash_points.reach", at(point, die))
        with pytest.raises(Killed):
            import_run.run(importing, number, 1)
    is_applied = point != crash_points.INSIDE_CHUNK and not is_bad
    assert tree(importing.sessions) == (new if is_applied else old)
    take_back(importing)
    import_run.run(importing, number, 3)
    status, counts, _ = look(importing.sessions, number)
    ended = (INTEGRATION_FAILED, {"rejected": 3}) if is_bad else (INTEGRATION_DONE, {"created": 1, "updated": 1})
    assert (status, counts) == ended
    assert tree(importing.sessions) == (old if is_bad else new)
    assert removed(importing.sessions, number) == (0 if is_bad else 3)
