"""Keys that count within the store of a job: each store has a navigation of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.errors import InvalidError, NotFoundError
from datahub.jobs import import_jobs, import_run, record_history, record_reads
from datahub.jobs.context import Context
from datahub.jobs.import_jobs import configuration_of
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_FAILED, JOB_FAILED
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportRun, RejectedRow
from datahub.models.navigation import NavigationCategory
from datahub.models.party import Store
from tests.catalogue import make_category
from tests.datahub.jobs.test_import_run import Start, importing, look, start
from tests.importer import Importer, counts

__all__ = ["importing", "start"]

NAVIGATION = "NAVIGATION_CATEGORY"
HEADER = (
    "navigationCategoryExternalId;navigationCategoryNames;navigationCategoryParentId;classificationCategoryCode;"
    "navigationCategoryPosition;store"
)
Sessions = sessionmaker[Session]
Replace = Callable[..., int]


@pytest.fixture(autouse=True)
def known_stores(sessions: Sessions) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        for name in ("NORTH", "SOUTH"):
            session.add(Store(external_id=name, name=name, created_at=now, updated_at=now))
        make_category(session, "TOOLS")


@pytest.fixture
def replace(importing: Context, start: Start, folder: Path) -> Replace:
    """Imports rows of key, name, parent and store for some stores; returns the execution's id."""

    def replace(*rows: tuple[str, str, str, str] | tuple[str, str, str], stores: list[str]) -> int:
        lines = (f"{key};{name};{parent};TOOLS;1;{''.join(more)}" for key, name, parent, *more in rows)
        (folder / "navigation.csv").write_text("\n".join((HEADER, *lines)))
        number = start(entity=NAVIGATION, file_path="out/navigation.csv", store_external_ids=stores)
        import_run.run(importing, number, 1)
        return number

    return replace


def of(sessions: Sessions, store: str) -> dict[str, tuple[str, str | None]]:
    """By key of a live category, its name and its parent."""
    with sessions() as session:
        query = select(NavigationCategory).join(Store, Store.id == NavigationCategory.store_id)
        rows = session.scalars(query.where(Store.external_id == store)).all()
        keys = {row.id: row.external_id for row in rows}
        live = [row for row in rows if row.deleted_at is None]
        return {row.external_id: (row.names["en-GB"], row.parent_id and keys[row.parent_id]) for row in live}


def causes_of(sessions: Sessions, execution_id: int) -> list[tuple[int, str, str, str]]:
    with sessions() as session:
        query = select(RejectedRow).where(RejectedRow.execution_id == execution_id).order_by(RejectedRow.line)
        first = [(row.line, row.faults[0]) for row in session.scalars(query)]
    return [(line, fault["code"], fault["field"], fault["message"]) for line, fault in first]


def test_the_same_keys_are_other_records_in_each_store(importing: Context, replace: Replace) -> None:
    replace(("a", "North a", "Root_default"), ("b", "North b", "a"), stores=["NORTH"])
    number = replace(("b", "South b", "Root_SOUTH"), ("a", "South a", "b"), stores=["SOUTH"])
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 2}, None)
    assert of(importing.sessions, "NORTH") == {"a": ("North a", None), "b": ("North b", "a")}
    assert of(importing.sessions, "SOUTH") == {"a": ("South a", "b"), "b": ("South b", None)}


def test_what_a_file_does_not_name_goes_from_its_own_store_alone(importing: Context, replace: Replace) -> None:
    both = ("a", "A", "Root_default"), ("b", "B", "a")
    for store in ("NORTH", "SOUTH"):
        replace(*both, stores=[store])
    number = replace(("a", "A2", "Root_default"), stores=["SOUTH"])
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"updated": 1}, None)
    with importing.sessions() as session:
        assert session.get_one(ImportRun, number).removed == 1
    assert of(importing.sessions, "SOUTH") == {"a": ("A2", None)}
    assert of(importing.sessions, "NORTH") == {"a": ("A", None), "b": ("B", "a")}
    back = replace(("a", "A2", "Root_default"), ("b", "B again", "Root_default"), stores=["SOUTH"])
    assert look(importing.sessions, back) == (INTEGRATION_DONE, {"created": 1, "unchanged": 1}, None)
    assert of(importing.sessions, "NORTH") == {"a": ("A", None), "b": ("B", "a")}


@pytest.mark.parametrize("parent", ["a", "Root", "Root_NORTH"], ids=["of another store", "of another tree", "its root"])
def test_what_is_not_of_the_tree_is_no_parent(importing: Context, replace: Replace, parent: str) -> None:
    replace(("a", "A", "Root_NORTH"), stores=["NORTH"])
    number = replace(("b", "B", parent), ("c", "C", "Root_SOUTH"), stores=["SOUTH"])
    assert look(importing.sessions, number)[:2] == (INTEGRATION_FAILED, {"rejected": 2})
    assert [cause[:3] for cause in causes_of(importing.sessions, number)] == [
        (2, "unknown_reference", "navigationCategoryParentId"),
        (3, "tree_refused", ""),
    ]
    assert of(importing.sessions, "SOUTH") == {}


def test_a_row_names_the_store_of_the_job_or_none(importing: Context, replace: Replace) -> None:
    rows = ("a", "A", "Root_SOUTH", "SOUTH"), ("b", "B", "a", ""), ("c", "C", "a", "NORTH||SOUTH")
    assert look(importing.sessions, replace(*rows, stores=["SOUTH"]))[:2] == (INTEGRATION_DONE, {"created": 3})
    number = replace(*rows, stores=["NORTH"])
    assert look(importing.sessions, number)[:2] == (INTEGRATION_FAILED, {"rejected": 3})
    line, code, field, message = causes_of(importing.sessions, number)[0]
    assert (line, code, field) == (2, "malformed", "store")
    assert message == "The job imports for the store NORTH: name it here, or leave the cell empty."


@pytest.mark.parametrize("stores", [[], ["NORTH", "SOUTH"], ["EAST"]])
def test_a_job_without_exactly_one_store_fails_before_it_writes(
    importing: Context, replace: Replace, stores: list[str]
) -> None:
    status, _, error = look(importing.sessions, replace(("a", "A", "Root_default"), stores=stores))
    count = sum(store != "EAST" for store in stores)
    assert (status, error) == (JOB_FAILED, f"A job for Navigation categories needs one store; this one has {count}.")


@pytest.mark.parametrize("stores", [[], ["NORTH", "SOUTH"]], ids=["none", "two"])
def test_a_job_is_saved_with_exactly_one_store_and_for_one_file(
    importing: Context, start: Start, stores: list[str]
) -> None:
    start(entity=NAVIGATION, store_external_ids=["NORTH"])
    with importing.sessions() as session:
        job = session.scalars(select(ImportJob)).one()
        paths = {"inbound_directory": "in", "outbound_directory": "done"}
        given = configuration_of(job).__class__(
            **configuration_of(job).__dict__ | {"store_external_ids": stores, "bulk": True} | paths
        )
        with pytest.raises(InvalidError) as refused:
            import_jobs.update(session, job, given)
    assert refused.value.fields == {
        "store_external_ids": ["Name the one store whose navigation categories the job imports."],
        "bulk": ["A file replaces all navigation categories: give the path of one file, not a folder."],
    }


def test_a_classification_category_that_goes_leaves_the_trees_of_all_stores(
    importing: Context, replace: Replace, load: Importer
) -> None:
    for store in ("NORTH", "SOUTH"):
        replace(("a", "A", "Root_default"), stores=[store])
    gone = {"classificationExternalId": "TOOLS", "deleted": "TRUE"}
    assert counts(load("CLASSIFICATION_CATEGORY", gone)) == {"deleted": 1}
    with importing.sessions() as session:
        for store in ("NORTH", "SOUTH"):
            assert record_reads.get(session, NAVIGATION, "a", store=store).categories == []
            store_id = record_reads.store_id(session, NAVIGATION, store)
            newest = record_history.find_changes(session, NAVIGATION, "a", store_id=store_id).items[0].change
            assert newest.changes == {"classificationCategoryCode": [["TOOLS"], []]}


def test_a_record_and_its_history_are_read_by_store(importing: Context, replace: Replace) -> None:
    replace(("a", "North a", "Root_default"), stores=["NORTH"])
    replace(("a", "South a", "Root_default"), ("b", "South b", "Root_default"), stores=["SOUTH"])
    replace(("a", "South a2", "Root_default"), stores=["SOUTH"])
    with importing.sessions() as session:

        def listed(store: str) -> list[str]:
            return [row.external_id for row in record_reads.find(session, NAVIGATION, store=store).items]

        def actions(store: str) -> list[str]:
            store_id = record_reads.store_id(session, NAVIGATION, store)
            found = record_history.find_changes(session, NAVIGATION, "a", store_id=store_id).items
            assert {it.store for it in found} == {store}
            return [it.change.action for it in found]

        assert (listed("NORTH"), listed("SOUTH"), listed("")) == (["a"], ["a"], ["a", "a"])
        assert (actions("NORTH"), actions("SOUTH")) == (["created"], ["updated", "created"])
        (told,) = record_reads.describe(
            session, NAVIGATION, [record_reads.get(session, NAVIGATION, "b", store="SOUTH")]
        )
        assert (told["fields"]["store"], told["deletedAt"] is None) == ("SOUTH", False)
        with pytest.raises(InvalidError, match=r"Each store has its own navigation categories: add \?store="):
            record_reads.get(session, NAVIGATION, "a")
        for key, store in (("b", "NORTH"), ("a", "EAST")):
            with pytest.raises(NotFoundError):
                record_reads.get(session, NAVIGATION, key, store=store)
