"""The demo fills an empty database once, and its jobs deliver to the sandbox server."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datahub.access import users
from datahub.entities import ENTITIES
from datahub.models.connection import Connection
from datahub.models.execution import JOB_PENDING, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.order import Order
from datahub.vault import Vault
from sandbox import demo
from sandbox.place import Place

PASSWORD = "one for the demo"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(port=20_222, password="sandbox", folder=tmp_path / "sandbox", host_key=tmp_path / "host_key")


def test_empty_database_gets_orders_in_many_statuses_and_owed_exports(
    session: Session, vault: Vault, place: Place
) -> None:
    assert demo.fill(session, vault, place, password=PASSWORD)
    statuses = session.scalars(select(Order.status).distinct()).all()
    owed = session.execute(select(ExportJob.name, func.count()).join(Execution).group_by(ExportJob.name)).all()
    assert session.scalar(select(func.count(Order.id))) == demo.ORDERS + 2
    assert len(statuses) >= 8
    assert {name: count >= demo.MOVED_OF_EACH for name, count in owed} == {
        "Orders to sandbox": True,
        "Announcements to sandbox": True,
    }
    assert set(session.scalars(select(Execution.status))) == {JOB_PENDING}


def test_each_file_of_the_catalogue_gets_a_job_in_the_order_of_import(
    session: Session, vault: Vault, place: Place
) -> None:
    demo.fill(session, vault, place, password=PASSWORD)
    jobs = session.scalars(select(ImportJob).order_by(ImportJob.id)).all()
    entities = list(ENTITIES)
    assert [job.entity for job in jobs] == entities
    assert [job.name for job in jobs][:2] == ["Stores from ERP", "Accounts from CRM"]
    assert [(job.active, job.schedule_enabled) for job in jobs] == [(True, False)] * len(entities)
    assert all((place.folder / str(job.file_path)).is_file() for job in jobs)


def test_both_example_orders_are_there(session: Session, vault: Vault, place: Place) -> None:
    demo.fill(session, vault, place, password=PASSWORD)
    references = set(session.scalars(select(Order.reference)))
    assert {"174-282-6749427-1", "171-690-8488913-1"} <= references


def test_connection_pins_the_key_that_the_sandbox_server_will_show(
    session: Session, vault: Vault, place: Place
) -> None:
    demo.fill(session, vault, place, password=PASSWORD)
    connection = session.scalars(select(Connection)).one()
    assert connection.host_key == place.public_host_key()


def test_demo_user_can_sign_in(session: Session, vault: Vault, place: Place) -> None:
    demo.fill(session, vault, place, password=PASSWORD)
    user = users.check_password(session, name=demo.DEMO_USER, password=PASSWORD)
    assert user is not None
    assert user.role == "ADMIN"


def test_filled_database_is_left_alone(session: Session, vault: Vault, place: Place) -> None:
    users.create(session, name="ada", password="a person of her own", role="ADMIN")
    assert not demo.fill(session, vault, place, password=PASSWORD)
    assert session.scalar(select(func.count(Order.id))) == 0
    assert session.scalar(select(func.count(ExportJob.id))) == 0
