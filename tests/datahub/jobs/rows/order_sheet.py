"""Rows of orders, and what they refer to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.order import Order
from datahub.models.party import AccountAddress
from tests.catalogue import make_category, make_offer, make_price, make_product, make_variant
from tests.factories import make_account, make_customer_user, make_supplier

PARTIES = {"accountExternalId": "ACC-1", "supplierExternalId": "SUP-1"}
ADDRESS = {
    "shippingAddressFullName": "Ada",
    "shippingAddressCountry": "GB",
    "shippingAddressStreetName": "1 High Street",
    "shippingAddressCity": "Leeds",
    "shippingAddressZipCode": "LS1",
}


@pytest.fixture
def shop(sessions: sessionmaker[Session]) -> None:
    """PRICE is an offer of P-1-V1 at SUP-1, DOLLARS one in another currency, OTHER one of SUP-2."""
    with sessions.begin() as session:
        account = make_account(session, "ACC-1")
        make_account(session, "ACC-2")
        make_account(session, "ACC-3")
        for key, accounts in (("U-0", ["ACC-2"]), ("U-1", ["ACC-2", "ACC-1"]), ("U-2", ["ACC-1"])):
            make_customer_user(session, key, accounts=accounts)
        for key, shipping, billing in (("A-1", False, False), ("A-2", True, False), ("A-3", True, True)):
            place = {"full_name": "Acme", "country": "FR", "city": "Paris", "zip_code": "75001", "street_name": "Rue"}
            row = AccountAddress(account_id=account.id, external_id=key, shipping=shipping, billing=billing, **place)
            session.add(row)
            session.flush()
        make_supplier(session, "GONE", deleted_at=database_now(session))
        make_category(session, "SAWS")
        first = make_variant(session, make_product(session, "P-1"), "P-1-V1")
        make_product(session, "P-2")
        stock = make_offer(session, "STOCK", variant=first, prices=0)
        ranges = {"price": Decimal(10), "ranges": [["12", "9"], ["100", "8"]], "type": "ACCOUNT", "type_value": "ACC-1"}
        make_price(session, stock, "PRICE", item_per_pack=6, packing_type="BOX", **ranges)
        make_price(session, stock, "DOLLARS", currency="USD")
        other = make_offer(session, "FOREIGN", variant=first, supplier=make_supplier(session, "SUP-2"), prices=0)
        make_price(session, other, "OTHER")


def line(order: str, key: str, **more: str) -> dict[str, str]:
    """Of an external order; without another price or variant given, one of P-2-V1 for 5.00."""
    given = {"orderExternalId": order, "orderLineExternalId": key, "orderLineQuantity": "1"} | PARTIES
    if "offerPriceExternalId" not in more:
        given |= {"variantExternalId": "P-2-V1", "netUnitPrice": "5"}
    return given | more


def order_of(session: Session, external_id: str) -> Order:
    return session.scalars(select(Order).where(Order.external_id == external_id)).one()
