"""What somebody limited to one of two stores may change, and what only look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from sqlalchemy import select

from datahub.access import store_limits
from datahub.models.access import User
from datahub.models.connection import Connection
from datahub.models.execution import ERROR, JOB_PENDING, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.order import Order
from datahub.models.party import Store, Supplier
from tests.orders import small_body
from tests.two_stores import TwoStores
from tests.webapp.conftest import ParsingClient, drawn
from tests.webapp.store_limits.conftest import NORTH, Ask, Sessions, values
from tests.webapp.test_permissions import is_api
from webapp.permissions import EVERY_STORE, required_permission

SignIn = Callable[[str], ParsingClient]


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
    own = parties(NORTH, "NORTH-SUP")
    for taken in ({"reference": "SOUTH-ORDER-1"}, {"id": "SOUTH-ID"}, {"externalId": "SOUTH-EXTERNAL"}):
        answer = ask("/v1/orders", "POST", json=own | taken)
        assert (answer.status_code, set(answer.json["fields"])) == (409, set(taken))
    assert ask("/v1/orders", "POST", json=own).status_code == 201


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


def test_a_run_sends_the_orders_of_his_stores_alone(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    address = f"/export-jobs/{stores.everyone.public_id}/run"
    assert "<strong>1 order</strong> is" in drawn(ask(address).text)
    assert ask(f"/v1/mapper/jobout/{stores.everyone.public_id}/run", "POST").json == {"count": 1}
    with sessions() as session:
        ran = select(Execution.entity_reference).where(Execution.export_job_id == stores.everyone.id)
        assert session.scalars(ran).all() == ["NORTH-ORDER-1"]
    assert ask(f"/v1/mapper/jobout/{stores.southern.public_id}/run", "POST").json == {"count": 0}


def test_a_status_that_he_sets_fires_every_job_that_it_must(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    """A job of suppliers that the user does not see is none of every supplier."""
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


def test_header_and_home_tell_what_one_is_limited_to_and_whom_to_ask(ask: Ask) -> None:
    page = drawn(ask("/").text)
    assert "Only NORTH-STORE" in page
    assert "You are limited to NORTH-STORE: orders and exports of other stores are neither shown nor counted" in page
    assert "An administrator can do that for you or let you see more stores." in page


def test_home_asks_nobody_to_activate_what_is_not_theirs_to_change(
    ask: Ask, stores: TwoStores, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(Connection, stores.both.connection.id).active = False
    page = ask("/").text
    assert "Ask an administrator to activate it" in page and "Activate it" not in page


def test_who_is_refused_for_his_stores_is_told_so_and_not_that_his_role_forbids_it(ask: Ask, stores: TwoStores) -> None:
    to_read = ask(f"/executions/{stores.import_execution.public_id}/rejections.csv").text
    to_change = ask("/connections/new/sftp").text
    assert "You are limited to NORTH-STORE, so you cannot see it." in to_read
    assert "You are limited to NORTH-STORE, so you cannot change or run it." in to_change
    for page in (to_read, to_change):
        assert "Ask an administrator" in page and "Your role" not in page


def test_on_an_import_it_says_why_its_rows_are_not_seen_and_whom_to_ask(ask: Ask, stores: TwoStores) -> None:
    page = drawn(ask(f"/executions/{stores.import_execution.public_id}").text)
    assert "limited to NORTH-STORE, so you cannot see them. Ask an administrator, who can do it for you" in page


def test_what_is_not_found_may_be_of_another_store(ask: Ask, stores: TwoStores, sign_in: SignIn) -> None:
    address = f"/orders/{stores.south.order.reference}"
    words = "Or it is of a store that you do not see: you are limited to NORTH-STORE."
    assert words in ask(address).text and words in ask("/orders/LOST").text
    assert "Or it is of a store" not in sign_in("VIEWER").get("/orders/LOST").text


def test_a_limit_counts_from_the_next_request_on(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    address = f"/v1/orders/{stores.south.order.reference}"
    assert ask(address).status_code == 404
    with sessions.begin() as session:
        store_limits.choose(session, session.scalars(select(User)).one(), [])
    assert ask(address).status_code == 200


def test_what_is_his_own_he_moves_like_anybody(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    exports, job = stores.north.exports, stores.both.public_id
    address = f"/v2/jobouts/{job}/executions/{{}}/{{}}"
    done = [
        ask(address.format(exports[JOB_PENDING].public_id, "stop"), "POST").status_code,
        ask(address.format(exports[ERROR].public_id, "retry"), "POST").status_code,
        ask(address.format(exports[SUCCESS].public_id, "resend"), "POST").status_code,
        ask(f"/v1/incidents/{stores.north.incident.incident_id}", "PATCH", json={"status": "CLOSED"}).status_code,
        ask("/v1/records/SUPPLIER/NORTH-SUP", "PUT", json={"fields": {"name": "Renamed"}}).status_code,
        ask(
            "/v1/records/STORE/NORTH-STORE", "PUT", json={"fields": {"storeName": "N", "storeDescription": "N"}}
        ).status_code,
        ask(f"/export-jobs/{stores.southern.public_id}/deactivate", "POST").status_code,
        ask(f"/v1/mapper/jobout/{job}/duplicate", "POST").status_code,
    ]
    assert done == [204, 202, 202, 200, 200, 200, 303, 201]
    with sessions() as session:
        copy = session.scalars(select(ExportJob).where(ExportJob.name == "Of both - COPY")).one()
        assert {supplier.external_id for supplier in copy.suppliers} == {"NORTH-SUP", "SOUTH-SUP"}
