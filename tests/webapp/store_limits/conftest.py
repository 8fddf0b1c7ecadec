"""Somebody limited to one of two stores, by browser and by script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from datahub.access import store_limits, tokens, users
from datahub.entities import RECORDS
from datahub.jobs import order_records
from datahub.models.execution import JOB_PENDING, SUCCESS
from datahub.vault import Vault
from tests.two_stores import TwoStores, fill
from tests.webapp.conftest import PASSWORD
from tests.webapp.test_permissions import is_api

Ask = Callable[..., TestResponse]
Sessions = sessionmaker[Session]
NORTH = "NORTH-STORE"


@pytest.fixture
def stores(sessions: Sessions, vault: Vault) -> TwoStores:
    with sessions.begin() as session:
        stores = fill(session, vault)
        assert {job.connection.name for job in (stores.both, stores.everyone, stores.southern)} == {"ERP"}
    return stores


@pytest.fixture
def ask(app: APIFlask, sessions: Sessions, stores: TwoStores) -> Ask:
    """ask(address, method="GET", **more): as an operator who sees the northern store, by cookie or token."""
    with sessions.begin() as session:
        user = users.create(session, name="nora", password=PASSWORD, role="OPERATOR")
        store_limits.choose(session, user, [NORTH])
        _, token = tokens.create(session, user=user, name="test")
    browser: Any = app.test_client()
    assert browser.post("/sign-in", data={"name": "nora", "password": PASSWORD}).status_code == 303
    script: Any = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {token}", "dj-client": "OPERATOR"}

    def ask(address: str, method: str = "GET", **more: Any) -> TestResponse:
        if is_api(address):
            response: TestResponse = script.open(address, method=method, headers=headers, csrf=False, **more)
        else:
            response = browser.open(address, method=method, **more)
        return response

    return ask


def values(stores: TwoStores) -> dict[str, list[str]]:
    """What the arguments of routes may be, of both stores and of what they share."""
    shops = (stores.north, stores.south)
    names = ("STORE", "SUP", "NAV", "P", "STOCK", "USER", "ORDER-1")
    records = [f"{shop.tag}-{what}" for shop in shops for what in names]
    records += [shop.incident.incident_id for shop in shops]
    executions = [shop.exports[status].public_id for shop in shops for status in (SUCCESS, JOB_PENDING)]
    jobs = (stores.both, stores.everyone, stores.southern, stores.import_job)
    return {
        "job_id": [job.public_id for job in jobs],
        "execution_id": [*executions, stores.import_execution.public_id],
        "connection_id": [stores.both.connection.public_id],
        "client_id": [stores.both.connection.public_id],
        "entity": [*RECORDS, *order_records.KINDS],
        "external_id": [*records, "ACC-1", "TOOLS", "COLOR", "RANGE", "VIEW"],
        "reference": [shop.order.reference for shop in shops],
        "incident_id": [shop.incident.incident_id for shop in shops],
        "public_id": ["none"],
        "custom_field_id": ["none"],
        "user_id": ["1"],
    }
