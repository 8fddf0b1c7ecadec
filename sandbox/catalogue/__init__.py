"""The catalogue of an invented distributor of tools as files, always the same, with a few rows wrong on purpose."""

from __future__ import annotations

from pathlib import Path

from sandbox.catalogue.assortments import assortments
from sandbox.catalogue.cases import incidents
from sandbox.catalogue.catalog_views import catalog_views
from sandbox.catalogue.navigation import navigation
from sandbox.catalogue.offers import offers
from sandbox.catalogue.orders import order_updates, orders
from sandbox.catalogue.parties import accounts, stores, suppliers
from sandbox.catalogue.products import products
from sandbox.catalogue.sheet import Sample
from sandbox.catalogue.statuses import statuses
from sandbox.catalogue.tags import related, tags
from sandbox.catalogue.tree import attributes, categories
from sandbox.catalogue.users import users

__all__ = ["Sample", "write"]
SHEETS = (
    stores,
    accounts,
    suppliers,
    attributes,
    categories,
    navigation,
    products,
    offers,
    tags,
    related,
    assortments,
    catalog_views,
    users,
    orders,
    order_updates,
    statuses,
    incidents,
)


def write(folder: Path) -> list[Sample]:
    """In the order in which the files can be imported."""
    return [sheet().write(folder) for sheet in SHEETS]
