"""ACCOUNT: a customer's company, with its addresses."""

from __future__ import annotations

from datahub.entities.base import ACCOUNTS, LONG_TEXT, EntityType, Field, Holder, Listed, Part, Reference
from datahub.entities.values import BOOLEAN, TEXT, TEXT_LIST
from datahub.models.catalog_view import CatalogView
from datahub.models.party import Account, AccountAddress, CustomerUser, Supplier

ADDRESS = Part(
    "address",
    label="Addresses",
    shown_as="addresses",
    attribute="addresses",
    model=AccountAddress,
    owner="account_id",
    required_on_create=True,
    removed_by=Field("unlinkAddress", "Unlink Address", "", BOOLEAN),
    key_field=Field("addressExternalId", "Address External Id", "external_id", TEXT, editable=False),
    fields=(
        Field("addressLabel", "Address Label", "label", TEXT),
        Field("addressFullName", "Address Full Name", "full_name", TEXT, required_on_create=True),
        Field("addressCountry", "Address Country", "country", TEXT, required_on_create=True),
        Field("addressState", "Address State", "state", TEXT),
        Field("addressCity", "Address City", "city", TEXT, required_on_create=True),
        Field("addressZipCode", "Address Zip Code", "zip_code", TEXT, required_on_create=True),
        Field("addressStreetName", "Address Street Name", "street_name", TEXT, required_on_create=True),
        Field("addressAdditionalStreetName", "Address Additional Street Name", "additional_street_name", TEXT),
        Field("addressPhoneNumber", "Address Phone Number", "phone_number", TEXT),
        Field("shippingAddress", "Shipping Address", "shipping", BOOLEAN, default=True),
        Field("billingAddress", "Billing Address", "billing", BOOLEAN, default=True),
    ),
)
AN_ACCOUNT = Reference("ACCOUNT", Account)
ACCOUNT = EntityType(
    "ACCOUNT",
    label="Accounts",
    model=Account,
    family=ACCOUNTS,
    deleted_by=Field("deleted", "Deleted", "deleted_at", BOOLEAN),
    has_full_mode=True,
    has_custom_fields=True,
    key=Field("accountExternalId", "Account External Id", "external_id", TEXT, editable=False),
    fields=(
        Field("accountName", "Account Name", "name", TEXT, required_on_create=True),
        Field(
            "companyRegistrationName",
            "Company Registration Name",
            "company_registration_name",
            TEXT,
            required_on_create=True,
        ),
        Field(
            "businessRegistrationNumber",
            "Business Registration Number",
            "business_registration_number",
            TEXT,
            required_on_create=True,
        ),
        Field("accountManagerName", "Account Manager Name", "manager_name", TEXT),
        Field("accountWebsite", "Account Website", "website", TEXT, length=LONG_TEXT),
        Field("accountVatNumber", "Account VAT Number", "vat_number", TEXT),
        Field("customerTagExternalId", "Customer Tag External Id", "customer_tags", TEXT_LIST, default=[]),
        Field("inactive", "Inactive", "inactive", BOOLEAN, default=False),
    ),
    parts=(ADDRESS,),
    listed_in=(
        Listed("CATALOG_VIEW", "accountExternalId", CatalogView.accounts),
        Listed("SUPPLIER", "accountExternalId", Supplier.accounts),
    ),
    held_by=(Holder("users", CustomerUser.accounts, is_list=True),),
)
