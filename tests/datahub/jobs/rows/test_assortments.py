"""Assortments: two kinds of links, of which one row may name several, and which a shared flag takes away again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import record_reads
from datahub.jobs.import_read import HUB_COLUMNS
from datahub.models.assortment import Assortment
from datahub.models.change import Change
from datahub.models.import_run import COUNTS
from tests.importer import Importer, causes, counts, product

pytestmark = pytest.mark.usefixtures("catalogue")
Sessions = sessionmaker[Session]


def link(key: str = "A-1", **more: str) -> dict[str, str]:
    return {"assortmentExternalId": key, "assortmentName": "Trade"} | more


def stored(sessions: Sessions) -> dict[str, tuple[str, list[str], list[str]]]:
    """By key, name and what is linked, from what records say of themselves."""
    with sessions() as session:
        records = session.scalars(select(Assortment).order_by(Assortment.external_id)).all()
        found = {}
        for shown in record_reads.describe(session, "ASSORTMENT", records):
            linked = {kind: [next(iter(row.values())) for row in rows] for kind, rows in shown["parts"].items()}
            name = shown["fields"]["assortmentName"]
            found[shown["externalId"]] = (name, sorted(linked["products"]), sorted(linked["variants"]))
        return found


def lines(sessions: Sessions) -> list[tuple[Any, ...]]:
    with sessions() as session:
        query = select(Change.record_key, Change.part, Change.part_key, Change.action, Change.line)
        rows = session.execute(query.where(Change.entity == "ASSORTMENT").order_by(Change.id))
        return sorted(tuple(row) for row in rows)


def test_a_row_links_products_and_variants_alike_and_what_is_linked_is_unchanged(
    load: Importer, sessions: Sessions
) -> None:
    rows = [
        link(productExternalIds="P-1||P-2", variantExternalIds="V-1"),
        link(assortmentName="", variantExternalIds="V-3"),
        link("A-2", variantExternalIds="V-1||V-2"),
        link("A-3"),
    ]
    done = load("ASSORTMENT", *rows)
    assert (counts(done), done.warnings) == ({"created": 4}, [])
    held = {
        "A-1": ("Trade", ["P-1", "P-2"], ["V-1", "V-3"]),
        "A-2": ("Trade", [], ["V-1", "V-2"]),
        "A-3": ("Trade", [], []),
    }
    assert stored(sessions) == held
    assert [line for line in lines(sessions) if line[0] == "A-1"] == [
        ("A-1", "", "", "created", 2),
        ("A-1", "products", "P-1", "created", 2),
        ("A-1", "products", "P-2", "created", 2),
        ("A-1", "variants", "V-1", "created", 2),
        ("A-1", "variants", "V-3", "created", 3),
    ]
    assert counts(load("ASSORTMENT", *rows)) == {"unchanged": 4}
    assert counts(load("ASSORTMENT", link(variantExternalIds="V-2||V-3"))) == {"created": 1}
    assert stored(sessions) == held | {"A-1": ("Trade", ["P-1", "P-2"], ["V-1", "V-2", "V-3"])}


@pytest.mark.parametrize("product_column", ["Product External Id", "productExternalId", "productListExternalIds"])
@pytest.mark.parametrize("variant_column", ["Variant External Id", "variantListExternalIds"])
def test_columns_may_be_spelt_in_several_ways(
    load: Importer, sessions: Sessions, product_column: str, variant_column: str
) -> None:
    row = {"Assortment External Id": "A-1", "name": "Trade", product_column: "P-1", variant_column: "V-3"}
    assert counts(load("ASSORTMENT", row)) == {"created": 1}
    assert stored(sessions) == {"A-1": ("Trade", ["P-1"], ["V-3"])}


def test_a_file_without_variants_does_with_four_columns(load: Importer, sessions: Sessions) -> None:
    row = {"Assortment External Id": "A-1", "name": "Trade", "Product External Id": "P-1", "unlink": "FALSE"}
    assert counts(load("ASSORTMENT", row)) == {"created": 1}
    assert counts(load("ASSORTMENT", row | {"unlink": "TRUE"})) == {"deleted": 1}
    assert stored(sessions) == {"A-1": ("Trade", [], [])}


def test_a_flag_takes_away_what_its_row_names_of_either_kind_and_nothing_else(
    load: Importer, sessions: Sessions
) -> None:
    load("ASSORTMENT", link(productExternalIds="P-1||P-2", variantExternalIds="V-1"))
    done = load("ASSORTMENT", link(productExternalIds="P-1", variantExternalIds="", unlink="TRUE"))
    assert (counts(done), stored(sessions)) == ({"deleted": 1}, {"A-1": ("Trade", ["P-2"], ["V-1"])})
    done = load("ASSORTMENT", link(productExternalIds="P-2", variantExternalIds="V-1", unlink="TRUE"))
    assert (counts(done), stored(sessions)) == ({"deleted": 1}, {"A-1": ("Trade", [], [])})


def test_a_row_that_unlinks_what_is_not_linked_changes_nothing_and_says_so(load: Importer) -> None:
    load("ASSORTMENT", link(productExternalIds="P-1"))
    done = load("ASSORTMENT", link(productExternalIds="P-2||LOST", unlink="TRUE"))
    assert counts(done) == {"unchanged": 1}
    assert [warning.message for warning in done.warnings] == [
        "The assortment A-1 has no P-2, LOST among its products: nothing to delete."
    ]


def test_rows_that_only_unlink_make_no_assortment_and_say_so(load: Importer, sessions: Sessions) -> None:
    rows = link(productExternalIds="P-1", unlink="TRUE"), link(variantExternalIds="V-1", unlink="TRUE")
    done = load("ASSORTMENT", *rows)
    assert (counts(done), stored(sessions)) == ({"unchanged": 2}, {})
    assert [(it.code, it.message) for it in done.warnings] == [
        ("unknown_key", "There is no assortment A-1, or it is deleted already: nothing to delete.")
    ]
    assert counts(load("ASSORTMENT", *rows, link(productExternalIds="P-2"))) == {"created": 1, "unchanged": 2}
    assert stored(sessions) == {"A-1": ("Trade", ["P-2"], [])}
    assert counts(load("ASSORTMENT", link(productExternalIds="P-2", unlink="TRUE"))) == {"deleted": 1}
    assert stored(sessions) == {"A-1": ("Trade", [], [])}


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"unlink": "TRUE"}, ("required", "productExternalIds")),
        ({"productExternalIds": "P-1", "unlink": "oui"}, ("malformed", "unlink")),
        ({"assortmentExternalId": "", "productExternalIds": "P-1"}, ("required", "assortmentExternalId")),
        ({"productExternalIds": "P-1||P-9"}, ("unknown_reference", "productExternalIds")),
        ({"productExternalIds": "P-1", "variantExternalIds": "P-1"}, ("unknown_reference", "variantExternalIds")),
        ({"assortmentName": "n" * 256}, ("malformed", "assortmentName")),
        ({"productExternalIds": "p" * 256}, ("malformed", "productExternalIds")),
    ],
)
def test_a_row_that_is_wrong_is_rejected_and_the_others_are_applied(
    load: Importer, sessions: Sessions, more: dict[str, str], cause: tuple[str, str]
) -> None:
    done = load("ASSORTMENT", link() | more, link(productExternalIds="P-2"))
    assert causes(done) == [(2, *cause)]
    assert [len(faults) for _, faults in done.rejected] == [1]
    assert stored(sessions) == {"A-1": ("Trade", ["P-2"], [])}


def test_a_flag_without_anything_that_it_is_about_is_told_what_it_may_be(load: Importer) -> None:
    ((_, (fault,)),) = load("ASSORTMENT", link(unlink="TRUE")).rejected
    assert fault["message"] == "Give one of Product External Id, Variant External Id."


def test_the_last_of_the_rows_that_name_a_link_counts(load: Importer, sessions: Sessions) -> None:
    done = load(
        "ASSORTMENT",
        link(productExternalIds="P-1||P-2"),
        link(productExternalIds="P-2", unlink="TRUE"),
    )
    assert stored(sessions) == {"A-1": ("Trade", ["P-1"], [])}
    told = sorted((warning.row.line, warning.code) for warning in done.warnings)
    assert told == [(2, "superseded"), (3, "unknown_key")]
    assert sum(done.counts[name] for name in COUNTS[:5]) == 2


@pytest.mark.parametrize("name", [{}, {"assortmentName": ""}])
def test_a_name_that_no_row_gives_is_erased_and_the_history_says_so(
    load: Importer, sessions: Sessions, name: dict[str, str]
) -> None:
    row = {"assortmentExternalId": "A-1", "productExternalIds": "P-1"} | name
    assert counts(load("ASSORTMENT", row)) == {"created": 1}
    assert stored(sessions)["A-1"][0] == ""
    load("ASSORTMENT", link())
    done = load("ASSORTMENT", row, row | {"productExternalIds": "P-2"})
    assert counts(done) == {"updated": 1, "created": 1}
    assert [(it.row.line, it.code, it.field, it.message) for it in done.warnings] == [
        (2, "erased", "assortmentName", "No row of A-1 gives its name, so Trade is erased.")
    ]
    assert stored(sessions) == {"A-1": ("", ["P-1", "P-2"], [])}
    assert load("ASSORTMENT", row).warnings == []
    with sessions() as session:
        changes = session.scalars(select(Change.changes).where(Change.entity == "ASSORTMENT").order_by(Change.id))
        assert {"assortmentName": ["Trade", ""]} in changes.all()
    assert counts(load("ASSORTMENT", row)) == {"unchanged": 1}


def test_a_name_is_looked_for_in_all_rows_of_its_assortment(load: Importer, sessions: Sessions) -> None:
    load("ASSORTMENT", link(), link("A-2"))
    rows = [
        link(assortmentName="", productExternalIds="P-1"),
        link(assortmentName="Trade", productExternalIds="P-2"),
        link("A-2", assortmentName="", productExternalIds="P-1"),
    ]
    load("ASSORTMENT", *rows)
    assert {key: name for key, (name, *_) in stored(sessions).items()} == {"A-1": "Trade", "A-2": ""}


def test_rows_that_say_less_than_the_whole_file_erase_no_name(load: Importer, sessions: Sessions) -> None:
    load("ASSORTMENT", link(), link("A-2"))
    mended = link(assortmentName="", productExternalIds="P-1") | dict.fromkeys(HUB_COLUMNS, "")
    assert counts(load("ASSORTMENT", mended)) == {"created": 1}
    wrong = link("A-2", assortmentName="", productExternalIds="LOST")
    done = load("ASSORTMENT", link("A-2", assortmentName="", productExternalIds="P-1"), wrong)
    assert causes(done) == [(3, "unknown_reference", "productExternalIds")]
    assert {key: name for key, (name, *_) in stored(sessions).items()} == {"A-1": "Trade", "A-2": "Trade"}


def test_a_row_that_may_be_of_any_assortment_spares_the_names_of_all(load: Importer, sessions: Sessions) -> None:
    load("ASSORTMENT", link(), link("A-2"))
    nameless = link(assortmentName="", productExternalIds="P-1")
    done = load("ASSORTMENT", nameless, link("", productExternalIds="P-2"))
    assert (counts(done), causes(done)) == (
        {"created": 1, "rejected": 1},
        [(3, "required", "assortmentExternalId")],
    )
    assert {key: name for key, (name, *_) in stored(sessions).items()} == {"A-1": "Trade", "A-2": "Trade"}
    load("ASSORTMENT", nameless)
    assert stored(sessions)["A-1"][0] == ""


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_deleted_product_takes_its_links_and_those_of_its_variants_along(
    load: Importer, sessions: Sessions, chunk_rows: int
) -> None:
    load("ASSORTMENT", link(productExternalIds="P-1||P-2", variantExternalIds="V-1||V-3"), link("A-2"))
    load("ASSORTMENT", link("A-2", productExternalIds="P-1", variantExternalIds="V-2"))
    before = lines(sessions)
    gone = {"productExternalId": "P-1", "deletedProduct": "TRUE"}
    assert counts(load("PRODUCT", gone, product("P-2", "V-3"), chunk_rows=chunk_rows)) == {"deleted": 1, "unchanged": 1}
    assert stored(sessions) == {"A-1": ("Trade", ["P-2"], ["V-3"]), "A-2": ("Trade", [], [])}
    assert [line for line in lines(sessions) if line not in before] == [
        ("A-1", "products", "P-1", "deleted", 2),
        ("A-1", "variants", "V-1", "deleted", 2),
        ("A-2", "products", "P-1", "deleted", 2),
        ("A-2", "variants", "V-2", "deleted", 2),
    ]
    assert causes(load("ASSORTMENT", link(productExternalIds="P-1"))) == [
        (2, "unknown_reference", "productExternalIds")
    ]
    load("PRODUCT", product("P-1", "V-1"))
    assert stored(sessions)["A-1"] == ("Trade", ["P-2"], ["V-3"])


def test_a_deleted_variant_takes_its_links_along(load: Importer, sessions: Sessions) -> None:
    load("ASSORTMENT", link(productExternalIds="P-1", variantExternalIds="V-1||V-2"))
    assert counts(load("PRODUCT", product("P-1", "V-1", deletedVariant="TRUE"))) == {"deleted": 1}
    assert stored(sessions) == {"A-1": ("Trade", ["P-1"], ["V-2"])}
    assert ("A-1", "variants", "V-1", "deleted", 2) in lines(sessions)
