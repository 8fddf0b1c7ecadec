"""What belongs to a store: for each model, the condition that a row belongs to one of some stores."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm.util import LoaderCriteriaOption

from datahub.db import Base, elements_of, is_one_of
from datahub.models.assortment import AssortmentProduct, AssortmentVariant
from datahub.models.catalogue import Product, ProductTag, RelatedProduct, Variant
from datahub.models.change import Change
from datahub.models.execution import IMPORT, Event, Execution, Payload
from datahub.models.import_run import ImportWarning, RejectedRow, SettledKeys, UploadChunk
from datahub.models.incident import Incident, IncidentLine, IncidentStatusChange
from datahub.models.navigation import NavigationCategory
from datahub.models.offer import Price, Stock
from datahub.models.order import Order, OrderAddress, OrderLine, OrderPayment, OrderSnapshot, OrderStatusChange
from datahub.models.party import DEFAULT_STORE, CustomerUser, Store, Supplier

# What nobody's store owns; the ledger shows everybody what changed there.
SHARED = ("ACCOUNT", "ATTRIBUTE", "CLASSIFICATION_CATEGORY", "CATALOG_VIEW")
OF_ORDER = (OrderLine, OrderAddress, OrderPayment, OrderStatusChange, OrderSnapshot, Incident)
OF_INCIDENT = (IncidentLine, IncidentStatusChange)
OF_EXECUTION = (Payload, Event)
LISTING = (Supplier, Product, Stock, CustomerUser)
# What an import reads may be of any store, and nobody knows of which before it is applied.
OF_NOBODY = (RejectedRow, ImportWarning, UploadChunk, SettledKeys)
LIMITED: tuple[type[Base], ...] = (
    Store, Order, *OF_ORDER, *OF_INCIDENT, Execution, *OF_EXECUTION, *LISTING, Variant, Price, NavigationCategory,
    ProductTag, RelatedProduct, AssortmentProduct, AssortmentVariant, Change, *OF_NOBODY,
)  # fmt: skip
TABLES = frozenset(model.__tablename__ for model in LIMITED)

Condition = ColumnElement[bool]


class _OwnRows(LoaderCriteriaOption):
    """As with_loader_criteria makes one, but it stays out of the statements that load relationships, which inherit the
    options of the statement that found their rows."""

    # Compiled statements are kept by what these name.
    _traverse_internals = LoaderCriteriaOption._traverse_internals

    def process_compile_state(self, compile_state: Any) -> None:
        path = getattr(compile_state, "current_path", None)
        if path is None or path.is_root:
            super().process_compile_state(compile_state)


@lru_cache(maxsize=256)
def criteria(ids: tuple[int, ...], external_ids: tuple[str, ...], dialect: str) -> tuple[LoaderCriteriaOption, ...]:
    """Options for any ORM statement. They follow aliases and subqueries, but no relationship: what hangs on a row
    that was found is its own. Kept for the next request, since they take longer to make than most answers."""
    mine = _Mine(ids, external_ids, dialect)
    conditions: dict[type[Base], Condition] = {
        Store: Store.id.in_(ids),
        Order: Order.store_id.in_(ids),
        NavigationCategory: NavigationCategory.store_id.in_(ids),
        Execution: mine.execution(Execution.__table__),
        Variant: mine.variant(Variant.__table__),
        Price: mine.price(Price.__table__),
        ProductTag: mine.product_link(ProductTag.__table__),
        RelatedProduct: mine.relation(RelatedProduct.__table__),
        AssortmentProduct: mine.product_link(AssortmentProduct.__table__),
        AssortmentVariant: mine.variant_link(AssortmentVariant.__table__),
        Change: mine.change(Change.__table__),
    }
    conditions |= {model: mine.of_order(model.__table__.c.order_id) for model in OF_ORDER}
    conditions |= {model: mine.of_incident(model.__table__.c.incident_id) for model in OF_INCIDENT}
    conditions |= {model: mine.of_execution(model.__table__.c.execution_id) for model in OF_EXECUTION}
    conditions |= {model: mine.listing(model.__table__) for model in LISTING}
    conditions |= dict.fromkeys(OF_NOBODY, false())
    return tuple(
        _OwnRows(model, condition, include_aliases=True, propagate_to_loaders=False)
        for model, condition in conditions.items()
    )


class _Mine:
    """Conditions on bare tables, so that none of them is itself a place to put a condition."""

    def __init__(self, ids: Collection[int], external_ids: Collection[str], dialect: str) -> None:
        self._ids = ids
        self._external_ids = external_ids
        self._dialect = dialect

    def order(self, orders: FromClause) -> Condition:
        return orders.c.store_id.in_(self._ids)

    def of_order(self, order_id: ColumnElement[Any]) -> Condition:
        return _there_is(Order, lambda orders: and_(orders.c.id == order_id, self.order(orders)))

    def of_incident(self, incident_id: ColumnElement[Any]) -> Condition:
        return _there_is(Incident, lambda it: and_(it.c.id == incident_id, self.of_order(it.c.order_id)))

    def execution(self, executions: FromClause) -> Condition:
        """Imports are everybody's. Said so that no database looks for an index to begin with, which would be another
        than for the same question of somebody without a limit. One statement may look at executions of each store."""
        return case(
            (executions.c.kind == IMPORT, true()), else_=is_one_of(executions.c.store_id, self._ids, self._dialect)
        )

    def of_execution(self, execution_id: ColumnElement[Any]) -> Condition:
        return _there_is(Execution, lambda it: and_(it.c.id == execution_id, self.execution(it)))

    def listing(self, table: FromClause) -> Condition:
        """The row names one of the stores in its list; without any it belongs to the default store."""
        named = elements_of(table.c.stores, self._dialect)
        among = exists(select(literal(1)).select_from(named).where(named.c.value.in_(self._external_ids)))
        if DEFAULT_STORE not in self._external_ids:
            return among
        return or_(among, func.json_array_length(table.c.stores) == 0)

    def variant(self, variants: FromClause) -> Condition:
        return _there_is(Product, lambda it: and_(it.c.id == variants.c.product_id, self.listing(it)))

    def price(self, prices: FromClause) -> Condition:
        return _there_is(Stock, lambda it: and_(it.c.id == prices.c.stock_id, self.listing(it)))

    def product_link(self, links: FromClause) -> Condition:
        return _there_is(Product, lambda it: and_(it.c.id == links.c.product_id, self.listing(it)))

    def relation(self, relations: FromClause) -> Condition:
        other = _there_is(Product, lambda it: and_(it.c.id == relations.c.related_id, self.listing(it)))
        return and_(self.product_link(relations), other)

    def variant_link(self, links: FromClause) -> Condition:
        return _there_is(Variant, lambda it: and_(it.c.id == links.c.variant_id, self.variant(it)))

    def change(self, changes: FromClause) -> Condition:
        """Of an entity that is not known here nobody with a limit sees a change. All share assortments, but not the
        products and variants that are in them. Of a relation one sees both products or nothing."""

        def of(entity: str, model: type[Base], key: str, is_mine: Callable[[FromClause], Condition]) -> Condition:
            found = _there_is(model, lambda it: and_(it.c[key] == changes.c.record_key, is_mine(it)))
            return and_(changes.c.entity == entity, found)

        def linked(model: type[Base], is_mine: Callable[[FromClause], Condition]) -> Condition:
            return _there_is(model, lambda it: and_(it.c.external_id == changes.c.part_key, is_mine(it)))

        def in_assortments(part: str, found: Condition) -> Condition:
            return and_(changes.c.entity == "ASSORTMENT", changes.c.part == part, found)

        return or_(
            changes.c.entity.in_(SHARED),
            changes.c.store_id.in_(self._ids),
            of("STORE", Store, "external_id", lambda it: it.c.id.in_(self._ids)),
            of("SUPPLIER", Supplier, "external_id", self.listing),
            of("PRODUCT", Product, "external_id", self.listing),
            of("OFFER", Stock, "external_id", self.listing),
            and_(changes.c.entity == "ASSORTMENT", changes.c.part == ""),
            in_assortments("products", linked(Product, self.listing)),
            in_assortments("variants", linked(Variant, self.variant)),
            of("PRODUCT_TAG", Product, "external_id", self.listing),
            and_(of("RELATED_PRODUCT", Product, "external_id", self.listing), linked(Product, self.listing)),
            of("CUSTOMER_USER", CustomerUser, "external_id", self.listing),
            of("ORDER", Order, "reference", self.order),
            of("INCIDENT", Incident, "incident_id", lambda it: self.of_order(it.c.order_id)),
        )


def _there_is(model: type[Base], condition: Callable[[FromClause], Condition]) -> Condition:
    table = model.__table__.alias()
    return exists(select(literal(1)).select_from(table).where(condition(table)))
