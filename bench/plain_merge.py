"""What imports are measured against: a file loaded into a staging table and merged, in one transaction.

It looks at no value, keeps no row that fails, and cannot say what changed: every row that is there is written again."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from sqlalchemy import Connection, text

from datahub.db import make_engine

STAGE = """
    create temporary table staged (
        stock_id text, variant text, supplier text, quantity bigint, lead_time bigint,
        price_id text, type text, type_value text, price numeric, currency text, min_quantity bigint
    )
"""
STOCKS = """
    create temporary table staged_stocks as
    select stock_id, max(variants.id) as variant_id, max(suppliers.id) as supplier_id, max(staged.quantity) as quantity,
        max(staged.lead_time) as lead_time
    from staged
    join variants on variants.external_id = staged.variant
    join suppliers on suppliers.external_id = staged.supplier
    group by stock_id
"""
UPDATE_STOCKS = """
    update stocks set variant_id = new.variant_id, supplier_id = new.supplier_id, quantity = new.quantity,
        lead_time_to_ship = new.lead_time, updated_at = current_timestamp
    from staged_stocks as new where stocks.external_id = new.stock_id
"""
INSERT_STOCKS = """
    insert into stocks (external_id, variant_id, supplier_id, quantity, lead_time_to_ship, inactive, stores,
        custom_fields, created_at, updated_at)
    select stock_id, variant_id, supplier_id, quantity, lead_time, false, '["default_store"]', '{}',
        current_timestamp, current_timestamp
    from staged_stocks as new where not exists (select 1 from stocks where stocks.external_id = new.stock_id)
"""
UPDATE_PRICES = """
    update prices set type = new.type, type_value = new.type_value, price = new.price * :unit,
        currency = new.currency, min_quantity = coalesce(new.min_quantity, 1), updated_at = current_timestamp
    from staged as new where prices.external_id = new.price_id
"""
INSERT_PRICES = """
    insert into prices (external_id, stock_id, type, type_value, price, currency, packing_type, item_per_pack,
        quantity_per_item, min_quantity, ranges, inactive, created_at, updated_at)
    select price_id, stocks.id, type, type_value, price * :unit, currency, 'UNIT', 1,
        :unit, coalesce(new.min_quantity, 1), '[]', false, current_timestamp, current_timestamp
    from staged as new join stocks on stocks.external_id = new.stock_id
    where not exists (select 1 from prices where prices.external_id = new.price_id)
"""


def merge(url: str, path: Path) -> float:
    """Seconds, of a file that is on this machine already."""
    engine = make_engine(url)
    started = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(text(STAGE))
        is_postgresql = connection.dialect.name == "postgresql"
        (_copy if is_postgresql else _insert)(connection, path)
        connection.execute(text(STOCKS))
        if is_postgresql:
            connection.execute(text("analyze staged, staged_stocks"))
        for statement in (UPDATE_STOCKS, INSERT_STOCKS):
            connection.execute(text(statement))
        for statement in (UPDATE_PRICES, INSERT_PRICES):
            connection.execute(text(statement), {"unit": 1 if is_postgresql else 1_000_000})
    seconds = time.perf_counter() - started
    engine.dispose()
    return seconds


def _copy(connection: Connection, path: Path) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (the transaction is open)
    with (
        path.open("rb") as file,
        driver.cursor() as cursor,
        cursor.copy("copy staged from stdin with (format csv, header, delimiter ';')") as copy,
    ):
        while block := file.read(1 << 20):
            copy.write(block)


def _insert(connection: Connection, path: Path) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (the transaction is open)
    with path.open(newline="") as file:
        rows = csv.reader(file, delimiter=";")
        next(rows)
        values = ", ".join("nullif(?, '')" for _ in range(11))
        driver.executemany(f"insert into staged values ({values})", rows)  # noqa: S608 - question marks only
