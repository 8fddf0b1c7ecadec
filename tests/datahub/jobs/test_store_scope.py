"""Keys that count within the store of a job, on a tree of shelves made for these tests: each store has its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import JSON, Engine, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, sessionmaker

from datahub.db import UtcTime, database_now
from datahub.entities import ENTITIES
from datahub.entities.base import CATALOGUE, EntityType, Field, Reference, Use
from datahub.entities.values import LOCALISED, TEXT
from datahub.jobs import import_run
from datahub.jobs.export_run import Context
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_FAILED, JOB_FAILED
from datahub.models.import_run import ImportRun
from datahub.models.party import Store
from tests.datahub.jobs.test_import_run import Start, importing, look, start

__all__ = ["importing", "start"]

Replace = Callable[..., int]


class Base(DeclarativeBase):
    registry = registry(type_annotation_map={datetime: UtcTime})


class Shelf(Base):
    __tablename__ = "test_shelf"
    __table_args__ = (UniqueConstraint("store_id", "external_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[int]
    external_id: Mapped[str] = mapped_column(String(255))
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("test_shelf.id"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


SHELF = EntityType(
    "SHELF",
    label="Shelves",
    family=CATALOGUE,
    model=Shelf,
    key=Field("shelfId", "Shelf Id", "external_id", TEXT, editable=False),
    fields=(
        Field("names", "Names", "names", LOCALISED, required_on_create=True, localisable=True),
        Field("parentId", "Parent Id", "parent_id", TEXT, refers_to=Reference("shelf", Shelf), root=("Root",)),
    ),
    replaced_whole=True,
    scoped_by="store_id",
    used_by=(Use("shelves", Shelf.parent_id),),
)


@pytest.fixture(autouse=True)
def shelves(engine: Engine, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(ENTITIES, "SHELF", SHELF)
    Base.metadata.create_all(engine)
    with sessions.begin() as session:
        now = database_now(session)
        for name in ("NORTH", "SOUTH"):
            session.add(Store(external_id=name, name=name, created_at=now, updated_at=now))
    yield


@pytest.fixture
def replace(importing: Context, start: Start, folder: Path) -> Replace:
    """Imports these lines for some stores; returns the execution's id."""

    def replace(*lines: str, stores: list[str]) -> int:
        (folder / "shelves.csv").write_text("\n".join(("shelfId;names;parentId", *lines)))
        number = start(entity="SHELF", file_path="out/shelves.csv", store_external_ids=stores)
        import_run.run(importing, number, 1)
        return number

    return replace


def of(sessions: sessionmaker[Session], store: str) -> dict[str, tuple[str, str | None]]:
    """By key of a live shelf, its name and its parent."""
    with sessions() as session:
        query = select(Shelf).join(Store, Store.id == Shelf.store_id).where(Store.external_id == store)
        rows = session.scalars(query).all()
        keys = {row.id: row.external_id for row in rows}
        live = [row for row in rows if row.deleted_at is None]
        return {row.external_id: (row.names["en-GB"], row.parent_id and keys[row.parent_id]) for row in live}


def test_the_same_keys_are_other_records_in_each_store(importing: Context, replace: Replace) -> None:
    replace("a;North a;Root", "b;North b;a", stores=["NORTH"])
    number = replace("b;South b;Root", "a;South a;b", stores=["SOUTH"])
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"created": 2}, None)
    assert of(importing.sessions, "NORTH") == {"a": ("North a", None), "b": ("North b", "a")}
    assert of(importing.sessions, "SOUTH") == {"a": ("South a", "b"), "b": ("South b", None)}


def test_what_a_file_does_not_name_goes_from_its_own_store_alone(importing: Context, replace: Replace) -> None:
    for store in ("NORTH", "SOUTH"):
        replace("a;A;Root", "b;B;a", stores=[store])
    number = replace("a;A2;Root", stores=["SOUTH"])
    assert look(importing.sessions, number) == (INTEGRATION_DONE, {"updated": 1}, None)
    with importing.sessions() as session:
        assert session.get_one(ImportRun, number).removed == 1
    assert of(importing.sessions, "SOUTH") == {"a": ("A2", None)}
    assert of(importing.sessions, "NORTH") == {"a": ("A", None), "b": ("B", "a")}
    back = replace("a;A2;Root", "b;B again;Root", stores=["SOUTH"])
    assert look(importing.sessions, back) == (INTEGRATION_DONE, {"created": 1, "unchanged": 1}, None)
    assert of(importing.sessions, "NORTH") == {"a": ("A", None), "b": ("B", "a")}


def test_a_shelf_of_another_store_is_no_parent(importing: Context, replace: Replace) -> None:
    replace("a;A;Root", stores=["NORTH"])
    number = replace("b;B;a", stores=["SOUTH"])
    assert look(importing.sessions, number)[:2] == (INTEGRATION_FAILED, {"rejected": 1})
    assert of(importing.sessions, "SOUTH") == {}


@pytest.mark.parametrize("stores", [[], ["NORTH", "SOUTH"], ["EAST"]])
def test_a_job_without_exactly_one_store_fails_before_it_writes(
    importing: Context, replace: Replace, stores: list[str]
) -> None:
    status, _, error = look(importing.sessions, replace("a;A;Root", stores=stores))
    count = sum(store != "EAST" for store in stores)
    assert (status, error) == (JOB_FAILED, f"A job for Shelves needs one store; this one has {count}.")
