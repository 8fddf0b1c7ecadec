"""An entity with two kinds of parts, of which one row may name several: links that a shared flag takes away again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from datahub.entities import ENTITIES
from datahub.entities.base import CATALOGUE, EntityType, Field, Part
from datahub.entities.values import BOOLEAN, TEXT, TEXT_LIST
from datahub.models.change import Change
from datahub.models.import_run import COUNTS
from tests.importer import Importer, causes, counts

UNLINK = Field("unlink", "Unlink", "", BOOLEAN)


class Base(DeclarativeBase):
    pass


class Bundle(Base):
    __tablename__ = "test_bundle"
    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str | None]


class Tool(Base):
    __tablename__ = "test_tool"
    id: Mapped[int] = mapped_column(primary_key=True)
    bundle_id: Mapped[int] = mapped_column(ForeignKey(Bundle.id), index=True)
    external_id: Mapped[str]


class Manual(Base):
    __tablename__ = "test_manual"
    id: Mapped[int] = mapped_column(primary_key=True)
    bundle_id: Mapped[int] = mapped_column(ForeignKey(Bundle.id), index=True)
    external_id: Mapped[str]
    note: Mapped[str | None]


def part(key: str, label: str, model: type[Tool | Manual], *fields: Field) -> Part:
    return Part(
        key,
        label=label,
        shown_as=key,
        attribute=key,
        model=model,
        owner="bundle_id",
        removed_by=UNLINK,
        key_field=Field(f"{key}Ids", f"{label} Ids", "external_id", TEXT_LIST, editable=False),
        fields=fields,
    )


BUNDLE = EntityType(
    "BUNDLE",
    label="Bundles",
    family=CATALOGUE,
    model=Bundle,
    key=Field("bundleId", "Bundle Id", "external_id", TEXT, editable=False),
    fields=(Field("name", "Name", "name", TEXT),),
    parts=(part("tools", "Tools", Tool), part("manuals", "Manuals", Manual, Field("note", "Note", "note", TEXT))),
)


@pytest.fixture
def bundles(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(ENTITIES, "BUNDLE", BUNDLE)
    Base.metadata.create_all(engine)
    yield


def stored(sessions: sessionmaker[Session], model: type[Tool | Manual]) -> dict[str, list[str]]:
    with sessions() as session:
        query = select(Bundle.external_id, model.external_id).join(model, model.bundle_id == Bundle.id)
        found: dict[str, list[str]] = {}
        for owner, key in session.execute(query.order_by(model.external_id)):
            found.setdefault(owner, []).append(key)
        return found


def test_a_row_links_parts_of_every_kind_that_it_names(
    load: Importer, bundles: None, sessions: sessionmaker[Session]
) -> None:
    done = load(
        "BUNDLE",
        {"bundleId": "B-1", "name": "Site", "toolsIds": "T-1||T-2", "manualsIds": "M-1"},
        {"bundleId": "B-1", "toolsIds": "T-3"},
        {"bundleId": "B-2", "manualsIds": "M-1||M-2"},
    )
    assert (counts(done), done.warnings) == ({"created": 3}, [])
    assert stored(sessions, Tool) == {"B-1": ["T-1", "T-2", "T-3"]}
    assert stored(sessions, Manual) == {"B-1": ["M-1"], "B-2": ["M-1", "M-2"]}
    with sessions() as session:
        changed = select(Change.part, Change.part_key, Change.line).where(Change.record_key == "B-1", Change.part != "")
        assert sorted(session.execute(changed).all()) == [
            ("manuals", "M-1", 2),
            ("tools", "T-1", 2),
            ("tools", "T-2", 2),
            ("tools", "T-3", 3),
        ]


def test_parts_that_rows_do_not_name_stay_and_what_is_linked_already_is_unchanged(
    load: Importer, bundles: None, sessions: sessionmaker[Session]
) -> None:
    load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-1||T-2"})
    assert counts(load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-2"})) == {"unchanged": 1}
    assert counts(load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-2||T-3"})) == {"created": 1}
    assert stored(sessions, Tool) == {"B-1": ["T-1", "T-2", "T-3"]}


def test_a_flag_that_kinds_share_takes_away_what_its_row_names_and_nothing_else(
    load: Importer, bundles: None, sessions: sessionmaker[Session]
) -> None:
    load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-1||T-2", "manualsIds": "M-1"})
    done = load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-1", "manualsIds": "", "unlink": "TRUE"})
    assert (counts(done), stored(sessions, Tool)) == ({"deleted": 1}, {"B-1": ["T-2"]})
    assert stored(sessions, Manual) == {"B-1": ["M-1"]}
    done = load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-2", "manualsIds": "M-1", "unlink": "TRUE"})
    assert (counts(done), stored(sessions, Tool), stored(sessions, Manual)) == ({"deleted": 1}, {}, {})


def test_a_row_that_unlinks_what_is_not_linked_changes_nothing_and_says_so(load: Importer, bundles: None) -> None:
    load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-1"})
    done = load("BUNDLE", {"bundleId": "B-1", "toolsIds": "T-8||T-9", "unlink": "TRUE"})
    assert counts(done) == {"unchanged": 1}
    assert [warning.message for warning in done.warnings] == [
        "There is no T-8, T-9, or it is deleted already: nothing to delete."
    ]


def test_a_flag_or_value_without_the_part_that_it_is_about_rejects_the_row(load: Importer, bundles: None) -> None:
    rows = [{"bundleId": "B-1", "unlink": "TRUE"}, {"bundleId": "B-2", "toolsIds": "T-1", "note": "Lost"}]
    done = load("BUNDLE", *rows, {"bundleId": "B-3", "toolsIds": "T-1"})
    assert causes(done) == [(2, "required", "toolsIds"), (3, "required", "manualsIds")]
    assert counts(done) == {"created": 1, "rejected": 2}


def test_the_last_of_the_rows_that_name_a_part_counts(
    load: Importer, bundles: None, sessions: sessionmaker[Session]
) -> None:
    done = load(
        "BUNDLE",
        {"bundleId": "B-1", "toolsIds": "T-1||T-2"},
        {"bundleId": "B-1", "toolsIds": "T-2", "unlink": "TRUE"},
    )
    assert stored(sessions, Tool) == {"B-1": ["T-1"]}
    told = sorted((warning.row.line, warning.code) for warning in done.warnings)
    assert told == [(2, "superseded"), (3, "unknown_key")]
    assert sum(done.counts[name] for name in COUNTS[:5]) == 2
