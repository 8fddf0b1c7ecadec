"""Whatever somebody limited to a store asks for, nothing of the other store comes back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from apiflask import APIFlask
from werkzeug.routing import Rule

from tests.two_stores import TwoStores
from tests.webapp.store_limits.conftest import Ask, values
from webapp.permissions import PUBLIC, required_permission

# How the external ids of each entity end.
KEYS = {
    "STORE": "STORE",
    "ACCOUNT": "ACC-1",
    "SUPPLIER": "SUP",
    "ATTRIBUTE": "COLOR",
    "CLASSIFICATION_CATEGORY": "TOOLS",
    "NAVIGATION_CATEGORY": "NAV",
    "PRODUCT": "P",
    "OFFER": "STOCK",
    "PRODUCT_TAG": "P",
    "RELATED_PRODUCT": "P",
    "ASSORTMENT": "RANGE",
    "CATALOG_VIEW": "VIEW",
    "CUSTOMER_USER": "USER",
    "ORDER": "ORDER-1",
    "INCIDENT": tuple(str(uuid5(NAMESPACE_URL, tag)) for tag in ("NORTH", "SOUTH")),
}
# What lists are asked for; the search finds something of the other store, and no answer repeats its whole tag.
QUERIES = ({}, {"search": "uth-"})
# Of the records whose keys count within a store.
STORES = ({}, {"store": "NORTH-STORE"}, {"store": "SOUTH-STORE"})


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
        queries = QUERIES if rule.arguments <= {"job_id", "entity"} else QUERIES[:1]
        for query in STORES if "NAVIGATION_CATEGORY" in address else queries:
            asked = f"{address}?{urlencode(query)}" if query else address
            names_it = query in STORES[2:] or any(it in address.lower().replace("~2d", "-") for it in secrets)
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
    # The same walk does find what is the user's own.
    lists = {"orders.index", "orders.list_incidents", "executions.index", "export_jobs.detail", "dashboard.index"}
    details = {"orders.detail", "orders.incident", "records.detail", "executions.payload"}
    api = {"api_orders.list_orders", "api_executions.list_all", "api_jobouts.get_jobout", "api_records.list_changes"}
    assert lists | details | api <= found
