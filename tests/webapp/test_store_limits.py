"""Somebody limited to one of two stores: whatever he asks for, nothing of the other store comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from datahub.access import store_limits, tokens, users
from datahub.entities import ENTITIES
from datahub.models.access import User
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.order import Order
from datahub.models.party import Store, Supplier
from datahub.vault import Vault
from tests.orders import small_body
from tests.two_stores import TwoStores, fill
from tests.webapp.conftest import PASSWORD
from tests.webapp.test_permissions import is_api
from webapp.permissions import EVERY_STORE, PUBLIC, required_permission

Ask = Callable[..., TestResponse]
Sessions = sessionmaker[Session]
NORTH = "NORTH-STORE"
# How the external ids of each entity end.
KEYS = {
    "STORE": "STORE",
    "ACCOUNT": "ACC-1",
    "SUPPLIER": "SUP",
    "ATTRIBUTE": "COLOR",
    "CLASSIFICATION_CATEGORY": "TOOLS",
    "PRODUCT": "P",
    "OFFER": "STOCK",
}
# What lists are asked for; the search finds something of the other store, and no answer repeats its whole tag.
QUERIES = ({}, {"search": "uth-"})


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


def reload(sessions: Sessions, job: ExportJob) -> set[str]:
    """The external ids of the job's suppliers as they are stored."""
    with sessions() as session:
        return {supplier.external_id for supplier in session.get_one(ExportJob, job.id).suppliers}


def values(stores: TwoStores) -> dict[str, list[str]]:
    """What the arguments of routes may be, of both stores and of what they share."""
    shops = (stores.north, stores.south)
    records = [f"{shop.tag}-{what}" for shop in shops for what in ("STORE", "SUP", "P", "STOCK")]
    executions = [shop.exports[status].public_id for shop in shops for status in (SUCCESS, JOB_PENDING)]
    jobs = (stores.both, stores.everyone, stores.southern, stores.import_job)
    return {
        "job_id": [job.public_id for job in jobs],
        "execution_id": [*executions, stores.import_execution.public_id],
        "connection_id": [stores.both.connection.public_id],
        "client_id": [stores.both.connection.public_id],
        "entity": list(ENTITIES),
        "external_id": [*records, "ACC-1", "TOOLS", "COLOR"],
        "reference": [shop.order.reference for shop in shops],
        "incident_id": [shop.incident.incident_id for shop in shops],
        "public_id": ["none"],
        "custom_field_id": ["none"],
        "user_id": ["1"],
    }


def addresses(app: APIFlask, stores: TwoStores) -> Iterator[tuple[Rule, str]]:
    known = values(stores)
    for rule in app.url_map.iter_rules():
        public = rule.endpoint == "static" or required_permission(app, rule.endpoint) == PUBLIC
        if public or "GET" not in (rule.methods or ()):
            continue
        names = sorted(rule.arguments)
        for chosen in product(*(known[name] for name in names)):
            if names == ["entity", "external_id"] and not chosen[1].endswith(KEYS[chosen[0]]):
                continue
            if names == ["execution_id", "job_id"] and chosen[1] not in (
                stores.both.public_id,
                stores.import_job.public_id,
            ):
                continue
            with app.test_request_context():
                address = app.url_for(rule.endpoint, **dict(zip(names, chosen, strict=True)))
            yield rule, address


def test_no_answer_holds_anything_of_the_other_store(app: APIFlask, ask: Ask, stores: TwoStores) -> None:
    secrets, leaks, found = stores.south.secrets, [], set()
    for rule, address in addresses(app, stores):
        names_it = any(secret in address.lower().replace("~2d", "-") for secret in secrets)
        for query in QUERIES if rule.arguments <= {"job_id", "entity"} else QUERIES[:1]:
            asked = f"{address}?{urlencode(query)}" if query else address
            response = ask(asked)
            assert response.status_code < 500, asked
            text = response.get_data(as_text=True).lower()
            if names_it and response.status_code == 200:
                leaks.append(f"answered {asked}")
            elif not names_it and (told := [secret for secret in secrets if secret in text]):
                leaks.append(f"{told[0]} in {response.status_code} {asked}")
            if response.status_code == 200 and "north" in text:
                found.add(rule.endpoint)
    assert leaks == []
    # The same walk does find what is his own.
    lists = {"orders.index", "executions.index", "export_jobs.detail", "dashboard.index"}
    details = {"orders.detail", "records.detail", "executions.payload"}
    api = {"api_orders.list_orders", "api_executions.list_all", "api_jobouts.get_jobout", "api_records.list_changes"}
    assert lists | details | api <= found


def test_changes_of_other_stores_are_not_found(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    order, execution = stores.south.order.reference, stores.south.exports
    job, incident = stores.both.public_id, stores.south.incident.incident_id
    tried = [
        ask(f"/v1/orders/{order}", "PATCH", json={"status": "WAITING_SHIPMENT"}),
        ask(f"/v1/incidents/{incident}", "PATCH", json={"status": "CLOSED"}),
        ask(f"/v2/jobouts/{job}/executions/{execution[JOB_PENDING].public_id}/stop", "POST"),
        ask(f"/v2/jobouts/{job}/executions/{execution[ERROR].public_id}/retry", "POST"),
        ask(f"/v2/jobouts/{job}/executions/{execution[SUCCESS].public_id}/resend", "POST"),
        ask(f"/executions/{execution[JOB_PENDING].public_id}/stop", "POST"),
        ask(f"/executions/{execution[ERROR].public_id}/retry", "POST"),
        ask("/v1/records/STORE/SOUTH-STORE", "PUT", json={"fields": {"storeName": "X", "storeDescription": "X"}}),
        ask("/v1/records/STORE/WEST-STORE", "PUT", json={"fields": {"storeName": "X", "storeDescription": "X"}}),
        ask("/v1/records/SUPPLIER/SOUTH-SUP", "PUT", json={"fields": {"name": "X"}}),
    ]
    assert [response.status_code for response in tried] == [404] * len(tried)
    with sessions() as session:
        assert session.get_one(Order, stores.south.order.id).status == "ACCEPTED_BY_SUPPLIER"
        assert session.scalars(select(Store).where(Store.external_id == "WEST-STORE")).all() == []


def test_a_new_order_cannot_name_another_store_or_its_supplier(ask: Ask, stores: TwoStores) -> None:
    def parties(store: str, supplier: str) -> dict[str, Any]:
        return small_body(
            storeExternalId=store,
            supplierSnapshot={"externalId": supplier},
            customerUserSnapshot={"accountExternalId": "ACC-1"},
            lines={"line": [{"quantity": 1, "orderLogisticLinePriceDto": {"price": 3}}]},
        )

    refused = ask("/v1/orders", "POST", json=parties("SOUTH-STORE", "SOUTH-SUP"))
    assert refused.status_code == 400
    assert set(refused.json["fields"]) == {"storeExternalId", "supplierSnapshot.externalId"}
    assert ask("/v1/orders", "POST", json=parties(NORTH, "NORTH-SUP")).status_code == 201


def test_a_new_supplier_gets_the_stores_of_whoever_makes_it(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    assert ask("/v1/records/SUPPLIER/NEW", "PUT", json={"fields": {"name": "New"}}).status_code == 201
    foreign = {"name": "New", "storesExternalId": ["SOUTH-STORE"]}
    refused = ask("/v1/records/SUPPLIER/NEWER", "PUT", json={"fields": foreign})
    assert (refused.status_code, set(refused.json["fields"])) == (400, {"fields.storesExternalId"})
    with sessions() as session:
        assert session.scalars(select(Supplier.stores).where(Supplier.external_id == "NEW")).all() == [[NORTH]]


def test_stores_that_are_not_seen_stay_with_a_supplier(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.get_one(Supplier, stores.north.supplier.id).stores = ["SOUTH-STORE", NORTH]
    address = "/v1/records/SUPPLIER/NORTH-SUP"
    answer = ask(address, "PUT", json={"fields": {"name": "Renamed", "storesExternalId": [NORTH]}})
    assert (answer.status_code, answer.json["fields"]["storesExternalId"]) == (200, [NORTH])
    assert ask(address, "PUT", json={"fields": {"deleted": True}}).status_code == 409
    with sessions() as session:
        supplier = session.get_one(Supplier, stores.north.supplier.id)
        assert (supplier.name, supplier.stores, supplier.deleted_at) == ("Renamed", ["SOUTH-STORE", NORTH], None)


def test_a_job_shows_the_suppliers_of_his_stores_and_counts_the_others(ask: Ask, stores: TwoStores) -> None:
    both, southern, everyone = (
        ask(f"/v2/mapper/jobout/{job.public_id}").json for job in (stores.both, stores.southern, stores.everyone)
    )
    assert (both["suppliers"], both["hiddenSuppliers"]) == ([{"externalId": "NORTH-SUP", "name": "NORTH supplier"}], 1)
    assert (southern["suppliers"], southern["hiddenSuppliers"]) == ([], 1)
    assert (everyone["suppliers"], everyone["hiddenSuppliers"]) == ([], 0)
    found = ask("/v1/mapper/jobout?supplierExternalIds=SOUTH-SUP").json["content"]
    assert found == []
    found = ask("/v1/mapper/jobout?supplierExternalIds=SOUTH-SUP&supplierExternalIds=NORTH-SUP").json["content"]
    assert [job["name"] for job in found] == ["Of both"]


def body_of(job: ExportJob, *suppliers: str) -> dict[str, Any]:
    return {
        "name": job.name,
        "clientId": job.connection.public_id,
        "outputFolder": "out",
        "exportFormat": "XML",
        "fileNameFormat": "SHORT",
        "triggerStatuses": ["SHIPPED"],
        "supplierExternalIds": list(suppliers),
    }


def test_a_change_replaces_the_suppliers_he_sees_and_no_other(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    address = f"/v1/mapper/jobout/{stores.both.public_id}"
    assert ask(address, "PUT", json=body_of(stores.both)).status_code == 200
    assert reload(sessions, stores.both) == {"SOUTH-SUP"}
    answer = ask(address, "PUT", json=body_of(stores.both, "NORTH-SUP"))
    assert (answer.status_code, answer.json["hiddenSuppliers"]) == (200, 1)
    assert reload(sessions, stores.both) == {"NORTH-SUP", "SOUTH-SUP"}
    assert ask(address, "PUT", json=body_of(stores.both, "SOUTH-SUP")).status_code == 400
    suppliers = f"/v2/jobouts/{stores.both.public_id}/suppliers"
    gone = ask(suppliers, "DELETE", json={"supplierExternalIds": ["NORTH-SUP", "SOUTH-SUP"]})
    assert (gone.status_code, reload(sessions, stores.both)) == (204, {"SOUTH-SUP"})
    assert ask(suppliers, "PATCH", json={"supplierExternalIds": ["SOUTH-SUP"]}).status_code == 400
    assert ask(suppliers, "PATCH", json={"supplierExternalIds": ["NORTH-SUP"]}).status_code == 204
    assert reload(sessions, stores.both) == {"NORTH-SUP", "SOUTH-SUP"}


def test_nobody_with_a_limit_makes_a_job_of_every_supplier(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    created = ask("/v1/mapper/jobout", "POST", json=body_of(stores.both, "NORTH-SUP") | {"name": "Own"})
    assert created.status_code == 201
    own = created.json["id"]
    tried = [
        ask("/v1/mapper/jobout", "POST", json=body_of(stores.both) | {"name": "Another"}),
        ask(f"/v1/mapper/jobout/{own}", "PUT", json=body_of(stores.both) | {"name": "Own"}),
        ask(f"/v2/jobouts/{own}/suppliers", "DELETE", json={"supplierExternalIds": ["NORTH-SUP"]}),
    ]
    assert [(it.status_code, it.json["code"]) for it in tried] == [(409, "other_stores")] * len(tried)
    assert all("supplierExternalIds" in response.json["fields"] for response in tried)


def test_a_job_of_every_supplier_is_not_his_to_change(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    job = stores.everyone.public_id
    tried = [
        ask(f"/v1/mapper/jobout/{job}", "PUT", json=body_of(stores.everyone, "NORTH-SUP")),
        ask(f"/v2/jobouts/{job}/suppliers", "PATCH", json={"supplierExternalIds": ["NORTH-SUP"]}),
        ask(f"/v1/mapper/jobout/{job}/duplicate", "POST"),
        ask(f"/v1/mapper/jobout/{job}", "DELETE"),
        ask(f"/export-jobs/{job}/deactivate", "POST"),
        ask(f"/export-jobs/{job}/delete", "POST"),
    ]
    assert [response.status_code for response in tried] == [409] * len(tried)
    with sessions() as session:
        kept = session.get_one(ExportJob, stores.everyone.id)
        assert (kept.active, kept.suppliers, kept.trigger_statuses) == (True, [], ["ACCEPTED_BY_SUPPLIER"])


def test_pages_offer_what_he_may(ask: Ask, stores: TwoStores) -> None:
    edits = {
        job.name: f"/export-jobs/{job.public_id}/edit" in ask(f"/export-jobs/{job.public_id}").text
        for job in (stores.both, stores.southern, stores.everyone)
    }
    assert edits == {"Of both": True, "Of one": True, "Of everyone": False}
    listed = ask("/export-jobs").text
    assert [f"/export-jobs/{job.public_id}/delete" in listed for job in (stores.both, stores.everyone)] == [True, False]
    assert f"/export-jobs/{stores.everyone.public_id}/run" in listed
    assert "/imports/new" not in ask("/imports").text
    assert "/connections/new" not in ask("/connections").text


def test_a_job_with_suppliers_of_other_stores_is_not_his_to_delete(ask: Ask, stores: TwoStores) -> None:
    assert ask(f"/v1/mapper/jobout/{stores.both.public_id}", "DELETE").status_code == 409
    assert ask(f"/v1/mapper/jobout/{stores.southern.public_id}", "DELETE").status_code == 409


def test_a_job_is_not_his_to_delete_while_exports_of_other_stores_wait(
    ask: Ask, stores: TwoStores, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(ExportJob, stores.both.id).suppliers = [session.get_one(Supplier, stores.north.supplier.id)]
        session.execute(
            update(Execution).where(Execution.id == stores.north.exports[JOB_STARTED].id).values(status=SUCCESS)
        )
    assert ask(f"/v1/mapper/jobout/{stores.both.public_id}", "DELETE").status_code == 409
    with sessions.begin() as session:
        unended = [stores.south.exports[status].id for status in (JOB_PENDING, JOB_STARTED)]
        session.execute(update(Execution).where(Execution.id.in_(unended)).values(status=SUCCESS))
    assert ask(f"/v1/mapper/jobout/{stores.both.public_id}", "DELETE").status_code == 204


def test_a_run_sends_the_orders_of_his_stores_alone(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    address = f"/export-jobs/{stores.everyone.public_id}/run"
    assert "<strong>1 order is</strong>" in ask(address).text
    assert ask(f"/v1/mapper/jobout/{stores.everyone.public_id}/run", "POST").json == {"count": 1}
    with sessions() as session:
        ran = select(Execution.entity_reference).where(Execution.export_job_id == stores.everyone.id)
        assert session.scalars(ran).all() == ["NORTH-ORDER-1"]
    assert ask(f"/v1/mapper/jobout/{stores.southern.public_id}/run", "POST").json == {"count": 0}


def test_a_status_that_he_sets_fires_every_job_that_it_must(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    """A job of suppliers whom he does not see is none of every supplier."""
    with sessions.begin() as session:
        for job in (stores.both, stores.everyone, stores.southern):
            session.get_one(ExportJob, job.id).trigger_statuses = ["WAITING_SHIPMENT"]
    moved = ask(f"/v1/orders/{stores.north.order.reference}", "PATCH", json={"status": "WAITING_SHIPMENT"})
    assert moved.status_code == 200, moved.text
    with sessions() as session:
        fired = select(Execution.job_name).where(Execution.trigger_status == "WAITING_SHIPMENT")
        assert set(session.scalars(fired)) == {"Of both", "Of everyone"}


def test_imports_connections_and_settings_can_be_looked_at_only(app: APIFlask, ask: Ask, stores: TwoStores) -> None:
    job, execution = stores.import_job.public_id, stores.import_execution.public_id
    known = {name: found[-1] for name, found in values(stores).items()} | {"job_id": job, "execution_id": execution}
    answered = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or required_permission(app, rule.endpoint) not in EVERY_STORE:
            continue
        with app.test_request_context():
            address = app.url_for(rule.endpoint, **{name: known[name] for name in rule.arguments})
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            more = {"json": {}} if is_api(address) and method != "GET" else {}
            answered[f"{method} {address}"] = ask(address, method, **more).status_code
    assert len(answered) > 30
    assert {what: status for what, status in answered.items() if status != 403} == {}
    refused = ask(f"/v1/mapper/jobs/{job}/run", "POST", json={})
    assert "limited to NORTH-STORE" in refused.json["message"]
    assert ask(f"/executions/{execution}/stop", "POST").status_code == 403
    for page in (f"/imports/{job}", "/imports", "/connections", f"/executions/{execution}", "/settings/custom-fields"):
        shown = ask(page)
        assert (shown.status_code, "limited to NORTH-STORE" in shown.text) == (200, True), page


def test_an_import_job_names_his_stores_alone(ask: Ask, stores: TwoStores) -> None:
    assert ask(f"/v1/mapper/jobs/{stores.import_job.public_id}").json["storeExternalIds"] == [NORTH]


def test_consequences_and_choices_of_a_form_are_those_of_his_stores(ask: Ask, stores: TwoStores) -> None:
    typed = {"name": "Of both", "trigger_statuses": "ACCEPTED_BY_SUPPLIER", "supplier_search": "sup"}
    job = stores.both.public_id
    seen = ask(f"/export-jobs/preview?job={job}", "POST", data=typed)
    assert "1 order is" not in seen.text
    seen = ask("/export-jobs/preview", "POST", data=typed | {"supplier_external_ids": ["NORTH-SUP", "SOUTH-SUP"]})
    assert "1 order is" in seen.text
    assert "Suppliers: tick at least one." in ask("/export-jobs/preview", "POST", data=typed).text
    suppliers = ask(f"/export-jobs/suppliers?job={job}", "POST", data=typed)
    assert "NORTH-SUP" in suppliers.text
    assert "1 supplier of other stores stays" in suppliers.text
    assert "south" not in (seen.text + suppliers.text).lower().replace('value="south-sup"', "")


def test_the_form_keeps_hidden_suppliers_and_refuses_to_be_left_without_any(
    ask: Ask, stores: TwoStores, sessions: Sessions
) -> None:
    typed = {
        "name": "Of both",
        "connection_id": stores.both.connection.public_id,
        "output_folder": "out",
        "export_format": "XML",
        "file_name_format": "SHORT",
        "trigger_statuses": "SHIPPED",
    }
    assert ask(f"/export-jobs/{stores.both.public_id}/edit", "POST", data=typed).status_code == 303
    assert reload(sessions, stores.both) == {"SOUTH-SUP"}
    refused = ask("/export-jobs/new/sftp", "POST", data=typed | {"name": "New"})
    assert refused.status_code == 422
    assert "you are limited to NORTH-STORE" in refused.text


def test_the_header_tells_what_one_is_limited_to(ask: Ask) -> None:
    assert "Only NORTH-STORE" in ask("/").text


def test_a_limit_counts_from_the_next_request_on(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    address = f"/v1/orders/{stores.south.order.reference}"
    assert ask(address).status_code == 404
    with sessions.begin() as session:
        store_limits.choose(session, session.scalars(select(User)).one(), [])
    assert ask(address).status_code == 200
