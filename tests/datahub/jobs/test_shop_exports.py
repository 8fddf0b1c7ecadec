"""Product exports of other shop systems come in by mapping and transcoding alone, or say what to change at the source.

docs/files.md tells people the same."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.models.catalogue import Product, Variant
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, JOB_FAILED
from datahub.models.import_run import ImportWarning, RejectedRow
from datahub.models.offer import Price
from tests import shops
from tests.catalogue import link_attribute, make_attribute, make_category
from tests.datahub.jobs.test_import_run import Start, importing, look, start
from tests.factories import make_supplier

__all__ = ["importing", "start"]

Import = Callable[..., int]
CATEGORY = "productClassificationCategoryId"
SHOPIFY = {
    "productExternalId": "Handle",
    "productNames": "Title",
    "productDescriptions": "Body (HTML)",
    "productBrand": "Vendor",
    CATEGORY: "Type",
    "inactiveProduct": "Status",
    "variantExternalId": "Variant SKU",
    "variantExternalSku": "Variant SKU",
    "variantNames": "Option1 Value",
    "variantEan": "Variant Barcode",
    "variantMainImageUrl": "Image Src",
}
SHOPIFY_WORDS = {
    CATEGORY: {"Hammers": "HAMMERS", "Levels": "LEVELS", "Abrasives": "TOOLS"},
    "inactiveProduct": {"active": "FALSE", "draft": "TRUE", "archived": "TRUE"},
}
MAGENTO = {
    "productExternalId": "sku",
    "productNames": "name",
    "productDescriptions": "description",
    CATEGORY: "categories",
    "inactiveProduct": "product_online",
    "variantExternalId": "sku",
    "variantNames": "name",
    "inactiveVariant": "product_type",
}
MAGENTO_WORDS = {
    CATEGORY: {
        "Default Category/Tools/Hammers": "HAMMERS",
        "Default Category/Tools,Default Category/Tools/Hammers": "HAMMERS",
        "Default Category/Tools/Levels": "LEVELS",
    },
    "inactiveProduct": {"1": "FALSE", "2": "TRUE"},
    "inactiveVariant": {"simple": "FALSE", "configurable": "TRUE", "bundle": "TRUE"},
}
WOOCOMMERCE = {
    "productExternalId": "ID",
    "productNames": "Name",
    "productDescriptions": "Description",
    CATEGORY: "Categories",
    "inactiveProduct": "Published",
    "variantExternalId": "ID",
    "variantExternalSku": "SKU",
    "variantNames": "Name",
    "inactiveVariant": "Type",
    "variantAdditionalImageLinks": "Images",
}
WOOCOMMERCE_WORDS = {
    CATEGORY: {"Tools": "TOOLS", "Tools > Hammers": "HAMMERS", "Tools > Levels, Sale": "LEVELS"},
    "inactiveProduct": {"1": "FALSE", "0": "TRUE", "-1": "TRUE"},
    "inactiveVariant": {"simple": "FALSE", "variation": "FALSE", "variable": "TRUE"},
}
VARIATIONS = {"productExternalId": "Parent", "variantExternalId": "ID", "variantNames": "Name"}
# The file has no supplier and no currency: a column of few values stands in for each.
WOOCOMMERCE_OFFERS = {
    "stockId": "ID",
    "stockVariantId": "ID",
    "supplierId": "Type",
    "stockNumber": "Stock",
    "offerPriceExternalId": "ID",
    "priceType": "Is featured?",
    "price": "Regular price",
    "currency": "Tax status",
}
OFFER_WORDS = {
    "supplierId": {"simple": "SUP-1", "variation": "SUP-1", "variable": "SUP-1"},
    "priceType": {"0": "PUBLIC", "1": "PUBLIC"},
    "currency": {"taxable": "EUR"},
}


@pytest.fixture
def take(importing: Context, start: Start, folder: Path, sessions: sessionmaker[Session]) -> Import:
    """Runs a job over a file once; returns the execution's id. The categories are there."""
    with sessions.begin() as session:
        for key in ("TOOLS", "HAMMERS", "LEVELS"):
            make_category(session, key)

    def take(
        content: bytes,
        mapping: dict[str, str] | None,
        words: dict[str, dict[str, str]] | None = None,
        entity: str = "PRODUCT",
        **limits: int,
    ) -> int:
        (folder / "export.csv").write_bytes(content)
        entries = [{"field": field, "source": source} for field, source in (mapping or {}).items()]
        transcoding = [
            {"field": field, "from": given, "to": meant}
            for field, table in (words or {}).items()
            for given, meant in table.items()
        ]
        number = start(
            entity=entity,
            file_path="out/export.csv",
            delimiter=",",
            mapping=entries or None,
            transcoding=transcoding,
        )
        settings = dataclasses.replace(importing.settings, **limits)
        import_run.run(dataclasses.replace(importing, settings=settings), number, 1)
        return number

    return take


def rejected(sessions: sessionmaker[Session], number: int) -> list[tuple[int, str, str]]:
    """Line, field and code, by line."""
    return [(row.line, row.field, row.cause) for row in _rows(sessions, number)]


def told(sessions: sessionmaker[Session], number: int) -> dict[int, str]:
    """What the operator reads, by line."""
    return {row.line: row.faults[0]["message"] for row in _rows(sessions, number)}


def _rows(sessions: sessionmaker[Session], number: int) -> list[RejectedRow]:
    query = select(RejectedRow).where(RejectedRow.execution_id == number).order_by(RejectedRow.line)
    with sessions() as session:
        return list(session.scalars(query))


def catalogue(sessions: sessionmaker[Session]) -> dict[str, list[str]]:
    """The variants of each product."""
    with sessions() as session:
        products = session.scalars(select(Product).order_by(Product.external_id))
        return {product.external_id: sorted(one.external_id for one in product.variants) for product in products}


def one(sessions: sessionmaker[Session], model: Any, key: str) -> Any:
    with sessions() as session:
        return session.scalars(select(model).where(model.external_id == key)).one()


@pytest.mark.parametrize("name", shops.FILES)
def test_the_kept_files_are_those_of_the_module_byte_for_byte(name: str) -> None:
    assert (shops.FOLDER / name).read_bytes() == shops.FILES[name](), "run python -m tests.shops"


def test_products_of_shopify_come_in_and_rows_without_a_variant_are_told(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    number = take((shops.FOLDER / "shopify.csv").read_bytes(), SHOPIFY, SHOPIFY_WORDS)
    assert look(sessions, number)[0] == INTEGRATION_DONE_WITH_ERRORS
    assert catalogue(sessions) == {"claw-hammer": ["HMR-300", "HMR-500", "HMR-750"], "torpedo-level": ["LVL-40"]}
    hammer = one(sessions, Product, "claw-hammer")
    body = '<p class="lead">A hammer, "the 300"</p>\n<ul>\n<li>fibreglass handle; grip</li>\n</ul>'
    assert hammer.descriptions == {"en-GB": body}
    assert (hammer.inactive, one(sessions, Product, "torpedo-level").inactive) == (False, True)
    first = one(sessions, Variant, "HMR-300")
    assert (first.names, first.ean) == ({"en-GB": "300 g"}, "'4260000000017"), "an apostrophe is text like any other"
    assert rejected(sessions, number) == [
        (8, "variantExternalId", "required"),
        (9, "variantExternalId", "required"),
        (11, CATEGORY, "unknown_reference"),
        (12, "", "other_row_invalid"),
        (13, "variantExternalId", "required"),
        (14, "", "other_row_invalid"),
    ]
    messages = told(sessions, number)
    assert messages[8].startswith("Each row must name one of the variants; this one names none.")
    assert "with the external id Unsorted. Import it, or transcode the value." in messages[11]


def test_products_of_magento_come_in_whatever_the_line_ends_and_a_store_view_is_warned_of(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    number = take((shops.FOLDER / "magento.csv").read_bytes(), MAGENTO, MAGENTO_WORDS)
    assert rejected(sessions, number) == [(9, CATEGORY, "unknown_reference")]
    assert (
        "There is no classification category with the external id Default Category/Sets." in told(sessions, number)[9]
    )
    assert catalogue(sessions) == {key: [key] for key in ("HMR", "HMR-300", "HMR-500", "LVL-40")}
    text = 'Forged head.\r\n<a href="/care">Care</a>\nDry wood only.'
    assert one(sessions, Product, "HMR").descriptions == {"en-GB": text}
    assert [one(sessions, Variant, key).inactive for key in ("HMR", "HMR-300")] == [True, False]
    assert one(sessions, Product, "LVL-40").inactive
    with sessions() as session:
        warnings = session.scalars(select(ImportWarning).where(ImportWarning.execution_id == number))
        assert {(warning.line, warning.code, warning.field) for warning in warnings} == {
            (7, "superseded", ""),
            (8, "parent_differs", "productNames"),
        }


def test_variants_of_magento_stay_together_once_columns_name_their_product(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    exported = csv.DictReader(io.StringIO((shops.FOLDER / "magento.csv").read_text(), newline=""))
    simple = [row for row in exported if row["product_type"] == "simple" and not row["store_view_code"]]
    parents = {"HMR-300": ("HMR", "Claw hammer"), "HMR-500": ("HMR", "Claw hammer")}
    mended = io.StringIO()
    writer = csv.DictWriter(mended, [*simple[0], "parent_sku", "parent_name"])
    writer.writeheader()
    for row in simple:
        sku, name = parents.get(row["sku"], (row["sku"], row["name"]))
        writer.writerow(row | {"parent_sku": sku, "parent_name": name})
    mapping = MAGENTO | {"productExternalId": "parent_sku", "productNames": "parent_name"}
    number = take(mended.getvalue().encode(), mapping, MAGENTO_WORDS)
    assert look(sessions, number)[0] == INTEGRATION_DONE
    assert catalogue(sessions) == {"HMR": ["HMR-300", "HMR-500"], "LVL-40": ["LVL-40"]}
    assert one(sessions, Product, "HMR").names == {"en-GB": "Claw hammer"}


def test_a_required_attribute_is_asked_for_until_a_column_is_named_after_it(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        weight = make_attribute(session, "weight", type="NUMBER")
        link_attribute(session, make_category(session, "HAMMERS"), weight, required=True, for_variant=True)
    content = (shops.FOLDER / "magento.csv").read_bytes()
    number = take(content, MAGENTO, MAGENTO_WORDS)
    assert (2, "attribute-weight", "required") in rejected(sessions, number)
    assert "a column attribute-weight" in told(sessions, number)[2]
    take(content.replace(b",weight,", b",attribute-weight,", 1), MAGENTO, MAGENTO_WORDS)
    assert one(sessions, Variant, "HMR-300").attributes == {"weight": "0.3"}


def test_hundreds_of_columns_pass_up_to_their_limit_and_fail_beyond_it_by_its_name(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    wide = _widened((shops.FOLDER / "magento.csv").read_bytes(), 700)
    width = shops.MAGENTO_COLUMNS.count(",") + 1 + 700
    refused = take(wide, MAGENTO, MAGENTO_WORDS, max_columns=width - 1)
    status, counted, error = look(sessions, refused)
    assert (status, counted) == (JOB_FAILED, {})
    assert f"has {width} columns; at most {width - 1} are read (MAX_COLUMNS). Take out" in (error or "")
    assert look(sessions, take(wide, MAGENTO, MAGENTO_WORDS, max_columns=width))[1] == {
        "created": 4,
        "unchanged": 1,
        "rejected": 1,
    }


def _widened(content: bytes, more: int) -> bytes:
    """With empty columns in front of each row, which mostly begins with a sku."""
    names = "".join(f"custom_{number}," for number in range(more)).encode()
    for key in (b"HMR", b"LVL-40", b"SET-1"):
        content = content.replace(b"\n" + key, b"\n" + b"," * more + key)
    return names + content


def test_products_of_woocommerce_need_a_second_job_that_hangs_variations_to_their_parents(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    content = (shops.FOLDER / "woocommerce.csv").read_bytes()
    first = take(content, WOOCOMMERCE, WOOCOMMERCE_WORDS)
    assert catalogue(sessions) == {"41": ["41"], "50": ["50"], "51": ["51"]}
    assert rejected(sessions, first) == [
        (3, CATEGORY, "required"),
        (4, CATEGORY, "required"),
        (7, CATEGORY, "unknown_reference"),
    ]
    assert one(sessions, Variant, "41").inactive, "the parent itself is not for sale"
    assert [one(sessions, Product, key).inactive for key in ("50", "51")] == [False, True]
    pictures = one(sessions, Variant, "50").additional_images
    assert pictures == [f"{shops.PICTURES}/lvl-1.jpg, {shops.PICTURES}/lvl-2.jpg"], "a comma parts no list"
    second = take(content, VARIATIONS, {"productExternalId": {"id:41": "41"}})
    assert catalogue(sessions)["41"] == ["41", "42", "43"]
    assert rejected(sessions, second) == [(line, "productExternalId", "required") for line in (2, 5, 6, 7)]


def test_prices_with_a_decimal_comma_are_refused_row_by_row_and_a_dot_is_asked_for(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    content = (shops.FOLDER / "woocommerce.csv").read_bytes()
    with sessions.begin() as session:
        make_supplier(session, "SUP-1")
    take(content, WOOCOMMERCE, WOOCOMMERCE_WORDS)
    take(content, VARIATIONS, {"productExternalId": {"id:41": "41"}})
    number = take(content, WOOCOMMERCE_OFFERS, OFFER_WORDS, "OFFER")
    assert rejected(sessions, number) == [
        (2, "stockNumber", "required"),
        (3, "price", "malformed"),
        (4, "price", "malformed"),
        (5, "price", "malformed"),
        (7, "price", "malformed"),
    ]
    assert told(sessions, number)[5].startswith(
        "Must be a number such as 1234.50: a dot before the decimals, no sign between thousands"
    )
    assert (one(sessions, Price, "51").price, one(sessions, Price, "51").currency) == (Decimal(89), "EUR")
    mended = content.replace(b'"1.234,50"', b"1234.50").replace(b'"24,90"', b"24.90").replace(b'"27,90"', b"27.90")
    take(mended, WOOCOMMERCE_OFFERS, OFFER_WORDS, "OFFER")
    assert [one(sessions, Price, key).price for key in ("42", "50")] == [Decimal("24.90"), Decimal("1234.50")]


@pytest.mark.parametrize(
    ("size", "mapped", "expected"),
    [
        (1_048_576, False, None),
        (1_048_576, True, "At most 20000 characters; this has 1048576."),
        (
            1_048_577,
            False,
            "Has 1\u202f048\u202f577 characters; at most 1\u202f048\u202f576 are allowed (MAX_CELL). Shorten it",
        ),
    ],
)
def test_a_cell_of_a_megabyte_is_taken_or_costs_its_row_by_a_limit_that_is_named(
    take: Import, sessions: sessionmaker[Session], size: int, mapped: bool, expected: str | None
) -> None:
    mapping = WOOCOMMERCE if mapped else {k: v for k, v in WOOCOMMERCE.items() if k != "productDescriptions"}
    number = take(shops.woocommerce("x" * size), mapping, WOOCOMMERCE_WORDS)
    assert ("50" in catalogue(sessions)) is (expected is None)
    assert "51" in catalogue(sessions), "the rows beside it are taken"
    assert told(sessions, number).get(5, "").startswith(expected or "")
    assert (5 in told(sessions, number)) is (expected is not None)


@pytest.mark.parametrize("name", shops.FILES)
def test_an_export_without_a_mapping_fails_and_asks_for_one(
    take: Import, sessions: sessionmaker[Session], name: str
) -> None:
    status, counted, error = look(sessions, take((shops.FOLDER / name).read_bytes(), None))
    assert (status, counted) == (JOB_FAILED, {})
    assert "No column of the file is named like a field: map the columns in the job." in (error or "")


def test_words_that_no_transcoding_exchanges_are_told_with_the_way_out(
    take: Import, sessions: sessionmaker[Session]
) -> None:
    words = {CATEGORY: SHOPIFY_WORDS[CATEGORY]}
    number = take((shops.FOLDER / "shopify.csv").read_bytes(), SHOPIFY, words)
    assert told(sessions, number)[2] == "Must be TRUE or FALSE. A transcoding can exchange other words for these."
