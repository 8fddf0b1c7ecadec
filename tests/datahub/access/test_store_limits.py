"""What a session that is limited to one of two stores finds, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, exists, func, inspect, select, update
from sqlalchemy.orm import Session, aliased, joinedload, lazyload, selectinload

from datahub.access import store_limits, users
from datahub.access.store_criteria import LIMITED, OF_NOBODY
from datahub.access.store_limits import StoreLimit
from datahub.db import Base, database_now
from datahub.errors import InvalidError
from datahub.jobs import record_reads
from datahub.models.access import User
from datahub.models.catalogue import Product, RelatedProduct
from datahub.models.change import Change
from datahub.models.execution import Execution
from datahub.models.export_job import ExportJob
from datahub.models.offer import Stock
from datahub.models.order import Order
from datahub.models.party import DEFAULT_STORE, Store, Supplier
from datahub.vault import Vault
from tests.factories import make_order, make_supplier
from tests.two_stores import TwoStores, fill

PASSWORD = "correct horse battery"


@pytest.fixture
def stores(session: Session, vault: Vault) -> TwoStores:
    """Nothing of them is in the session's memory any more."""
    stores = fill(session, vault)
    session.commit()
    session.expunge_all()
    return stores


def limit_to(session: Session, *stores: Store) -> None:
    found = StoreLimit(tuple(it.id for it in stores), tuple(it.external_id for it in stores))
    store_limits.limit(session, found)


def make_user(session: Session, role: str = "OPERATOR") -> User:
    return users.create(session, name=role.lower(), password=PASSWORD, role=role)


@pytest.mark.parametrize("model", [it for it in LIMITED if it not in OF_NOBODY], ids=lambda model: model.__name__)
def test_of_every_table_some_rows_are_there_for_each_store(
    session: Session, stores: TwoStores, model: type[Base]
) -> None:
    def keys() -> set[tuple[object, ...]]:
        return {inspect(row).identity for row in session.scalars(select(model))}

    everything = keys()
    limit_to(session, stores.north.store)
    northern = keys()
    limit_to(session, stores.south.store)
    southern = keys()
    assert northern
    assert southern
    assert northern != southern
    assert northern | southern <= everything
    limit_to(session, stores.north.store, stores.south.store)
    assert keys() == northern | southern


def test_aliases_joins_subqueries_and_counts_keep_to_the_stores(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store)
    later, ids = aliased(Execution), select(Order.id).subquery()
    of_job = select(ExportJob.name, func.count()).join(Execution, Execution.export_job_id == ExportJob.id)
    assert session.scalars(select(later.entity_reference).where(later.order_id.is_not(None)).distinct()).all() == [
        "NORTH-ORDER-1"
    ]
    assert session.scalar(select(func.count()).select_from(ids)) == 1
    assert session.execute(of_job.group_by(ExportJob.name)).all() == [("Of both", 4)]
    has_southern = exists(select(Order.id).where(Order.reference == "SOUTH-ORDER-1"))
    assert session.scalar(select(has_southern)) is False


def test_a_relationship_cannot_be_searched_for_what_is_hidden(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store)
    naming = select(ExportJob.name).where(ExportJob.suppliers.any(Supplier.external_id == "SOUTH-SUP"))
    assert session.scalars(naming).all() == []


def test_what_hangs_on_a_visible_row_is_whole(session: Session, stores: TwoStores) -> None:
    """The hub must know every supplier of a job, and an order whose supplier moved elsewhere still shows it."""
    session.get_one(Supplier, stores.north.supplier.id).stores = ["SOUTH-STORE"]
    session.commit()
    session.expunge_all()
    limit_to(session, stores.north.store)
    for load in (lazyload, joinedload, selectinload):
        session.expunge_all()
        job = session.scalars(
            select(ExportJob).where(ExportJob.name == "Of both").options(load(ExportJob.suppliers))
        ).unique()
        assert {supplier.external_id for supplier in job.one().suppliers} == {"NORTH-SUP", "SOUTH-SUP"}, load
        order = session.scalars(select(Order).options(load(Order.supplier))).one()
        assert order.supplier.external_id == "NORTH-SUP", load


def test_an_update_leaves_rows_of_other_stores_alone(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store)
    changed = update(Order).values(order_origin="X").returning(Order.reference)
    assert session.scalars(changed).all() == ["NORTH-ORDER-1"]


def test_a_statement_without_the_models_is_refused(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store)
    table = Order.__table__
    assert isinstance(table, Table)
    with pytest.raises(AssertionError, match="orders"):
        session.execute(select(table.c.id))


def test_the_hub_itself_sees_everything_for_a_while(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store)
    with store_limits.lifted(session):
        assert len(session.scalars(select(Order.id)).all()) == 2
    assert len(session.scalars(select(Order.id)).all()) == 1


def test_what_names_no_store_belongs_to_the_default_one(session: Session, stores: TwoStores) -> None:
    make_supplier(session, "SUP-NOWHERE", stores=[])
    make_order(session, reference="DEFAULT-1")
    limit_to(session, session.scalars(select(Store).where(Store.external_id == DEFAULT_STORE)).one())
    assert session.scalars(select(Supplier.external_id).where(Supplier.external_id == "SUP-NOWHERE")).all()
    assert session.scalars(select(Order.reference)).all() == ["DEFAULT-1"]
    limit_to(session, stores.north.store)
    assert session.scalars(select(Supplier.external_id)).all() == ["NORTH-SUP"]


def test_what_lies_in_two_stores_is_seen_from_both(session: Session, stores: TwoStores) -> None:
    session.scalars(select(Stock).where(Stock.external_id == "NORTH-STOCK")).one().stores = [
        "NORTH-STORE",
        "SOUTH-STORE",
    ]
    session.flush()
    limit_to(session, stores.south.store)
    assert set(session.scalars(select(Stock.external_id))) == {"NORTH-STOCK", "SOUTH-STOCK"}


def test_changes_of_what_all_share_are_seen(session: Session, stores: TwoStores) -> None:
    session.add(Change(entity="ACCOUNT", record_key="ACC-1", action="updated", actor="ada", at=database_now(session)))
    session.add(Change(entity="NOBODY_KNOWS", record_key="X", action="updated", actor="ada", at=database_now(session)))
    session.flush()
    limit_to(session, stores.north.store)
    seen = set(session.scalars(select(Change.record_key)))
    own = {"NORTH-STOCK", "NORTH-P", "NORTH-SUP", "NORTH-USER", "NORTH-STORE", "NORTH-NAV"}
    assert seen == own | {stores.north.incident.incident_id, "ACC-1", "RANGE"}


def test_of_what_is_in_an_assortment_each_store_sees_its_own(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store)
    found = select(Change.part, Change.part_key).where(Change.entity == "ASSORTMENT").distinct()
    assert {tuple(row) for row in session.execute(found)} == {
        ("", ""),
        ("products", "NORTH-P"),
        ("variants", "NORTH-P-V1"),
    }
    (shown,) = record_reads.describe(session, "ASSORTMENT", [record_reads.get(session, "ASSORTMENT", "RANGE")])
    assert shown["parts"] == {
        "products": [{"productExternalIds": "NORTH-P"}],
        "variants": [{"variantExternalIds": "NORTH-P-V1"}],
    }


def test_of_tags_and_relations_each_store_sees_those_of_products_it_sees(session: Session, stores: TwoStores) -> None:
    products = {it.external_id: it.id for it in session.scalars(select(Product))}
    session.add(RelatedProduct(product_id=products["NORTH-P"], related_id=products["SOUTH-P"]))
    across = {"part": "relatedProducts", "part_key": "SOUTH-P", "record_key": "NORTH-P", "action": "created"}
    session.add(Change(entity="RELATED_PRODUCT", actor="ada", at=database_now(session), **across))
    session.commit()
    limit_to(session, stores.north.store)
    (shown,) = record_reads.describe(session, "PRODUCT", [record_reads.get(session, "PRODUCT", "NORTH-P")])
    assert shown["parts"]["tags"] == [{"productTag1": "NORTH sale"}]
    assert shown["parts"]["relatedProducts"] == [{"relatedProductExternalId": "NORTH-OTHER"}]
    for entity in ("PRODUCT_TAG", "RELATED_PRODUCT"):
        assert [it.external_id for it in record_reads.find(session, entity).items] == ["NORTH-P"]
    assert record_reads.find(session, "PRODUCT_TAG", search="south").items == []
    found = select(Change.entity, Change.record_key, Change.part_key).where(
        Change.part.in_(["tags", "relatedProducts"])
    )
    assert {tuple(row) for row in session.execute(found)} == {
        ("PRODUCT_TAG", "NORTH-P", "NORTH sale"),
        ("RELATED_PRODUCT", "NORTH-P", "NORTH-OTHER"),
    }


def test_nobody_with_a_limit_reads_rejected_rows(session: Session, stores: TwoStores) -> None:
    limit_to(session, stores.north.store, stores.south.store)
    assert {model: session.scalar(select(func.count()).select_from(model)) for model in OF_NOBODY} == dict.fromkeys(
        OF_NOBODY, 0
    )


def test_a_user_is_limited_to_chosen_stores(session: Session, stores: TwoStores) -> None:
    user = make_user(session)
    assert store_limits.of_user(user) is None
    store_limits.choose(session, user, ["SOUTH-STORE", "NORTH-STORE", "NORTH-STORE"])
    found = store_limits.of_user(user)
    assert found is not None
    assert found.external_ids == ("NORTH-STORE", "SOUTH-STORE")
    store_limits.choose(session, user, [])
    assert store_limits.of_user(user) is None


def test_an_unknown_store_is_refused_and_nothing_changes(session: Session, stores: TwoStores) -> None:
    user = make_user(session)
    store_limits.choose(session, user, ["NORTH-STORE"])
    with pytest.raises(InvalidError) as refused:
        store_limits.choose(session, user, ["NORTH-STORE", "WEST-STORE"])
    assert refused.value.fields == {"stores": ["There is no store with the external id WEST-STORE."]}
    assert [store.external_id for store in user.stores] == ["NORTH-STORE"]


def test_an_admin_is_never_limited(session: Session, stores: TwoStores) -> None:
    admin = make_user(session, "ADMIN")
    with pytest.raises(InvalidError):
        store_limits.choose(session, admin, ["NORTH-STORE"])
    operator = make_user(session)
    store_limits.choose(session, operator, ["NORTH-STORE"])
    operator.role = "ADMIN"
    assert store_limits.of_user(operator) is None
