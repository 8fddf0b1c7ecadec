"""CATALOG_VIEW: which assortments accounts see, and which they do not; one row per view."""

from __future__ import annotations

from datahub.entities.account import AN_ACCOUNT
from datahub.entities.assortment import AN_ASSORTMENT
from datahub.entities.base import ACCOUNTS, LONG_TEXT, EntityType, Field
from datahub.entities.values import BOOLEAN, TEXT, TEXT_LIST
from datahub.models.catalog_view import CatalogView

RULES = (
    Field(
        "allowedAssortmentExternalId",
        "Allowed Assortment External Ids",
        "allowed",
        TEXT_LIST,
        default=[],
        refers_to=AN_ASSORTMENT,
    ),
    Field(
        "excludedAssortmentExternalId",
        "Forbidden Assortment External Ids",
        "forbidden",
        TEXT_LIST,
        default=[],
        refers_to=AN_ASSORTMENT,
    ),
    Field("accountExternalId", "Account External Ids", "accounts", TEXT_LIST, default=[], refers_to=AN_ACCOUNT),
)
CATALOG_VIEW = EntityType(
    "CATALOG_VIEW",
    label="Catalog views",
    # Accounts that are deleted go from the lists of views.
    family=ACCOUNTS,
    model=CatalogView,
    key=Field("catalogExternalId", "Catalog View External Id", "external_id", TEXT, editable=False),
    fields=(
        Field("catalogName", "Catalog Name", "name", TEXT, required_on_create=True),
        Field("catalogDescription", "Catalog Description", "description", TEXT, default="", length=LONG_TEXT),
        *RULES,
        Field("active", "Active", "active", BOOLEAN, default=True),
    ),
    after=("ASSORTMENT", "ACCOUNT"),
    deleted_by=Field("delete", "Mark Catalog View For Deletion", "deleted_at", BOOLEAN),
    emptied_by=Field("emptyRules", "Empty Rules", "", BOOLEAN),
    emptied=RULES,
)
