"""Tags: words in several columns that add to what a product bears, up to ten, unless a row takes all away first."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import record_history, record_reads
from datahub.models.catalogue import Product
from datahub.models.change import Change
from tests.importer import Importer, causes, counts, product

pytestmark = pytest.mark.usefixtures("catalogue")
Sessions = sessionmaker[Session]


def tagged(key: str = "P-1", *names: str, **more: str) -> dict[str, str]:
    return {"productExternalId": key} | {f"productTag{place}": name for place, name in enumerate(names, 1)} | more


def tags(sessions: Sessions, key: str = "P-1", entity: str = "PRODUCT_TAG") -> list[str]:
    with sessions() as session:
        (shown,) = record_reads.describe(session, entity, [record_reads.get(session, entity, key)])
        return sorted(row["productTag1"] for row in shown["parts"]["tags"])


def lines(sessions: Sessions, key: str = "P-1") -> list[tuple[str, str]]:
    """What happened to the tags, as the page of the product tells it."""
    with sessions() as session:
        found = record_history.find_changes(session, "PRODUCT", key, descending=False).items
        return [(it.change.part_key, it.change.action) for it in found if it.change.entity == "PRODUCT_TAG"]


def test_several_columns_name_tags_and_add_to_those_that_are_there(load: Importer, sessions: Sessions) -> None:
    row = {"Product External Id": "P-1", "PRODUCT_TAG_1": "sale", "Product Tag 2": "new", "Deleted": "FALSE"}
    assert counts(load("PRODUCT_TAG", row)) == {"created": 1}
    done = load("PRODUCT_TAG", tagged("P-1", "", "new", " Sale ", productTag10="100 %"))
    assert (counts(done), done.warnings) == ({"created": 1}, [])
    assert tags(sessions) == tags(sessions, entity="PRODUCT") == ["100 %", "Sale", "new", "sale"]
    assert counts(load("PRODUCT_TAG", tagged("P-1", "new", "new"), tagged("P-2"))) == {"unchanged": 2}
    assert tags(sessions, "P-2") == []
    assert lines(sessions) == [(name, "created") for name in ("sale", "new", "Sale", "100 %")]


def test_products_that_are_not_there_are_not_made(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT", {"productExternalId": "P-2", "deletedProduct": "TRUE"})
    done = load("PRODUCT_TAG", tagged("P-1", "sale"), tagged("P-2", "sale"), tagged("P-9", "sale"))
    assert counts(done) == {"created": 1, "rejected": 2}
    assert causes(done) == [(3, "unknown_key", "productExternalId"), (4, "unknown_key", "productExternalId")]
    assert done.rejected[1][1][0]["message"] == (
        "There is no product P-9. This import changes records that exist, and makes none."
    )
    with sessions() as session:
        assert session.scalars(select(Product.external_id).order_by(Product.id)).all() == ["P-1", "P-2"]


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_row_takes_all_tags_of_its_product_away_before_others_add_theirs(
    load: Importer, sessions: Sessions, is_last: bool, chunk_rows: int
) -> None:
    load("PRODUCT_TAG", tagged("P-1", "a", "b"), tagged("P-2", "a"))
    away, back = tagged(deleted="TRUE"), tagged("P-1", "b", "c")
    done = load("PRODUCT_TAG", *([back, away] if is_last else [away, back]), chunk_rows=chunk_rows)
    assert (counts(done), done.warnings) == ({"created": 1, "deleted": 1}, [])
    assert (tags(sessions), tags(sessions, "P-2")) == (["b", "c"], ["a"])
    assert sorted(lines(sessions)[2:]) == [("a", "deleted"), ("c", "created")]


def test_a_flag_takes_away_what_is_there_and_nothing_where_nothing_is(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT_TAG", tagged("P-1", "a"))
    assert counts(load("PRODUCT_TAG", tagged(deleted="TRUE"))) == {"deleted": 1}
    assert tags(sessions) == []
    assert counts(load("PRODUCT_TAG", tagged(deleted="TRUE"))) == {"unchanged": 1}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_the_row_that_adds_the_eleventh_tag_is_refused(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    eight = [f"t{number}" for number in range(1, 9)]
    load("PRODUCT_TAG", tagged("P-1", *eight))
    rows = tagged("P-1", "x", "y"), tagged("P-1", "t1", "z"), tagged("P-2", "z")
    done = load("PRODUCT_TAG", *rows, chunk_rows=chunk_rows)
    assert (causes(done), tags(sessions)) == ([(3, "too_many_parts", "productTag1")], [*eight, "x", "y"])
    ((_, (fault,)),) = done.rejected
    assert fault["message"] == "P-1 would have more than 10 tags. Give fewer, or take some away first."
    assert fault["value"] == "t1||z"
    again = load("PRODUCT_TAG", tagged(deleted="TRUE"), rows[1], chunk_rows=chunk_rows)
    assert (causes(again), tags(sessions)) == ([], ["t1", "z"])


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (tagged("", "a"), ("required", "productExternalId")),
        (tagged("P-1", "a", deleted="oui"), ("malformed", "deleted")),
        (tagged("P-1", "a", "n" * 256), ("malformed", "productTag2")),
    ],
)
def test_a_row_that_is_wrong_is_rejected_and_the_others_are_applied(
    load: Importer, sessions: Sessions, row: dict[str, str], cause: tuple[str, str]
) -> None:
    assert causes(load("PRODUCT_TAG", row, tagged("P-1", "b"))) == [(2, *cause)]
    assert tags(sessions) == ["b"]


def test_a_row_takes_nothing_away_where_another_of_its_product_is_rejected(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT_TAG", tagged("P-1", "sale", "new"))
    done = load("PRODUCT_TAG", tagged("P-1", deleted="TRUE"), tagged("P-1", "fine"), tagged("P-1", "x" * 256))
    assert (counts(done), tags(sessions)) == ({"created": 1, "rejected": 1, "unchanged": 1}, ["fine", "new", "sale"])
    assert [(it.row.line, it.code) for it in done.warnings] == [(2, "not_applied")]


def test_a_deleted_product_takes_its_tags_along_and_comes_back_without(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT_TAG", tagged("P-1", "a", "b"), tagged("P-2", "a"))
    load("PRODUCT", {"productExternalId": "P-1", "deletedProduct": "TRUE"})
    assert (tags(sessions), tags(sessions, "P-2")) == ([], ["a"])
    assert lines(sessions)[2:] == [("a", "deleted"), ("b", "deleted")]
    with sessions() as session:
        gone = select(Change).where(Change.entity == "PRODUCT_TAG", Change.action == "deleted")
        assert {(it.record_key, it.part, it.line) for it in session.scalars(gone)} == {("P-1", "tags", 2)}
    load("PRODUCT", product("P-1", "V-1"))
    assert tags(sessions) == []


def test_the_records_are_the_products_that_bear_tags_found_by_them(load: Importer, sessions: Sessions) -> None:
    load("PRODUCT_TAG", tagged("P-2", "sale", "100 %"))
    with sessions() as session:
        for search, keys in (("", ["P-2"]), ("SAL", ["P-2"]), ("0 %", ["P-2"]), ("p-", ["P-2"]), ("%%", [])):
            found = record_reads.records_page(session, "PRODUCT_TAG", search=search).items
            assert [record.external_id for record in found] == keys, search
        assert record_reads.count_live(session)["PRODUCT_TAG"] == 1
