"""Two stores with everything that belongs to a store in each, for tests of people who are limited to one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.models.execution import (
    ERROR,
    EXPORT,
    JOB_PENDING,
    JOB_STARTED,
    SUCCESS,
    TRIGGER,
    Event,
    Execution,
    Payload,
)
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob
from datahub.models.import_run import ImportWarning
from datahub.models.incident import Incident, IncidentLine, IncidentStatusChange
from datahub.models.order import Order, OrderPayment, OrderSnapshot, OrderStatusChange
from datahub.models.party import Store, Supplier
from datahub.orders.snapshot import build_document
from datahub.vault import Vault
from tests.catalogue import (
    make_assortment,
    make_attribute,
    make_navigation_category,
    make_offer,
    make_product,
    make_relation,
    make_tags,
    make_view,
    put_into,
    record_change,
)
from tests.factories import (
    add_connection,
    add_import_execution,
    add_import_job,
    add_rejected_row,
    make_customer_user,
    make_job,
    make_order,
    make_supplier,
)

STATUSES = (SUCCESS, ERROR, JOB_PENDING, JOB_STARTED)


@dataclass
class Shop:
    """One store; every text that names something of it holds `tag`, every id is in `ids`."""

    tag: str
    store: Store
    supplier: Supplier
    order: Order
    incident: Incident
    exports: dict[str, Execution] = field(default_factory=dict)

    @property
    def secrets(self) -> list[str]:
        ids = [execution.public_id for execution in self.exports.values()]
        return [self.tag.lower(), self.incident.incident_id, *ids]


@dataclass(frozen=True)
class TwoStores:
    """`both` names a supplier of each, `everyone` none, `southern` the southern one alone."""

    north: Shop
    south: Shop
    both: ExportJob
    everyone: ExportJob
    southern: ExportJob
    import_job: ImportJob
    import_execution: Execution


def fill(session: Session, vault: Vault) -> TwoStores:
    """Flushes; the caller commits."""
    connection = add_connection(session, vault, name="ERP")
    north, south = _shop(session, "NORTH"), _shop(session, "SOUTH")
    make_attribute(session, stores=[north.store.external_id, south.store.external_id])
    both = make_job(session, connection, name="Of both", suppliers=[north.supplier, south.supplier])
    everyone = make_job(session, connection, name="Of everyone")
    southern = make_job(session, connection, name="Of one", suppliers=[south.supplier])
    importing = add_import_job(
        session, connection, name="Offers", store_external_ids=[north.store.external_id, south.store.external_id]
    )
    imported = add_import_execution(session, importing, run={"rejected": 2, "rows": 4, "rows_done": 4})
    for number, shop in enumerate((north, south), start=1):
        snapshot = _snapshot(session, shop)
        for status in STATUSES:
            shop.exports[status] = _export(session, both, shop, snapshot, status)
        _noted(session, imported, shop, number)
    return TwoStores(north, south, both, everyone, southern, importing, imported)


def _shop(session: Session, tag: str) -> Shop:
    now = database_now(session)
    store = _added(session, Store(external_id=f"{tag}-STORE", name=f"{tag} store", created_at=now, updated_at=now))
    stores = [store.external_id]
    supplier = make_supplier(session, f"{tag}-SUP", name=f"{tag} supplier", stores=stores)
    product = make_product(session, f"{tag}-P", names={"en-GB": f"{tag} product"}, brand=tag, stores=stores)
    put_into(session, make_assortment(session), product)
    make_tags(session, product.external_id, f"{tag} sale")
    make_product(session, f"{tag}-OTHER", variants=0, stores=stores)
    make_relation(session, product.external_id, f"{tag}-OTHER")
    make_navigation_category(session, f"{tag}-NAV", store=store, names={"en-GB": f"{tag} menu"})
    make_view(session, allowed=["RANGE"])
    make_offer(session, f"{tag}-STOCK", variant=product.variants[0], supplier=supplier, stores=stores)
    make_customer_user(session, f"{tag}-USER", first_name=tag, last_name="Buyer", stores=stores)
    order = make_order(
        session,
        status="ACCEPTED_BY_SUPPLIER",
        reference=f"{tag}-ORDER-1",
        number=f"{tag}-ID",
        external_id=f"{tag}-EXTERNAL",
        commercial_reference=f"{tag}-ORDER",
        supplier=supplier,
        store=store,
    )
    order.payments = [OrderPayment(position=1, amount=Decimal(120), transaction_id=f"{tag}-PAYMENT")]
    order.status_changes = [OrderStatusChange(from_status=None, to_status=order.status, at=now, actor="ada")]
    incident = Incident(
        incident_id=str(uuid5(NAMESPACE_URL, tag)), order=order, external_id=f"{tag}-DESK", reason=f"{tag} reason"
    )
    incident.created_at = incident.updated_at = now
    incident.status_changes = [IncidentStatusChange(from_status=None, to_status="OPEN", at=now, actor="ada")]
    incident.lines = [IncidentLine(order_line_id=order.lines[0].id, quantity=1)]
    record_change(session, "INCIDENT", incident.incident_id, changes={"incidentStatus": [tag, "OPEN"]})
    return Shop(tag, store, supplier, order, _added(session, incident))


def _snapshot(session: Session, shop: Shop) -> OrderSnapshot:
    now, order = database_now(session), shop.order
    snapshot = OrderSnapshot(
        order_id=order.id,
        status=order.status,
        document=build_document(order),
        store_external_id=shop.store.external_id,
        created_at=now,
    )
    return _added(session, snapshot)


def _export(session: Session, job: ExportJob, shop: Shop, snapshot: OrderSnapshot, status: str) -> Execution:
    now, order = database_now(session), shop.order
    is_ended = status in (SUCCESS, ERROR)
    execution = Execution(
        public_id=str(uuid5(NAMESPACE_URL, f"{shop.tag} {status}")),
        kind=EXPORT,
        export_job_id=job.id,
        job_public_id=job.public_id,
        job_name=job.name,
        entity="ORDER",
        order_id=order.id,
        store_id=order.store_id,
        entity_reference=order.reference,
        trigger_status=f"{status}",
        snapshot_id=snapshot.id,
        origin=TRIGGER,
        actor="ada",
        status=status,
        attempts=1,
        created_at=now,
        executed_at=now,
        next_attempt_at=None if is_ended else now + timedelta(minutes=1),
        ended_at=now if is_ended else None,
        lease_until=now + timedelta(minutes=1),
        error=f"{shop.tag} refused" if status != SUCCESS else None,
    )
    execution.events = [Event(at=now, to_status=status, actor="ada", attempt=1, reason=f"{shop.tag} event")]
    content = f"<order>{shop.tag}</order>".encode()
    execution.payload = Payload(
        file_name=f"{order.reference}.xml", content=content, size=len(content), sha256="0" * 64, created_at=now
    )
    return _added(session, execution)


def _noted(session: Session, imported: Execution, shop: Shop, number: int) -> None:
    """What the import and the ledger say of the shop's records."""
    add_rejected_row(session, imported, number, value=f"{shop.tag}-VALUE", record_key=f"{shop.tag}-STOCK")
    warning = {"file": "offers.csv", "line": number, "code": "unusual", "message": f"{shop.tag} warning"}
    _added(session, ImportWarning(execution_id=imported.id, record_key=f"{shop.tag}-STOCK", **warning))
    lists = [["default_store"], ["NORTH-STORE", "SOUTH-STORE"]]
    for entity, key, field_ in (
        ("OFFER", "STOCK", "storeExternalIds"),
        ("PRODUCT", "P", "storeExternalIds"),
        ("SUPPLIER", "SUP", "storesExternalId"),
        ("CUSTOMER_USER", "USER", "storeExternalIds"),
    ):
        record_change(session, entity, f"{shop.tag}-{key}", execution_id=imported.id, changes={field_: lists})
    of_store = {"execution_id": imported.id, "store_id": shop.store.id}
    record_change(session, "NAVIGATION_CATEGORY", f"{shop.tag}-NAV", **of_store)
    record_change(session, "STORE", f"{shop.tag}-STORE", changes={"storeName": ["", f"{shop.tag} store"]})
    record_change(session, "ASSORTMENT", "RANGE", changes={"assortmentName": ["", "Range"]})
    for part, key in (("products", "P"), ("variants", "P-V1")):
        record_change(session, "ASSORTMENT", "RANGE", "created", part=part, part_key=f"{shop.tag}-{key}")
    tagged = {"part": "tags", "part_key": f"{shop.tag} sale"}
    record_change(session, "PRODUCT_TAG", f"{shop.tag}-P", "created", **tagged)
    related = {"part": "relatedProducts", "part_key": f"{shop.tag}-OTHER"}
    record_change(session, "RELATED_PRODUCT", f"{shop.tag}-P", "created", **related)


def _added(session: Session, thing: Any) -> Any:
    session.add(thing)
    session.flush()
    return thing
