"""The migrations build what the models declare, on both databases, and can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, delete, inspect, select, text
from sqlalchemy.orm import Session

from datahub.db import Base, make_engine
from datahub.jobs import execution_list, incidents, orders
from datahub.jobs.execution_list import Wanted
from datahub.models.change import Change
from datahub.models.execution import Execution
from datahub.models.heartbeat import CLOCK, EXPORTER, IMPORTER, Heartbeat
from datahub.models.order import OrderStatusChange
from datahub.models.party import Store
from datahub.models.setting import GeneralSettings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order
from tests.servers import POSTGRES_USER, Server, postgres_admin
from tests.settings import ENCRYPTION_KEY

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """Two empty databases: one for the migrations, one for the models."""
    names = ("migrated", "declared")
    if request.param == "sqlite":
        made = [make_engine(f"sqlite:///{tmp_path}/{name}.db") for name in names]
    else:
        server: Server = request.getfixturevalue("postgres_server")
        with postgres_admin(server) as admin:
            for name in names:
                admin.execute(f"drop database if exists {name} with (force)")
                admin.execute(f"create database {name}")
        made = [make_engine(f"{server.url}/{name}") for name in names]
    yield made[0], made[1]
    for engine in made:
        engine.dispose()


def config(engine: Engine) -> Config:
    made = Config(MIGRATIONS / "alembic.ini")
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["engine"] = engine
    return made


def describe(engine: Engine) -> dict[str, Any]:
    """Everything that the database knows about its tables, in an order that can be compared."""
    inspector = inspect(engine)
    if engine.dialect.name == "sqlite":
        # Reflection leaves out expressions in indexes; SQLite keeps the statement itself.
        with engine.connect() as connection:
            rows = connection.execute(
                text("select name, sql from sqlite_master where type = 'index' or type = 'trigger'")
            ).all()
        indexes = {name: sql for name, sql in rows if sql}
    else:
        with engine.connect() as connection:
            query = text("select indexname, indexdef from pg_indexes where schemaname = 'public'")
            indexes = {name: sql for name, sql in connection.execute(query).all() if "alembic" not in name}
    tables = [name for name in sorted(inspector.get_table_names()) if name != "alembic_version"]
    return {"indexes": indexes} | {
        table: {
            "columns": sorted(
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ),
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": sorted(inspector.get_foreign_keys(table), key=str),
            "unique": sorted(inspector.get_unique_constraints(table), key=str),
            "checks": sorted(inspector.get_check_constraints(table), key=str),
        }
        for table in tables
    }


# Indexes on expressions are compared by their statements, since SQLite's reflection leaves them out.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_migrations_build_exactly_what_the_models_declare(engines: tuple[Engine, Engine]) -> None:
    migrated, declared = engines
    command.upgrade(config(migrated), "head")
    Base.metadata.create_all(declared)
    assert describe(migrated) == describe(declared)


def test_migrations_can_be_undone_and_done_again(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "head")
    command.downgrade(config(migrated), "base")
    assert inspect(migrated).get_table_names() == ["alembic_version"]
    command.upgrade(config(migrated), "head")
    assert "orders" in inspect(migrated).get_table_names()


def test_first_migration_inserts_the_settings_row_and_the_default_store(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        settings = session.get_one(GeneralSettings, 1)
        store = session.scalars(select(Store)).one()
    assert (settings.file_name_prefix, settings.multi_store) == ("DJUST", False)
    assert (store.external_id, store.name) == ("default_store", "Default store")


def test_foreign_keys_of_sqlite_are_enforced_again_after_a_migration(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/hub.db")
    command.upgrade(config(engine), "head")
    with engine.connect() as connection:
        assert connection.execute(text("pragma foreign_keys")).scalar_one() == 1
    engine.dispose()


def test_executions_that_were_there_before_can_be_searched(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "0011")
    files = '[{"name": "Offers.csv"}, {"name": "Offers.csv"}]'
    with migrated.begin() as connection:
        connection.execute(
            text(
                "insert into executions (id, public_id, kind, job_public_id, job_name, entity, entity_reference, "
                "trigger_status, origin, actor, status, repeats, attempts, created_at, executed_at, "
                "may_have_arrived_twice, alone, left_behind) values (7, 'ab12cd34-0000-4000-8000-000000000000', "
                "'IMPORT', 'x', 'Offers', 'OFFER', '', '', 'MANUAL', 'ada', 'INTEGRATION_DONE', false, 1, "
                "'2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', false, false, false)"
            ),
        )
        connection.execute(
            text(
                "insert into import_runs (execution_id, family, recipe, files, rows, rows_done, created, updated, "
                "deleted, unchanged, rejected, removed, warnings, crashes, bytes_read) values "
                "(7, 'CATALOG', '{}', :files, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
            ),
            {"files": files},
        )
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        for typed in ("12cd", "offers.c"):
            found = execution_list.read_page(session, Wanted(search=typed, names=True)).items
            assert [execution.id for execution in found] == [7]
        session.execute(delete(Execution))
        assert execution_list.read_page(session, Wanted(search="12cd", names=True)).items == []


def test_exports_that_were_there_before_get_the_store_of_their_order(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        connection = add_connection(session, Vault({"test": ENCRYPTION_KEY}))
        make_job(session, connection)
        (sent,) = orders.change_status(session, make_order(session), "ACCEPTED_BY_SUPPLIER", actor="ada")
        read = add_import_execution(session, add_import_job(session, connection))
        ids, store_id = (sent.id, read.id), session.scalars(select(Store.id)).one()
        session.commit()
    command.downgrade(config(migrated), "0012")
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        assert [session.get_one(Execution, row_id).store_id for row_id in ids] == [store_id, None]


def test_moves_that_were_made_before_are_in_the_change_ledger(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        order = make_order(session)
        first = OrderStatusChange(
            order_id=order.id, to_status="WAITING_SUPPLIER_APPROVAL", at=order.created_at, actor="x"
        )
        session.add(first)
        session.flush()
        orders.change_status(session, order, "ACCEPTED_BY_SUPPLIER", actor="ada")
        reference, came_at = order.reference, order.created_at
        session.commit()
    command.downgrade(config(migrated), "0015")
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        made, moved = session.scalars(select(Change).order_by(Change.id)).all()
        assert (made.actor, made.action, made.changes, made.at) == ("x", "created", None, came_at)
        assert moved.changes == {"orderStatus": ["WAITING_SUPPLIER_APPROVAL", "ACCEPTED_BY_SUPPLIER"]}
        assert (moved.entity, moved.record_key, moved.actor) == ("ORDER", reference, "ada")


def test_moves_of_incidents_that_were_made_before_are_in_the_change_ledger(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        incident = incidents.declare(session, make_order(session), reason="LATE", affected=(), actor="x")
        incidents.change_status(session, incident, "CLOSED", actor="y")
        key, came_at = incident.incident_id, incident.created_at
        session.execute(delete(Change))
        session.commit()
    command.downgrade(config(migrated), "0024")
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        made, moved = session.scalars(select(Change).order_by(Change.id)).all()
        assert {(it.entity, it.record_key, it.part, it.execution_id) for it in (made, moved)} == {
            ("INCIDENT", key, "", None)
        }
        assert (made.actor, made.action, made.changes, made.at) == ("x", "created", None, came_at)
        assert (moved.actor, moved.changes) == ("y", {"incidentStatus": ["OPEN", "CLOSED"]})


def test_export_workers_that_beat_before_are_exporters(engines: tuple[Engine, Engine]) -> None:
    migrated, _ = engines
    command.upgrade(config(migrated), "head")
    with Session(migrated) as session:
        seen = {"seen_at": datetime.now(UTC), "failed_sweeps": 0}
        session.add_all(Heartbeat(name=role, role=role, **seen) for role in (EXPORTER, IMPORTER, CLOCK))
        session.commit()
    roles = text("select role from heartbeats order by name")
    command.downgrade(config(migrated), "0027")
    with migrated.connect() as before:
        assert before.scalars(roles).all() == [CLOCK, "WORKER", IMPORTER]
    command.upgrade(config(migrated), "head")
    with migrated.connect() as after:
        assert after.scalars(roles).all() == [CLOCK, EXPORTER, IMPORTER]


def test_a_postgresql_without_trigrams_is_told_what_to_do(postgres_server: Server) -> None:
    with postgres_admin(postgres_server) as admin:
        admin.execute("drop database if exists bare with (force)")
        admin.execute("drop role if exists poor")
        admin.execute("create role poor login")
        admin.execute("create database bare")
        admin.execute("revoke create on database bare from public")
    with psycopg.connect(
        host=postgres_server.host, port=postgres_server.port, user=POSTGRES_USER, dbname="bare", autocommit=True
    ) as owner:
        owner.execute("grant all on schema public to poor")
    engine = make_engine(f"{postgres_server.url.replace(POSTGRES_USER, 'poor')}/bare")
    try:
        with pytest.raises(RuntimeError, match="CREATE EXTENSION pg_trgm"):
            command.upgrade(config(engine), "head")
    finally:
        engine.dispose()
