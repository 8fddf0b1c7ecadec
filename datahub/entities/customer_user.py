"""CUSTOMER_USER: a person who buys for one or more accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datahub.entities.account import AN_ACCOUNT
from datahub.entities.base import ACCOUNTS, Check, EntityType, Field, FieldType, Reference
from datahub.entities.store import A_STORE
from datahub.entities.values import BOOLEAN, CHOICE, CHOICES, EMAIL, PASSWORD, PLAIN_ID, TEXT, TEXT_LIST
from datahub.models.party import CIVILITIES, DEFAULT_STORE, USER_GROUPS, CustomerUser


def _always(key: str, label: str, column: str, kind: FieldType, **more: Any) -> Field:
    return Field(key, label, column, kind, required_on_create=True, required_on_update=True, **more)


def _outside(values: Mapping[str, Any]) -> str | None:
    """Organisations come with the main one among them."""
    main, all_of_them = values.get(MAIN.column), values.get(ORGANISATIONS.column)
    if all_of_them and main is None:
        return "A row that gives organisations must say which one is the main one."
    if main and all_of_them is not None and main not in all_of_them:
        return f"Must be one of the user's organisations; {main} is not."
    return None


ORGANISATIONS = Field(
    "customerUserOrganisationIds", "Customer User Organisation Ids", "organisations", TEXT_LIST, default=[]
)
MAIN = Field("customerUserMainOrganisationId", "Customer User Main Organisation Id", "main_organisation", TEXT)
A_CUSTOMER_USER = Reference("CUSTOMER_USER", CustomerUser)
CUSTOMER_USER = EntityType(
    "CUSTOMER_USER",
    label="Customer users",
    family=ACCOUNTS,
    model=CustomerUser,
    key=Field("customerUserExternalId", "Customer User External Id", "external_id", PLAIN_ID, editable=False),
    fields=(
        _always(
            "customerUserCivility",
            "Customer User Civility",
            "civility",
            CHOICE,
            choices=CIVILITIES,
            default="",
            personal=True,
        ),
        _always("customerUserFirstName", "Customer User First Name", "first_name", TEXT, default="", personal=True),
        _always("customerUserLastName", "Customer User Last Name", "last_name", TEXT, default="", personal=True),
        _always("customerUserEmail", "Customer User Email", "email", EMAIL, unique=True, default="", personal=True),
        _always("customerUserPhone", "Customer User Phone", "phone", TEXT, default="", personal=True),
        _always("customerUserGroups", "Customer User Groups", "groups", CHOICES, choices=USER_GROUPS, default=[]),
        _always(
            "customerUserAccountIds",
            "Customer User Account Ids",
            "accounts",
            TEXT_LIST,
            default=[],
            refers_to=AN_ACCOUNT,
        ),
        ORGANISATIONS,
        MAIN,
        Field("customerUserPassword", "Customer User Password", "password", PASSWORD, default={}, personal=True),
        Field("customerUserInactive", "Customer User Inactive", "inactive", BOOLEAN, default=False),
        Field(
            "storeExternalIds", "Store External Ids", "stores", TEXT_LIST, default=[DEFAULT_STORE], refers_to=A_STORE
        ),
    ),
    after=("ACCOUNT", "STORE"),
    deleted_by=Field("customerUserDeleted", "Customer User Deleted", "deleted_at", BOOLEAN),
    has_custom_fields=True,
    has_full_mode=True,
    checks=(Check(MAIN, _outside, stored=(ORGANISATIONS.column,)),),
)
