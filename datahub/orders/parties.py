"""Store, supplier and account of a new order, and what the order copies from them where its body is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, literal, select
from sqlalchemy.orm import Session

from datahub.db import elements_of
from datahub.faults import Faults
from datahub.models.party import DEFAULT_STORE, Account, AccountAddress, CustomerUser, Store, Supplier

Values = dict[str, Any]


@dataclass(frozen=True)
class Parties:
    store: Store
    supplier: Supplier
    account: Account


def find_parties(session: Session, values: Values, faults: Faults) -> Parties | None:
    """None if one of the three is missing or unknown; deleted ones count as unknown."""
    store_id = values.get("storeExternalId") or DEFAULT_STORE
    store = session.scalar(select(Store).where(Store.external_id == store_id))
    if store is None:
        faults.add_first("storeExternalId", "is not the external id of a store")
    supplier = _find_supplier(session, _part(values, "supplierSnapshot").get("externalId"))
    if supplier is None:
        faults.add_first("supplierSnapshot.externalId", "is not the external id of a supplier")
    account = _find_account(session, _part(values, "customerUserSnapshot").get("accountExternalId"))
    if account is None:
        faults.add_first("customerUserSnapshot.accountExternalId", "is not the external id of an account")
    return Parties(store, supplier, account) if store and supplier and account else None


def supplier_snapshot(given: Values, supplier: Supplier) -> Values:
    """A key that came stays, even when null; the stored supplier fills the others."""
    due = {
        "paymentDueDateDelay": supplier.payment_due_date_delay,
        "paymentDueDateMode": supplier.payment_due_date_mode,
    }
    stored = {
        "name": supplier.name,
        "description": supplier.description,
        "totalOffers": supplier.total_offers,
        "totalOrders": supplier.total_orders,
        "totalSales": supplier.total_sales,
        "returnPolicy": supplier.return_policy,
    }
    return stored | given | {"paymentDueDate": due | given.get("paymentDueDate", {})}


def customer_snapshot(given: Values, account: Account) -> Values:
    return {"accountName": account.name, "accountTvaNumber": account.vat_number} | given


def find_customer(session: Session, account: Account, external_id: str | None) -> CustomerUser | None:
    """A user of the account: this one, or the first there is."""
    named = elements_of(CustomerUser.accounts, session.get_bind().dialect.name)
    is_one = exists(select(literal(1)).select_from(named).where(named.c.value == account.external_id))
    query = select(CustomerUser).where(CustomerUser.deleted_at.is_(None), is_one).order_by(CustomerUser.id).limit(1)
    return session.scalar(query if external_id is None else query.where(CustomerUser.external_id == external_id))


def of_customer(user: CustomerUser) -> Values:
    """The document does not have the external id; it is kept beside."""
    return {
        "civility": user.civility,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.email,
        "customerExternalId": user.external_id,
    }


def addresses(values: Values, account: Account) -> dict[str, Values]:
    """Shipping and billing by kind, without those that nobody knows. One that came is completed only from the
    account's address of the same external id: two addresses are never mixed."""
    shipping = _address(_part(values, "shippingAddressSnapshot"), account, "shipping")
    billing = _address(_part(values, "billingAddressSnapshot"), account, "billing") or shipping
    return {kind: address for kind, address in (("SHIPPING", shipping), ("BILLING", billing)) if address}


def _address(given: Values, account: Account, use: str) -> Values:
    if any(value is not None for value in given.values()):
        same = [row for row in account.addresses if row.external_id == given.get("externalId")]
        return (_stored_address(same[0]) if same else {}) | given
    usable = [row for row in account.addresses if getattr(row, use)]
    return _stored_address(usable[0]) if usable else {}


def _stored_address(row: AccountAddress) -> Values:
    return {
        "externalId": row.external_id,
        "country": row.country,
        "label": row.label,
        "fullName": row.full_name,
        "address": row.street_name,
        "additionalAddress": row.additional_street_name,
        "city": row.city,
        "state": row.state,
        "zipcode": row.zip_code,
        "phone": row.phone_number,
    }


def _find_supplier(session: Session, external_id: str | None) -> Supplier | None:
    return session.scalar(select(Supplier).where(Supplier.external_id == external_id, Supplier.deleted_at.is_(None)))


def _find_account(session: Session, external_id: str | None) -> Account | None:
    return session.scalar(select(Account).where(Account.external_id == external_id, Account.deleted_at.is_(None)))


def _part(values: Values, name: str) -> Values:
    part: Values = values.get(name, {})
    return part
