"""The sample catalogue: files that are always the same, and an import that finds just what they say is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType, Field
from datahub.entities.values import NEVER
from datahub.formats.delimited import Limits
from datahub.jobs import import_sample
from datahub.jobs.import_format import open_table
from datahub.jobs.import_jobs import Configuration
from datahub.jobs.import_preview import preview
from datahub.mapping.columns import match
from datahub.mapping.names import Target
from datahub.models.assortment import Assortment, AssortmentProduct, AssortmentVariant
from datahub.models.catalog_view import CatalogView
from datahub.models.catalogue import (
    Attribute,
    Category,
    CategoryAttribute,
    Product,
    ProductTag,
    RelatedProduct,
    Variant,
)
from datahub.models.change import Change
from datahub.models.import_run import COUNTS
from datahub.models.navigation import NavigationCategory
from datahub.models.offer import Price, Stock
from datahub.models.order import Order, OrderLine
from datahub.models.party import DEFAULT_STORE, Account, AccountAddress, CustomerUser, Store, Supplier
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from sandbox import demo
from sandbox.catalogue import Sample, write
from sandbox.catalogue.orders import ACCEPTED, WAITING
from sandbox.catalogue.words import ATTRIBUTES
from tests.delimited import open_delimited
from tests.factories import make_order
from tests.importer import Importer, causes

CHUNK = 400
# Looking at more rows takes long, and tells no more.
FORETOLD = 300
CHANGING = ("ORDER_UPDATE", "ORDER_STATUS", "INCIDENT")
# Records, parts and links that are there after all of them.
STORED: dict[type, int] = {
    Store: 3,
    Account: 13,
    AccountAddress: 16,
    Supplier: 13,
    Attribute: 40,
    Category: 60,
    CategoryAttribute: 73,
    NavigationCategory: 25,
    Product: 800,
    Variant: 2_000,
    Stock: 3_000,
    Price: 5_400,
    ProductTag: 345,
    RelatedProduct: 297,
    Assortment: 8,
    AssortmentProduct: 208,
    AssortmentVariant: 56,
    CatalogView: 6,
    CustomerUser: 36,
    Order: 24 + 3,
    OrderLine: 48 + 3,
}
Notes = list[tuple[int, str, str]]
Findings = tuple[dict[str, int], Notes, Notes]


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return write(tmp_path)


def test_files_come_in_the_order_of_their_import(samples: list[Sample], tmp_path: Path) -> None:
    assert [sample.entity for sample in samples] == list(ENTITIES)
    assert {sample.file_name for sample in samples} == {path.name for path in tmp_path.iterdir()}


def test_a_second_time_gives_the_same_bytes(samples: list[Sample], tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    assert write(again) == samples
    for sample in samples:
        assert (again / sample.file_name).read_bytes() == (tmp_path / sample.file_name).read_bytes()


def test_files_differ_in_delimiter_line_ends_and_byte_order_mark(samples: list[Sample], tmp_path: Path) -> None:
    raw = [(tmp_path / sample.file_name).read_bytes() for sample in samples]
    assert {sample.delimiter for sample in samples} == {",", ";", ""}
    assert {data.startswith(b"\xef\xbb\xbf") for data in raw} == {True, False}
    assert {data.split(b"\n", 1)[0].endswith(b"\r") for data in raw} == {True, False}


def test_every_file_parses_strictly_with_the_rows_that_it_states(samples: list[Sample], tmp_path: Path) -> None:
    for sample in samples:
        path = tmp_path / sample.file_name
        with open_table(path, ENTITIES[sample.entity], sample.delimiter, Limits()) as rows:
            found = [(line, fault) for line, _, fault in rows]
        assert (len(found), {fault for _, fault in found}) == (sample.rows, {None})
        assert {line for line, *_ in sample.rejected + sample.warned} <= {line for line, _ in found}


def test_every_column_is_a_field(samples: list[Sample], tmp_path: Path) -> None:
    for sample in samples:
        kind = ENTITIES[sample.entity]
        with open_table(tmp_path / sample.file_name, kind, sample.delimiter, Limits()) as rows:
            matched = match(rows.header, targets(kind), None)
        assert (matched.unused, matched.faults, matched.missing_required) == ((), (), ())
        defined = {code for code, *_ in ATTRIBUTES}
        assert matched.custom_fields == () and {found.code for found in matched.attributes} <= defined


def test_few_rows_are_wrong_and_every_kind_of_error_is_met(samples: list[Sample]) -> None:
    for sample in (sample for sample in samples if sample.rows > 1_000):
        assert len(sample.rejected) + len(sample.warned) < sample.rows / 100
    causes = {code for sample in samples for _, code, _ in sample.rejected}
    assert causes == {"malformed", "required", "unknown_reference", "belongs_to_another", "wrong_unit"} | {
        *("illegal_move", "unknown_key", "not_unique", "other_row_invalid", "conflicting_rows", "external_order"),
        "too_many_parts",
    }
    assert {code for sample in samples for _, code, _ in sample.warned} == {
        *("superseded", "parent_differs", "unknown_key", "no_password")
    }


def test_eans_have_the_right_check_digit(samples: list[Sample], tmp_path: Path) -> None:
    (products,) = (sample for sample in samples if sample.entity == "PRODUCT")
    with open_delimited(tmp_path / products.file_name, products.delimiter, Limits()) as rows:
        place = rows.header.index("Variant Ean")
        eans = {cells[place] for _, cells, _ in rows if cells[place]}
    assert len(eans) == 2_000
    for ean in eans:
        digits = [int(digit) for digit in ean]
        assert len(digits) == 13
        assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_an_import_rejects_just_the_wrong_rows_as_foretold_and_a_second_one_changes_nothing(
    engine: Engine, settings: Settings, sessions: sessionmaker[Session], samples: list[Sample], tmp_path: Path
) -> None:
    importer = Importer(engine, settings, tmp_path)
    with sessions.begin() as session:
        demo.declare_incidents(session, [make_order(session, status="SHIPPED")])
        make_order(session, reference=ACCEPTED, status="ACCEPTED_BY_SUPPLIER")
        make_order(session, reference=WAITING, status="WAITING_CUSTOMER_APPROVAL")
        session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
    for sample in samples:
        if sample.rows < FORETOLD and not ENTITIES[sample.entity].acts_on:
            assert foretell(sessions, sample, tmp_path) == ("", len(sample.rejected)), sample.file_name
        counts, rejected, warned = load(importer, sample, tmp_path)
        assert (rejected, warned) == (sorted(sample.rejected), sorted(sample.warned)), sample.file_name
        unchanged = sum(code in ("superseded", "unknown_key") for _, code, _ in sample.warned)
        created = sample.rows - len(sample.rejected) - unchanged
        done = "updated" if sample.entity in CHANGING else "created"
        wanted = tally(unchanged=unchanged, rejected=len(rejected), **{done: created})
        assert counts == wanted, sample.file_name
    found = {model: count(sessions, model) for model in STORED}
    assert found == STORED
    # A line for each, but the default store and the three orders of the API with their lines and parties; and two that
    # say what changed of these, three that say what was moved, and one of a parcel. Of incidents, four that were
    # declared and five that were moved.
    written = count(sessions, Change)
    assert written == sum(STORED.values()) - 1 - 8 + 2 + 3 + 1 + 4 + 5
    for sample in samples:
        counts, rejected, warned = load(importer, sample, tmp_path)
        again = sorted(note for note in sample.warned if note[1] != "no_password")
        assert (rejected, warned) == (sorted(sample.rejected), again), sample.file_name
        assert counts == tally(unchanged=sample.rows - len(rejected), rejected=len(rejected)), sample.file_name
    assert count(sessions, Change) == written


def foretell(sessions: sessionmaker[Session], sample: Sample, folder: Path) -> tuple[str, int]:
    """What the form of a job would say of the file, and of how many rows, before it is imported."""
    given = Configuration(name="", connection_id="", delimiter=sample.delimiter, store_external_ids=[DEFAULT_STORE])
    content = import_sample.Sample(sample.file_name, (folder / sample.file_name).read_bytes())
    with sessions() as session:
        seen = preview(session, given, entity=ENTITIES[sample.entity], sample=content, limits=Limits()).reading
    return seen.problem, seen.rejected


def tally(**numbers: int) -> dict[str, int]:
    return dict.fromkeys(COUNTS, 0) | numbers


def count(sessions: sessionmaker[Session], model: type) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def targets(entity: EntityType) -> Iterator[Target]:
    """All that a column may feed. What is needed to create a record must have one."""
    yield Target(entity.key.key, entity.key.label, required=entity.other_key is None)
    flags = [flag for flag in (entity.deleted_by, entity.emptied_by) if flag]
    yield from (Target(flag.key, flag.label) for flag in flags)
    yield from map(_target, entity.fields)
    for part in entity.parts:
        yield from (Target(item.key, item.label) for item in (part.key_field, *part.more_keys))
        if part.removed_by is not NEVER:
            yield Target(part.removed_by.key, part.removed_by.label)
        yield from map(_target, part.fields)


def _target(field: Field) -> Target:
    return Target(field.key, field.label, required=field.required_on_create, localisable=field.localisable)


def load(importer: Importer, sample: Sample, folder: Path) -> Findings:
    outcome = importer.file(sample.entity, folder / sample.file_name, sample.delimiter, chunk_rows=CHUNK)
    warned = sorted((warning.row.line, warning.code, warning.field) for warning in outcome.warnings)
    return outcome.counts, sorted(causes(outcome)), warned
