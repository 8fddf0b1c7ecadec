"""Offer files for the benchmark of imports: two prices per stock, far apart, and the stocks in no order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, insert

from datahub.db import database_now, make_sessions
from datahub.models.catalogue import Category, Product, Variant
from datahub.models.party import Supplier

VARIANTS, SUPPLIERS = 10_000, 20
FIRST_LOAD, TENTH_CHANGED, UNCHANGED = STATES = ("first load", "10 % changed", "unchanged")
# Prime, so that its multiples visit every stock once.
STRIDE = 1_000_003
HEADER = (
    "Stock Id;Stock Variant Id;Supplier Id;Stock Number;Lead Time To Ship;Offer Price External Id;"
    "Price Type;Price Type Value;Price;Currency;Min Quantity\n"
)


def write_file(path: Path, rows: int, *, changed: bool) -> None:
    """With `changed`, each tenth stock has another quantity and other prices."""
    with path.open("w") as file:
        file.write(HEADER)
        file.writelines(_lines(rows // 2, changed))


def _lines(stocks: int, changed: bool) -> Iterator[str]:
    for kind, suffix in (("PUBLIC;", "P"), ("GROUP;TRADE", "G")):
        for step in range(stocks):
            number = step * STRIDE % stocks
            more = 1 if changed and number % 10 == 0 else 0
            key = f"STOCK-{number:07}"
            yield (
                f"{key};VARIANT-{number % VARIANTS:05};SUPPLIER-{number % SUPPLIERS:02};{number % 900 + more};"
                f"{number % 14 or ''};{key}-{suffix};{kind};{number % 40_000 / 100 + more:.2f};EUR;{number % 5 or ''}\n"
            )


def seed(engine: Engine) -> None:
    """What the offers refer to."""
    with make_sessions(engine).begin() as session:
        now = {"created_at": database_now(session)}
        now["updated_at"] = now["created_at"]
        category = Category(external_id="TOOLS", name="Tools", **now)
        session.add(category)
        session.flush()
        product = Product(external_id="PRODUCT", category_id=category.id, **now)
        session.add(product)
        session.flush()
        variants = [{"external_id": f"VARIANT-{number:05}", "product_id": product.id} for number in range(VARIANTS)]
        session.execute(insert(Variant), [variant | now for variant in variants])
        suppliers = [f"SUPPLIER-{number:02}" for number in range(SUPPLIERS)]
        session.execute(insert(Supplier), [{"external_id": name, "name": name} | now for name in suppliers])
