"""What a description can ask of an import beyond fields and parts, on entities made for these tests or real ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import Engine, ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, sessionmaker

from datahub.db import UtcTime
from datahub.entities import ENTITIES
from datahub.entities.base import CATALOGUE, EntityType, Field, Part
from datahub.entities.tables import in_markdown
from datahub.entities.values import BOOLEAN, TEXT
from datahub.models.change import Change
from datahub.models.party import CustomerUser
from tests.factories import make_account
from tests.importer import Importer, causes, counts, customer_user

Sessions = sessionmaker[Session]


class Base(DeclarativeBase):
    registry = registry(type_annotation_map={datetime: UtcTime})


class Tool(Base):
    __tablename__ = "test_tagged_tool"
    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    deleted_at: Mapped[datetime | None]


class Tag(Base):
    __tablename__ = "test_tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    tool_id: Mapped[int] = mapped_column(ForeignKey(Tool.id), index=True)
    external_id: Mapped[str]


def key(name: str) -> Field:
    return Field(name, name, "external_id", TEXT, editable=False)


TAGS = [Field(f"tag{number}", f"Tag {number}", "external_id", TEXT, editable=False) for number in (1, 2, 3)]
TOOL_TAG = EntityType(
    "TOOL_TAG",
    label="Tags of tools",
    family=CATALOGUE,
    model=Tool,
    key=key("toolId"),
    fields=(),
    must_exist=True,
    parts=(
        Part(
            "tags",
            label="Tags",
            shown_as="tags",
            attribute="tags",
            model=Tag,
            owner="tool_id",
            key_field=TAGS[0],
            more_keys=tuple(TAGS[1:]),
            fields=(),
            removed_by=Field("untagged", "Untagged", "", BOOLEAN),
            removes_all=True,
            most=4,
        ),
    ),
)


@pytest.fixture(autouse=True)
def entities(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(ENTITIES, TOOL_TAG.name, TOOL_TAG)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Tool(external_id=name) for name in ("T-1", "T-2"))
        make_account(session, "ACC-1")
        session.commit()
    yield


def addresses(sessions: Sessions) -> dict[str, str]:
    """Those of live customer users."""
    with sessions() as session:
        rows = session.scalars(select(CustomerUser).where(CustomerUser.deleted_at.is_(None)))
        return {row.external_id: row.email for row in rows}


def tags(sessions: Sessions, tool: str) -> list[str]:
    with sessions() as session:
        query = select(Tag.external_id).join(Tool, Tool.id == Tag.tool_id).where(Tool.external_id == tool)
        return list(session.scalars(query.order_by(Tag.external_id)))


def person(name: str, mail: str, **more: str) -> dict[str, str]:
    return customer_user(name, Email=mail, **more)


def test_a_value_of_another_live_record_is_refused_and_named(load: Importer) -> None:
    load("CUSTOMER_USER", person("P-1", "ada@x.org"))
    done = load("CUSTOMER_USER", person("P-2", "ada@x.org"), person("P-1", "ada@x.org", Phone="7"))
    assert (counts(done), causes(done)) == ({"updated": 1, "rejected": 1}, [(2, "not_unique", "customerUserEmail")])
    ((_, (fault,)),) = done.rejected
    assert fault["message"] == "ada@x.org is that of another record. No two have the same."


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_of_two_new_records_with_one_value_the_first_gets_it_wherever_chunks_end(
    load: Importer, sessions: Sessions, chunk_rows: int
) -> None:
    done = load("CUSTOMER_USER", person("P-2", "ada@x.org"), person("P-1", "ada@x.org"), chunk_rows=chunk_rows)
    assert causes(done) == [(2, "not_unique", "customerUserEmail")]
    assert addresses(sessions) == {"P-1": "ada@x.org"}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_value_is_free_once_an_earlier_record_gave_it_up(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load("CUSTOMER_USER", person("P-1", "a@x.org"), person("P-2", "b@x.org"), person("P-3", "c@x.org"))
    rows = [person("P-1", "d@x.org"), person("P-2", "a@x.org"), person("P-3", "", Deleted="TRUE")]
    assert causes(load("CUSTOMER_USER", *rows, person("P-4", "c@x.org"), chunk_rows=chunk_rows)) == []
    assert addresses(sessions) == {"P-1": "d@x.org", "P-2": "a@x.org", "P-4": "c@x.org"}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_value_that_a_later_record_gives_up_is_not_free_yet(load: Importer, chunk_rows: int) -> None:
    load("CUSTOMER_USER", person("P-1", "a@x.org"), person("P-2", "b@x.org"))
    rows = person("P-1", "b@x.org"), person("P-2", "c@x.org")
    assert causes(load("CUSTOMER_USER", *rows, chunk_rows=chunk_rows)) == [(2, "not_unique", "customerUserEmail")]
    assert counts(load("CUSTOMER_USER", *rows)) == {"updated": 1, "unchanged": 1}


def test_records_that_must_be_there_are_not_made(load: Importer, sessions: Sessions) -> None:
    done = load("TOOL_TAG", {"toolId": "T-1", "tag1": "new"}, {"toolId": "T-9", "tag1": "new"})
    assert (counts(done), causes(done)) == ({"created": 1, "rejected": 1}, [(3, "unknown_key", "toolId")])
    ((_, (fault,)),) = done.rejected
    assert fault["message"] == "There is no T-9. This import changes records that exist, and makes none."
    with sessions() as session:
        assert session.scalars(select(Tool.external_id).order_by(Tool.id)).all() == ["T-1", "T-2"]


def test_several_columns_name_parts_and_add_to_those_that_are_there(load: Importer, sessions: Sessions) -> None:
    load("TOOL_TAG", {"toolId": "T-1", "tag1": "a", "tag2": "b"})
    done = load("TOOL_TAG", {"toolId": "T-1", "tag1": "", "tag2": "b", "tag3": "c"})
    assert (counts(done), done.warnings, tags(sessions, "T-1")) == ({"created": 1}, [], ["a", "b", "c"])
    assert counts(load("TOOL_TAG", {"toolId": "T-1", "tag1": "c", "tag3": "c"})) == {"unchanged": 1}


@pytest.mark.parametrize("is_last", [True, False])
def test_a_row_takes_all_parts_of_its_record_away_before_others_add_theirs(
    load: Importer, sessions: Sessions, is_last: bool
) -> None:
    load("TOOL_TAG", {"toolId": "T-1", "tag1": "a", "tag2": "b"}, {"toolId": "T-2", "tag1": "a"})
    away, back = {"toolId": "T-1", "untagged": "TRUE"}, {"toolId": "T-1", "tag1": "b", "tag2": "c"}
    done = load("TOOL_TAG", *([back, away] if is_last else [away, back]))
    assert (counts(done), done.warnings) == ({"created": 1, "deleted": 1}, [])
    assert (tags(sessions, "T-1"), tags(sessions, "T-2")) == (["b", "c"], ["a"])
    with sessions() as session:
        gone = select(Change.part_key, Change.action).where(Change.record_key == "T-1").order_by(Change.id)
        assert sorted(session.execute(gone).all()[2:]) == [("a", "deleted"), ("c", "created")]


def test_nothing_to_take_away_changes_nothing(load: Importer, sessions: Sessions) -> None:
    assert counts(load("TOOL_TAG", {"toolId": "T-1", "untagged": "TRUE"})) == {"unchanged": 1}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_the_row_that_adds_too_many_parts_is_refused(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load("TOOL_TAG", {"toolId": "T-1", "tag1": "a", "tag2": "b"})
    rows = {"toolId": "T-1", "tag1": "c", "tag2": "d"}, {"toolId": "T-1", "tag1": "a", "tag2": "e"}
    done = load("TOOL_TAG", *rows, chunk_rows=chunk_rows)
    assert (causes(done), tags(sessions, "T-1")) == ([(3, "too_many_parts", "tag1")], ["a", "b", "c", "d"])
    ((_, (fault,)),) = done.rejected
    assert fault["message"] == "T-1 would have more than 4 tags. Give fewer, or take some away first."
    again = load("TOOL_TAG", {"toolId": "T-1", "untagged": "TRUE"}, rows[1], chunk_rows=chunk_rows)
    assert (causes(again), tags(sessions, "T-1")) == ([], ["a", "e"])


def test_the_documented_tables_say_all_this() -> None:
    text = in_markdown()
    for sentence in (
        "`assortmentName` is erased where no row of the record gives it.",
        "TRUE empties `allowedAssortmentExternalId`, `excludedAssortmentExternalId`, `accountExternalId` first",
        "No two records have the same `customerUserEmail`.",
        "`customerUserPhone`, `customerUserPassword` and custom fields are blanked when the record is deleted.",
        "Imports change records that exist and make none.",
        "Several per row; their keys are in `tag1`, `tag2`, `tag3`. A record may have 4 at most.",
        "TRUE takes all away, before other rows add theirs",
    ):
        assert sentence in text, sentence
