"""Random files give the same records, counts, rejected rows, warnings and history, whatever the size of chunks."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from datahub.db import make_engine
from datahub.models.catalogue import Category, Product, Variant
from datahub.models.change import Change
from datahub.models.offer import Price, Stock
from tests.factories import make_supplier
from tests.fresh_postgres import FreshPostgres
from tests.importer import Importer, category, counts, offer, product
from tests.settings import make_settings

SIZES = (1, 2, 1000)
Row = dict[str, str]


def some_products(pick: random.Random) -> Row:
    return product(
        pick.choice(["P-1", "P-2", "P-3", "P-4"]),
        pick.choice(["V-1", "V-2", "V-3", "V-4", ""]),
        productNames=pick.choice(["A", "B", ""]),
        variantNames=pick.choice(["X", "Y", ""]),
        productClassificationCategoryId=pick.choice(["TOOLS", "TOOLS", "SAWS", "NOWHERE", "", ""]),
        productBrand=pick.choice(["", "one", "other"]),
        deletedProduct=pick.choice(["", "", "", "", "TRUE", "FALSE"]),
        deletedVariant=pick.choice(["", "", "", "TRUE", "FALSE"]),
    )


def some_offers(pick: random.Random) -> Row:
    return offer(
        pick.choice(["ST-1", "ST-2", "ST-3", "ST-4"]),
        pick.choice(["PR-1", "PR-2", "PR-3", "PR-4"]),
        stockVariantId=pick.choice(["V-1", "V-1", "V-2", "V-9"]),
        stockNumber=pick.choice(["1", "2", "", "-1"]),
        price=pick.choice(["1", "2.50", "3", "", "abc"]),
        priceType=pick.choice(["PUBLIC", "PUBLIC", "GROUP", ""]),
        priceTypeValue=pick.choice(["", "G1"]),
        stockDeleted=pick.choice(["", "", "", "", "TRUE"]),
        priceDeleted=pick.choice(["", "", "", "TRUE"]),
    )


def some_categories(pick: random.Random) -> Row:
    return category(
        pick.choice(["TOOLS", "SAWS", "A", "B", "C"]),
        pick.choice(["Root", "Root", "TOOLS", "SAWS", "A", "B", "C", ""]),
        classificationName=pick.choice(["one", "other", ""]),
        attrCode=pick.choice(["", "weight", "none"]),
        attrIndexable=pick.choice(["", "TRUE", "FALSE"]),
        deleted=pick.choice(["", "", "", "", "TRUE", "FALSE"]),
    )


ROWS: dict[str, Callable[[random.Random], Row]] = {
    "PRODUCT": some_products,
    "OFFER": some_offers,
    "CLASSIFICATION_CATEGORY": some_categories,
}


def prepare(load: Importer, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        make_supplier(session, "SUP-1")
    load("ATTRIBUTE", {"attributeExternalId": "weight", "attributeNames": "Weight", "attributeType": "NUMBER"})
    load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="weight"), category("SAWS", "TOOLS"))
    load("PRODUCT", product("P-1", "V-1"), product("P-2", "V-2"))
    load("OFFER", offer("ST-1", "PR-1"))


def stored(engine: Engine) -> list[str]:
    """Live records with what they refer to, and the history."""
    found: list[Any] = []
    with Session(engine) as session:
        for row in session.scalars(select(Category).where(Category.deleted_at.is_(None))):
            links = sorted((link.attribute.external_id, link.indexable) for link in row.attributes)
            found.append((row.external_id, row.name, row.parent and row.parent.external_id, links))
        for variant in session.scalars(select(Variant).where(Variant.deleted_at.is_(None))):
            owner = variant.product
            found.append((variant.external_id, variant.names, owner.external_id, owner.names, owner.brand))
        found += session.scalars(select(Product.external_id).where(Product.deleted_at.is_(None)))
        for price in session.scalars(select(Price).where(Price.deleted_at.is_(None))):
            found.append((price.external_id, price.price.normalize(), price.type, price.stock.external_id))
        for stock in session.scalars(select(Stock).where(Stock.deleted_at.is_(None))):
            found.append((stock.external_id, stock.quantity, stock.variant.external_id))
        for line in session.scalars(select(Change)):
            changes = sorted((line.changes or {}).items())
            found.append((line.record_key, line.part, line.part_key, line.action, str(changes), line.line))
    return sorted(map(str, found))


def told(load: Importer, entity: str, rows: list[Row], size: int, *, clears: bool) -> list[Any]:
    """A row that is wrong in several ways may be told the one or the other first."""
    done = load(entity, *rows, clears=clears, chunk_rows=size)
    assert sum(done.counts.values()) == len(rows)
    rejected = sorted(row.line for row, _ in done.rejected)
    return [counts(done), rejected, sorted((it.row.line, it.code, it.field) for it in done.warnings)]


@dataclass
class Files:
    """Four of random entities and rows, some of which clear."""

    seed: int

    def __post_init__(self) -> None:
        pick = random.Random(self.seed)  # noqa: S311 - no secret
        entities = [pick.choice(sorted(ROWS)) for _ in range(4)]
        self._files = [(entity, [ROWS[entity](pick) for _ in range(pick.randint(2, 9))]) for entity in entities]
        self._clearing = [pick.random() < 0.3 for _ in self._files]

    def come_to(self, url: str, folder: Path, size: int) -> list[Any]:
        """One after the other into a fresh database."""
        engine = make_engine(url)
        load = Importer(engine, make_settings(), folder)
        prepare(load, engine)
        steps = []
        for (entity, rows), clears in zip(self._files, self._clearing, strict=True):
            steps.append((entity, rows, told(load, entity, rows, size, clears=clears), stored(engine)))
        engine.dispose()
        return steps


def fresh_sqlite(template: Path, folder: Path) -> str:
    folder.mkdir()
    shutil.copy(template, folder / "test.db")
    return f"sqlite:///{folder}/test.db"


@pytest.mark.parametrize("seed", range(25))
def test_random_files_come_to_the_same_wherever_chunks_end(seed: int, tmp_path: Path, sqlite_template: Path) -> None:
    files, folders = Files(seed), [tmp_path / str(size) for size in SIZES]
    came_to = [
        files.come_to(fresh_sqlite(sqlite_template, folder), folder, size)
        for size, folder in zip(SIZES, folders, strict=True)
    ]
    assert came_to[0] == came_to[1] == came_to[2]


@pytest.mark.parametrize("seed", range(3))
def test_random_files_come_to_the_same_on_both_databases_wherever_chunks_end(
    seed: int, tmp_path: Path, sqlite_template: Path, fresh_postgres: FreshPostgres
) -> None:
    """Cut as finely as can be on the one, and not at all on the other."""
    files, folder = Files(seed), tmp_path / "sqlite"
    whole = files.come_to(fresh_sqlite(sqlite_template, folder), folder, max(SIZES))
    assert files.come_to(fresh_postgres.make(), tmp_path, min(SIZES)) == whole
