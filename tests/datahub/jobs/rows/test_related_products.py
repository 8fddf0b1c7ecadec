"""Related products: a row leads from one product to others, one way, or takes that away again."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import record_history, record_reads
from datahub.models.catalogue import Product, RelatedProduct
from tests.importer import Importer, causes, counts, product

Sessions = sessionmaker[Session]


@pytest.fixture(autouse=True)
def products(catalogue: None, load: Importer) -> None:
    load("PRODUCT", product("P-3", "V-4"))


def related(key: str, others: str, **more: str) -> dict[str, str]:
    return {"productExternalId": key, "relatedProductExternalId": others} | more


def stored(sessions: Sessions) -> dict[str, list[str]]:
    """By key of the products that lead to others."""
    with sessions() as session:
        records = record_reads.records_page(session, "RELATED_PRODUCT").items
        return {
            shown["externalId"]: [row["relatedProductExternalId"] for row in shown["parts"]["relatedProducts"]]
            for shown in record_reads.describe(session, "PRODUCT", records)
        }


def lines(sessions: Sessions, key: str) -> list[tuple[str, str, int]]:
    """What happened to its relations, as the page of the product tells it."""
    with sessions() as session:
        found = record_history.find_changes(session, "PRODUCT", key, descending=False).items
        own = [it.change for it in found if it.change.part == "relatedProducts"]
        return [(it.part_key, it.action, it.line) for it in own]


def lead_to_itself(sessions: Sessions, key: str) -> None:
    """As imports once did."""
    with sessions.begin() as session:
        product_id = session.scalars(select(Product.id).where(Product.external_id == key)).one()
        session.add(RelatedProduct(product_id=product_id, related_id=product_id))


def test_a_row_leads_to_products_one_way_and_adds_to_those_that_are_there(load: Importer, sessions: Sessions) -> None:
    row = {"Product External Id": "P-1", "Related Product External Id": "P-2", "Unlink": "FALSE"}
    assert counts(load("RELATED_PRODUCT", row)) == {"created": 1}
    rows = related("P-1", "P-2||P-3"), related("P-2", "")
    assert counts(load("RELATED_PRODUCT", *rows)) == {"created": 1, "unchanged": 1}
    assert stored(sessions) == {"P-1": ["P-2", "P-3"]}
    assert counts(load("RELATED_PRODUCT", *rows)) == {"unchanged": 2}
    assert lines(sessions, "P-1") == [("P-2", "created", 2), ("P-3", "created", 2)]
    assert lines(sessions, "P-2") == []


def test_a_product_cannot_lead_to_itself_and_no_longer_does_once_it_is_unlinked(
    load: Importer, sessions: Sessions
) -> None:
    done = load("RELATED_PRODUCT", related("P-1", "P-2||P-1"), related("P-1", "P-3"))
    assert causes(done) == [(2, "own_key", "relatedProductExternalId")]
    ((_, (fault,)),) = done.rejected
    assert fault["message"] == "P-1 is the product itself, which leads to others only: leave it out."
    assert stored(sessions) == {"P-1": ["P-3"]}
    lead_to_itself(sessions, "P-1")
    assert counts(load("RELATED_PRODUCT", related("P-1", "P-1", unlink="TRUE"))) == {"deleted": 1}
    assert stored(sessions) == {"P-1": ["P-3"]}


def test_a_flag_takes_away_what_its_row_names(load: Importer, sessions: Sessions) -> None:
    load("RELATED_PRODUCT", related("P-1", "P-2||P-3"), related("P-2", "P-1"))
    done = load("RELATED_PRODUCT", related("P-1", "P-2", unlink="TRUE"))
    assert (counts(done), stored(sessions)) == ({"deleted": 1}, {"P-1": ["P-3"], "P-2": ["P-1"]})
    done = load("RELATED_PRODUCT", related("P-1", "P-2||LOST", unlink="TRUE"))
    assert counts(done) == {"unchanged": 1}
    assert [warning.message for warning in done.warnings] == [
        "The product P-1 has no P-2, LOST among its related products: nothing to delete."
    ]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (related("", "P-2"), ("required", "productExternalId")),
        (related("P-9", "P-2"), ("unknown_key", "productExternalId")),
        (related("P-1", "P-2||P-9"), ("unknown_reference", "relatedProductExternalId")),
        (related("P-1", "V-1"), ("unknown_reference", "relatedProductExternalId")),
        (related("P-1", "P-2", unlink="oui"), ("malformed", "unlink")),
        (related("P-1", "", unlink="TRUE"), ("required", "relatedProductExternalId")),
    ],
)
def test_a_row_that_is_wrong_is_rejected_and_the_others_are_applied(
    load: Importer, sessions: Sessions, row: dict[str, str], cause: tuple[str, str]
) -> None:
    assert causes(load("RELATED_PRODUCT", row, related("P-1", "P-3"))) == [(2, *cause)]
    assert stored(sessions) == {"P-1": ["P-3"]}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_deleted_product_takes_relations_from_it_and_to_it_along(
    load: Importer, sessions: Sessions, chunk_rows: int
) -> None:
    load("RELATED_PRODUCT", related("P-1", "P-2||P-3"), related("P-2", "P-1||P-3"), related("P-3", "P-1||P-2"))
    lead_to_itself(sessions, "P-3")
    gone = [{"productExternalId": key, "deletedProduct": "TRUE"} for key in ("P-1", "P-3")]
    assert counts(load("PRODUCT", gone[0], chunk_rows=chunk_rows)) == {"deleted": 1}
    assert stored(sessions) == {"P-2": ["P-3"], "P-3": ["P-2", "P-3"]}
    assert lines(sessions, "P-1")[2:] == [("P-2", "deleted", 2), ("P-3", "deleted", 2)]
    assert lines(sessions, "P-2")[2:] == [("P-1", "deleted", 2)]
    assert causes(load("RELATED_PRODUCT", related("P-2", "P-1"))) == [
        (2, "unknown_reference", "relatedProductExternalId")
    ]
    load("PRODUCT", product("P-1", "V-1"))
    assert stored(sessions) == {"P-2": ["P-3"], "P-3": ["P-2", "P-3"]}
    load("RELATED_PRODUCT", related("P-1", "P-3"), related("P-3", "P-1"))
    assert counts(load("PRODUCT", *gone, chunk_rows=chunk_rows)) == {"deleted": 2}
    assert stored(sessions) == {}
