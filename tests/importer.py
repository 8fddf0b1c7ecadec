"""Imports rows that a test writes down as dictionaries, through a real file and a real spool."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.entities import ENTITIES
from datahub.errors import SourceError
from datahub.jobs import import_read
from datahub.jobs.import_read import Source
from datahub.jobs.merging import again
from datahub.jobs.rows import definitions, other_keys, tree_order
from datahub.jobs.rows.act_writer import Writer, writer_of
from datahub.jobs.rows.chunk import Outcome
from datahub.jobs.rows.plan import Plan
from datahub.jobs.rows.secret_values import Sealer
from datahub.models.party import DEFAULT_STORE, Store
from datahub.settings import Settings
from datahub.storage import Spool, SpooledRow
from datahub.vault import Vault
from sandbox.catalogue.xml_element import as_element

MAIN_LOCALE = "en-GB"


class Importer:
    """The keys of the rows are the header. `clears` is Full mode. Each file is an execution of its own, for the default
    store where it must be for one; what it does not name stays in any case."""

    def __init__(self, engine: Engine, settings: Settings, folder: Path) -> None:
        self._engine, self._settings, self._folder = engine, settings, folder
        self._executions = count(1)
        self._sealer = Sealer(engine, Vault(settings.encryption_keys))

    def __call__(self, entity: str, *rows: dict[str, str], clears: bool = False, chunk_rows: int = 1000) -> Outcome:
        elements = ENTITIES[entity].elements
        path = self._as_xml(rows, *elements) if elements else self._written(rows)
        return self.file(entity, path, clears=clears, chunk_rows=chunk_rows)

    def file(
        self, entity: str, path: Path, delimiter: str = ",", *, clears: bool = False, chunk_rows: int = 1000
    ) -> Outcome:
        source = Source(path.name, path, path.stat().st_size, "")
        kind = ENTITIES[entity]
        with Session(self._engine) as session:
            defined = definitions.definitions_of(session, kind, MAIN_LOCALE)
            store = session.execute(select(Store.id, Store.external_id).where(Store.external_id == DEFAULT_STORE)).one()
        recipe = {"store": tuple(store) if kind.scoped_by else None}
        recipe |= {"entity": entity, "full_mode": clears, "extras": defined, "delimiter": delimiter, "mapping": None}
        recipe |= {"transcoding": [], "main_locale": MAIN_LOCALE, "locales": [MAIN_LOCALE, "fr-FR"]}
        spooled = self._folder / "rows.spool"
        with closing(Spool(spooled)) as spool:
            found = import_read.read([source], recipe, spool, self._settings, lambda rows, size: None, self._sealer)
        if error := found.files[0]["error"]:
            raise SourceError(error)
        return self._write(spooled, import_read.plan_of(found.recipe), chunk_rows)

    def _written(self, rows: tuple[dict[str, str], ...]) -> Path:
        header = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
        path = self._folder / "file.csv"
        path.write_text(text.getvalue())
        return path

    def _as_xml(self, rows: tuple[dict[str, str], ...], root: str, record: str) -> Path:
        """A row in each line, from the second on."""
        lines = [as_element(record, row.items()).replace("\n", "") for row in rows]
        path = self._folder / "file.xml"
        path.write_text("\n".join([f"<{root}>", *lines, f"</{root}>"]))
        return path

    def _write(self, path: Path, plan: Plan, chunk_rows: int) -> Outcome:
        total = Outcome()
        after: tuple[int, str] | None = None
        execution_id = next(self._executions)
        with self._engine.connect() as connection:
            keep_nothing = partial(other_keys.stored, plan=plan, connection=connection, keep=lambda page, pairs: None)
            other_keys.settle(path, plan, keep_nothing)
            tree_order.order(path, plan, connection)
        with closing(Spool(path)) as spool, self._engine.connect() as connection:
            with connection.begin():
                writer = writer_of(connection, plan, execution_id=execution_id, actor="ada")
            while rows := spool.chunk(after, chunk_rows):
                after = (rows[-1].depth, rows[-1].key)
                tries: list[Outcome] = []
                again.commit(connection, partial(_write_chunk, connection, writer, rows, tries))
                total.add(tries[-1])
        return total


def _write_chunk(connection: Connection, writer: Writer, rows: list[SpooledRow], tries: list[Outcome]) -> None:
    tries.append(writer.write(rows, database_now(Session(connection))))


def category(key: str, parent: str = "Root", **more: str) -> dict[str, str]:
    given = {"classificationExternalId": key, "classificationName": key.title()}
    return given | {"classificationParentExternalId": parent} | more


def navigation(key: str, parent: str = "Root_default", **more: str) -> dict[str, str]:
    given = {"navigationCategoryExternalId": key, "navigationCategoryNames": key.title()}
    return given | {"navigationCategoryParentId": parent, "classificationCategoryCode": "TOOLS"} | more


def product(key: str, variant: str, **more: str) -> dict[str, str]:
    given = {"productExternalId": key, "productNames": f"Product {key}", "productClassificationCategoryId": "TOOLS"}
    return given | {"variantExternalId": variant, "variantNames": f"Variant {variant}"} | more


def offer(key: str, price_key: str = "", **more: str) -> dict[str, str]:
    given = {"stockId": key, "stockVariantId": "V-1", "supplierId": "SUP-1", "stockNumber": "5"}
    if price_key:
        given |= {"offerPriceExternalId": price_key, "priceType": "PUBLIC", "price": "9.99", "currency": "EUR"}
    return given | more


def customer_user(key: str, **more: str) -> dict[str, str]:
    """With the keys of its fields without what they all begin with."""
    given = {"ExternalId": key, "Civility": "MRS", "FirstName": "Ada", "LastName": "Byron", "Phone": "555"}
    given |= {"Email": f"{key.lower()}@example.com", "Groups": "FOC_User", "AccountIds": "ACC-1"} | more
    return {f"customerUser{name}": value for name, value in given.items()}


def counts(outcome: Outcome) -> dict[str, int]:
    return {name: number for name, number in outcome.counts.items() if number}


def causes(outcome: Outcome) -> list[tuple[int, str, str]]:
    return [(row.line, faults[0]["code"], faults[0]["field"]) for row, faults in outcome.rejected]
