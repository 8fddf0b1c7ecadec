"""Variants and prices that a file takes from one record and gives to another."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.catalogue import Product, Variant
from tests.importer import Importer, causes, counts, offer, product

pytestmark = pytest.mark.usefixtures("catalogue")
GIVEN_UP = (
    "{} belonged to the {} {} until another row of this execution deleted it. It can be given to another one from the "
    "next execution on."
)


def owner_of(sessions: sessionmaker[Session], variant: str) -> str | None:
    with sessions() as session:
        query = select(Product.external_id).join(Variant, Variant.product_id == Product.id)
        return session.scalar(query.where(Variant.external_id == variant, Variant.deleted_at.is_(None)))


@pytest.mark.parametrize("chunk_rows", [1, 1000])
@pytest.mark.parametrize("giver", ["P-0", "P-9"])
def test_a_variant_changes_hands_in_two_executions_and_not_in_one_wherever_chunks_end(
    load: Importer, sessions: sessionmaker[Session], giver: str, chunk_rows: int
) -> None:
    load("PRODUCT", product(giver, "V-7"), product(giver, "V-8"), product("P-5", "V-50"))
    taken = product("P-5", "V-7")
    done = load("PRODUCT", product(giver, "V-7", deletedVariant="TRUE"), taken, chunk_rows=chunk_rows)
    assert (counts(done), causes(done)) == (
        {"deleted": 1, "rejected": 1},
        [(3, "belongs_to_another", "variantExternalId")],
    )
    assert owner_of(sessions, "V-7") is None
    assert (counts(load("PRODUCT", taken)), owner_of(sessions, "V-7")) == ({"created": 1}, "P-5")


def test_what_a_deleted_product_gave_up_in_an_earlier_chunk_says_whose_it_was(
    load: Importer, sessions: sessionmaker[Session]
) -> None:
    load("PRODUCT", product("P-0", "V-7"))
    rows = product("P-0", "V-7", deletedProduct="TRUE"), product("P-5", "V-7")
    done = load("PRODUCT", *rows, chunk_rows=1)
    assert [faults[0]["message"] for _, faults in done.rejected] == [GIVEN_UP.format("V-7", "product", "P-0")]
    assert counts(load("PRODUCT", rows[1])) == {"created": 1}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_price_changes_hands_in_two_executions_and_not_in_one(load: Importer, chunk_rows: int) -> None:
    load("OFFER", offer("ST-1", "PR-1"), offer("ST-2", stockVariantId="V-2"))
    taken = offer("ST-2", "PR-1", stockVariantId="V-2")
    done = load("OFFER", offer("ST-1", "PR-1", priceDeleted="TRUE"), taken, chunk_rows=chunk_rows)
    assert causes(done) == [(3, "belongs_to_another", "offerPriceExternalId")]
    assert counts(load("OFFER", taken)) == {"created": 1}


def test_a_variant_comes_back_to_its_own_product_in_the_execution_that_deleted_it(load: Importer) -> None:
    load("PRODUCT", product("P-0", "V-7"), product("P-0", "V-8"))
    done = load("PRODUCT", product("P-0", "V-7", deletedVariant="TRUE"), product("P-0", "V-7"))
    assert causes(done) == []


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_row_that_takes_away_what_another_record_has_given_up_is_refused_wherever_chunks_end(
    load: Importer, chunk_rows: int
) -> None:
    load("PRODUCT", product("P-0", "V-7"), product("P-5", "V-50"))
    rows = product("P-0", "V-7", deletedProduct="TRUE"), product("P-5", "V-7", deletedVariant="TRUE")
    done = load("PRODUCT", *rows, chunk_rows=chunk_rows)
    assert causes(done) == [(3, "belongs_to_another", "variantExternalId")]
    later = load("PRODUCT", rows[1])
    assert (counts(later), [warning.code for warning in later.warnings]) == ({"unchanged": 1}, ["unknown_key"])


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_row_that_takes_away_what_another_record_has_just_got_is_refused_wherever_chunks_end(
    load: Importer, chunk_rows: int
) -> None:
    load("PRODUCT", product("P-5", "V-50"))
    rows = product("P-0", "V-7"), product("P-5", "V-7", deletedVariant="TRUE")
    done = load("PRODUCT", *rows, chunk_rows=chunk_rows)
    assert causes(done) == [(3, "belongs_to_another", "variantExternalId")]
