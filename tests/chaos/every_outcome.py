"""Files with every outcome that a row may have, entity by entity, and what is stored before they are imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from datahub.models.catalogue import Category
from tests.catalogue import link_attribute, make_attribute, make_category, make_product
from tests.factories import make_supplier

STORED = 6


@dataclass(frozen=True)
class Case:
    entity: str
    store: Callable[[Session], None]
    text: str
    full_mode: bool = False


def _file(header: str, rows: Iterable[str]) -> str:
    """Cells that are empty at the end of a row are left out of `rows`."""
    width = header.count(";")
    return "".join(row + ";" * (width - row.count(";")) + "\n" for row in (header, *rows))


def _store_suppliers(session: Session) -> None:
    for number in range(1, STORED + 1):
        make_supplier(session, f"S-{number:02}", name=f"Supplier {number}")


def _suppliers() -> str:
    """Of those that are stored some are renamed, deleted or left as they are; others are new, named twice, or wrong."""
    rows = ["S-01;Supplier 1", "S-02;;;TRUE", "S-03;;;TRUE"]
    rows += [f"S-{number:02};Renamed {number}" for number in range(4, STORED + 1)]
    rows += [f"S-{number:02};New {number};3" for number in range(7, 15)]
    rows += ["S-15;Wrong;three", "S-09;Named again;4", ";Nobody;1", "S-99;;;TRUE"]
    ragged = "S-16;Ragged\n"
    return _file("externalId;name;supplierRating;deleted", rows) + ragged


def _store_products(session: Session) -> None:
    """Each with a weight and three red variants. A material is only borne by tools."""
    tools, garden = make_category(session, "TOOLS"), make_category(session, "GARDEN")
    material = make_attribute(session, "material", type="TEXT")
    weight = make_attribute(session, "weight", type="METRIC", unit_type="WEIGHT_METRIC", unit="kg")
    colour = make_attribute(session, "colour", options={"en-GB": ["Red", "Blue"]})
    link_attribute(session, tools, material)
    for category in (tools, garden):
        link_attribute(session, category, weight, required=True)
        link_attribute(session, category, colour, for_variant=True)
    for number in range(1, STORED + 1):
        values = {"material": {"en-GB": "steel"}, "weight": "1"}
        for variant in make_product(session, f"P-{number:02}", variants=3, attributes=values).variants:
            variant.attributes = {"colour": ["Red"]}


def _products() -> str:
    """Three rows a product, far from each other. What is not said of the values of attributes is cleared."""
    rows = []
    for number in (1, 2, 3):
        rows += [f"P-01;Product P-01;TOOLS;P-01-V{number};Variant P-01-V{number};;;;steel;1;Red"]
        rows += [f"P-02;Renamed;;P-02-V{number};;400{number};;;steel;1;Blue"]
        rows += [f"P-03;;;P-03-V{number};;;{'TRUE' if number == 2 else ''};;;2;{'Red' if number == 1 else ''}"]
        rows += [f"P-04;;;P-04-V{number};;;;{'TRUE' if number == 1 else ''}"]
        rows += [f"P-05;Says {number};GARDEN;P-05-V{number};;;;;{'oak' if number == 3 else ''};1"]
        rows += [f"P-{new};New {new};TOOLS;P-{new}-V{number};V;;;;oak;3;Blue" for new in (11, 12, 13, 14)]
        rows += [f"P-15;New;TOOLS;P-15-V{number};V;;;;;1;{'Pink' if number == 2 else 'Red'}"]
        rows += [f"P-16;New;NOWHERE;P-16-V{number};V;;;;;1"]
        rows += [f"P-17;New;TOOLS;P-{'01' if number == 2 else '17'}-V{number};V;;;;;1"]
    rows += ["P-11;New 11;TOOLS;P-11-V1;Named again;;;;oak;3;Red", "P-99;;;P-99-V1;;;;TRUE", "P-18;New;TOOLS;;V"]
    columns = "productExternalId;productNames;productClassificationCategoryId;variantExternalId;variantNames;variantEan"
    return _file(f"{columns};deletedVariant;deletedProduct;attribute-material;attribute-weight;attribute-colour", rows)


def _store_categories(session: Session) -> None:
    """TOOLS, and below each other DRILLS and BITS; GARDEN, and below it HOSES; YARD, and below it SHED."""
    weight, _ = make_attribute(session, "weight", type="NUMBER"), make_attribute(session, "colour")
    parent: Category | None = None
    for key in ("TOOLS", "DRILLS", "BITS"):
        parent = make_category(session, key, parent_id=parent and parent.id)
        link_attribute(session, parent, weight)
    for above, below in (("GARDEN", "HOSES"), ("YARD", "SHED")):
        make_category(session, below, parent_id=make_category(session, above).id)


def _categories() -> str:
    """Children come before their parents, and each of those that are new twice, for its two links. DRILLS can go since
    BITS is moved away, YARD with SHED, and GARDEN not."""
    new = [("SMALL", "FINE"), ("FINE", "NEW-1"), *((f"NEW-{number}", "Root") for number in range(1, 7))]
    links = ("weight", "colour")
    rows = [f"{key};{key.title()};{parent};;{link};TRUE" for link in links for key, parent in new]
    rows += ["BITS;Bits;FINE;;weight;TRUE", "DRILLS;;;TRUE", "TOOLS;Renamed;;;weight", "HOSES;Hoses;GARDEN"]
    rows += ["GARDEN;;;TRUE", "YARD;;;TRUE", "SHED;;;TRUE", "GONE;;;TRUE"]
    rows += ["A;In a circle;B", "B;In a circle;A", "LOST;Lost;NOWHERE", "BELOW;Below it;LOST"]
    rows += ["NEW-2;New-2;Root;;nothing", "NEW-3;New-3;Root;;weight", "0;Zero;Root"]
    columns = "classificationExternalId;classificationName;classificationParentExternalId;deleted"
    return _file(f"{columns};attrCode;attrIndexable", rows)


CASES = {
    case.entity: case
    for case in (
        Case("SUPPLIER", _store_suppliers, _suppliers()),
        Case("PRODUCT", _store_products, _products(), full_mode=True),
        Case("CLASSIFICATION_CATEGORY", _store_categories, _categories()),
    )
}
