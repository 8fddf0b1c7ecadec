"""Proposals, measured on headers of shops and on labels as people rename them: what is proposed is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.mapping.columns import match
from datahub.mapping.names import Target
from datahub.mapping.proposals import NEAR_ENOUGH, Proposal, propose


def targets(labels: str, *, required: str = "", localisable: str = "") -> list[Target]:
    """One target per label, its key in lowerCamelCase; `key=Label` gives another key."""
    made = []
    for text in labels.split(", "):
        key, _, label = text.rpartition("=")
        key = key or label[0].lower() + label[1:].replace(" ", "")
        made.append(Target(key, label, key in required.split(), key in localisable.split()))
    return made


ENTITIES = {
    "PRODUCT": targets(
        "Product External Id, Product Names, Product Classification Category Id, Product Descriptions, Product Brand, "
        "Product Unit, Deleted Product, Inactive Product, Variant Names, Variant External Id, Variant Descriptions, "
        "Variant External Sku, Variant Ean, Variant Mpn, Variant Main Image Url, Variant Additional Image Links, "
        "Deleted Variant, Inactive Variant, Store External Ids",
        required="productExternalId productNames productClassificationCategoryId variantNames variantExternalId",
        localisable="productNames productDescriptions variantNames variantDescriptions",
    ),
    "OFFER": targets(
        "Stock Id, Stock Variant Id, Supplier Id, Stock Number, Quantity Per Pack, Offer Price External Id, "
        "Price Type, "
        "Price Type Value, Price, Currency, Packing Type, Item Per Pack, Quantity Per Item, Min Quantity, "
        "Price Ranges, "
        "Lead Time To Ship, Stock Inactive, Stock Deleted, Price Inactive, Price Deleted, Store External Ids",
        required="stockId stockVariantId supplierId stockNumber offerPriceExternalId priceType price currency",
    ),
    "SUPPLIER": targets(
        "name=Supplier Name, externalId=Supplier External Id, Deleted, inactive=Mark Supplier as Inactive, "
        "Description, "
        "Logo, Banner, Supplier Rating, Return Policy, Account External Id, Status, storesExternalId=Store External Id",
        required="name externalId",
    ),
    "ACCOUNT": targets(
        "Account Name, Account External Id, Company Registration Name, Business Registration Number, "
        "Account Manager Name, Account Website, Account Vat Number, Customer Tag External Id, Deleted, Inactive, "
        "Address External Id, Address Full Name, Address Country, Address City, Address Zip Code, Address Street Name, "
        "Address Label, Address State, Address Additional Street Name, Address Phone Number, Unlink Address, "
        "Shipping Address, Billing Address",
        required="accountName accountExternalId addressExternalId addressFullName addressCountry addressCity",
    ),
    "CUSTOMER_USER": targets(
        "Customer User External Id, Customer User Civility, Customer User First Name, Customer User Last Name, "
        "Customer User Email, Customer User Phone, Customer User Groups, Customer User Account Ids, "
        "Customer User Organisation Ids, Customer User Main Organisation Id, Customer User Password, "
        "Customer User Inactive, Customer User Deleted, Store External Ids",
        required="customerUserExternalId customerUserEmail customerUserGroups customerUserAccountIds",
    ),
    "ORDER": targets(
        "Order External Id, Order Reference, orderLines[].orderLineExternalId=Order Line External Id, "
        "orderLines[].orderLineId=Order Line Id, Account External Id, Supplier External Id, "
        "orderLines[].variantExternalId=Variant External Id, orderLines[].netUnitPrice=Net Unit Price, "
        "orderLines[].orderLineQuantity=Order Line Quantity, Order Status, "
        "orderLines[].grossUnitPrice=Gross Unit Price, "
        "orderLines[].taxAmount=Tax Amount, orderLines[].variantName=Variant Name, Customer External Id, "
        "Shipping Address Full Name, Shipping Address Country, Shipping Address Street Name, Shipping Address City, "
        "Shipping Address Zip Code, Shipping Address State, Shipping Address Additional",
        required="orderExternalId orderLines[].orderLineExternalId accountExternalId supplierExternalId",
    ),
    "PRODUCT_TAG": targets(
        "Product External Id, Deleted, "
        + ", ".join(f"productTag{number}=PRODUCT_TAG_{number}" for number in range(1, 11)),
        required="productExternalId",
    ),
}
SHOPIFY = (
    "Handle, Title, Body (HTML), Vendor, Product Category, Type, Tags, Published, Option1 Name, Option1 Value, "
    "Option1 Linked To, Variant SKU, Variant Grams, Variant Inventory Tracker, Variant Inventory Qty, "
    "Variant Inventory Policy, Variant Fulfillment Service, Variant Price, Variant Compare At Price, "
    "Variant Requires Shipping, Variant Taxable, Variant Barcode, Image Src, Image Position, Image Alt Text, "
    "Gift Card, "
    "SEO Title, SEO Description, Google Shopping / MPN, Google Shopping / Condition, Variant Image, "
    "Variant Weight Unit, Variant Tax Code, Cost per item, Status"
)
MAGENTO = (
    "sku, store_view_code, attribute_set_code, product_type, categories, product_websites, name, description, "
    "short_description, weight, product_online, tax_class_name, visibility, price, special_price, url_key, meta_title, "
    "meta_keywords, meta_description, base_image, base_image_label, small_image, thumbnail_image, created_at, "
    "updated_at, new_from_date, display_product_options_in, map_price, msrp_price, country_of_manufacture, "
    "additional_attributes, qty, out_of_stock_qty, use_config_min_qty, is_qty_decimal, allow_backorders, min_cart_qty, "
    "max_cart_qty, notify_on_stock_below, manage_stock, is_in_stock, website_id, related_skus, crosssell_skus, "
    "upsell_skus, additional_images, configurable_variations"
)
WOOCOMMERCE = (
    "ID, Type, SKU, Name, Published, Is featured?, Visibility in catalog, Short description, Description, "
    "Date sale price starts, Tax status, Tax class, In stock?, Stock, Low stock amount, Backorders allowed?, "
    "Sold individually?, Weight (kg), Length (cm), Allow customer reviews?, Purchase note, Sale price, Regular price, "
    "Categories, Tags, Shipping class, Images, Download limit, Parent, Grouped products, Upsells, Cross-sells, "
    "External URL, Button text, Position, Brands, Attribute 1 name, Attribute 1 value(s), Meta: _product_brand"
)
# For each entity and header, every near proposal that is made; the columns that stay away are as much the claim.
TABLE: list[tuple[str, str, dict[str, str]]] = [
    ("PRODUCT", SHOPIFY, {"Variant SKU": "variantExternalSku"}),
    ("PRODUCT", MAGENTO, {}),
    ("PRODUCT", WOOCOMMERCE, {}),
    ("OFFER", SHOPIFY, {}),
    ("OFFER", MAGENTO, {}),
    ("OFFER", WOOCOMMERCE, {}),
    ("ORDER", SHOPIFY, {}),
    ("SUPPLIER", WOOCOMMERCE, {}),
    (
        "PRODUCT",
        "Product ID, Product Name, Product Classification Category, Product Description, Brand, Unit of measure, "
        "Variant ID, Variant Name, Product Brand ID, Product weight, Product family, Parent product id, "
        "Variant colour, "
        "Variant Title, Variant Status, Product Unit Type, Main image, EAN13, external_product_id, Store External Id",
        {
            "Product ID": "productExternalId",
            "Product Name": "productNames",
            "Product Classification Category": "productClassificationCategoryId",
            "Product Description": "productDescriptions",
            "Variant ID": "variantExternalId",
            "Variant Name": "variantNames",
            "Store External Id": "storeExternalIds",
        },
    ),
    (
        "OFFER",
        "Stock External Id, Supplier External Id, Variant Id, Offer price ID, Curency, Items per pack, Price range, "
        "Packing Types, Stock Location, Stock date, Price date, Price EUR, Net price, Price Group, Price unit, "
        "Quantity, "
        "Currency code, Supplier Name, Packing unit",
        {
            "Stock External Id": "stockId",
            "Supplier External Id": "supplierId",
            "Offer price ID": "offerPriceExternalId",
            "Curency": "currency",
            "Items per pack": "itemPerPack",
            "Price range": "priceRanges",
            "Packing Types": "packingType",
        },
    ),
    (
        "SUPPLIER",
        "Supplier Id, Supplier Names, Account Id, Store External Ids, Supplier Phone, Supplier Type, Supplier Email, "
        "Supplier Code, SEO Description, Tax status, Return Policy URL, Supplier Ratings",
        {
            "Supplier Id": "externalId",
            "Supplier Names": "name",
            "Account Id": "accountExternalId",
            "Store External Ids": "storesExternalId",
            "Supplier Ratings": "supplierRating",
        },
    ),
    (
        "ACCOUNT",
        "Acount Name, Account ID, Account number, Account Owner, Account Type, Account Phone, Address ID, "
        "Address Name, "
        "Address Street, Address Email, Address Full Name 2, Adress Zip Code, Customer Id, Shipping Adress, "
        "Billing city, "
        "Company Name, Registration number",
        {
            "Acount Name": "accountName",
            "Account ID": "accountExternalId",
            "Address ID": "addressExternalId",
            "Adress Zip Code": "addressZipCode",
            "Shipping Adress": "shippingAddress",
        },
    ),
    (
        "CUSTOMER_USER",
        "Customer User Id, Customer User Group, Customer User Account Id, Customer User Organization Ids, "
        "Customer User Name, Customer User Title, Customer User Language, Customer User Login, Customer User, "
        "User Name, "
        "Email, Title",
        {
            "Customer User Id": "customerUserExternalId",
            "Customer User Group": "customerUserGroups",
            "Customer User Account Id": "customerUserAccountIds",
            "Customer User Organization Ids": "customerUserOrganisationIds",
        },
    ),
    (
        "ORDER",
        "Order ID, Order Refrence, Order Reference 2, Order Line, Order Line Status, Order Line Price, Supplier ID, "
        "Customer ID, Variant Names, Nett Unit Price, Unit price, Order Lines Quantity, Tax Amounts, Tax rate, "
        "Shipping Address Name, Shipping Address Street, Shipping Address Phone, Shipping Address Country Code, "
        "Shipping Adress Country, Billing Address City, Order Date, Order Total",
        {
            "Order ID": "orderExternalId",
            "Order Refrence": "orderReference",
            "Supplier ID": "supplierExternalId",
            "Customer ID": "customerExternalId",
            "Variant Names": "orderLines[].variantName",
            "Nett Unit Price": "orderLines[].netUnitPrice",
            "Order Lines Quantity": "orderLines[].orderLineQuantity",
            "Tax Amounts": "orderLines[].taxAmount",
            "Shipping Adress Country": "shippingAddressCountry",
        },
    ),
    (
        "OFFER",
        "Suplier Extrnal ID, Stock Exteral Id, Offer Price Ext. Id, Stock Internal Id, Price Extra, Ext Price",
        {
            "Suplier Extrnal ID": "supplierId",
            "Stock Exteral Id": "stockId",
            "Offer Price Ext. Id": "offerPriceExternalId",
        },
    ),
    (
        "ORDER",
        "Order Ext Id, accountExtId, Supplier_Extern_ID, Variant Internal Id, Order Ext Reference 2",
        {
            "Order Ext Id": "orderExternalId",
            "accountExtId": "accountExternalId",
            "Supplier_Extern_ID": "supplierExternalId",
        },
    ),
    ("PRODUCT_TAG", "Product ID, PRODUCT_TAG_1, PRODUCT_TAG_11, Product Tag", {"Product ID": "productExternalId"}),
]


def fields(proposals: list[Proposal], *, exact: bool) -> dict[str, str]:
    return {item.column: item.field for item in proposals if item.exact is exact}


@pytest.mark.parametrize(("entity", "columns", "near"), TABLE)
def test_near_proposals_are_these_and_no_others(entity: str, columns: str, near: dict[str, str]) -> None:
    proposals = propose(columns.split(", "), ENTITIES[entity])
    assert fields(proposals, exact=False) == near


@pytest.mark.parametrize("entity", ENTITIES)
def test_labels_and_keys_are_proposed_as_exact_in_any_writing(entity: str) -> None:
    for written in (str, str.upper, lambda label: label.replace(" ", "_")):
        header = [written(target.label) for target in ENTITIES[entity]]
        proposals = propose(header, ENTITIES[entity])
        assert [item.field for item in proposals] == [target.key for target in ENTITIES[entity]]
        assert all(item.exact and item.score == 100 for item in proposals)


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_column_without_its_own_field_is_not_given_to_a_similar_one(entity: str) -> None:
    """Each label in turn loses its field; the others have no column yet, so they could all be taken."""
    wrong = {}
    for gone in ENTITIES[entity]:
        left = [target for target in ENTITIES[entity] if target is not gone]
        wrong |= fields(propose([gone.label], left), exact=False)
    assert wrong == WRONG_WHEN_ORPHANED.get(entity, {})


# Two fields of an order say the same once "external" is left out: whoever lacks the one may well mean the other.
WRONG_WHEN_ORPHANED = {
    "ORDER": {
        "Order Line External Id": "orderLines[].orderLineId",
        "Order Line Id": "orderLines[].orderLineExternalId",
    }
}


def test_exact_proposals_come_first_then_near_ones_from_the_best_down() -> None:
    proposals = propose(["Product Name", "Product ID", "Product Brand"], ENTITIES["PRODUCT"])
    assert [item.column for item in proposals] == ["Product Brand", "Product ID", "Product Name"]
    assert [item.exact for item in proposals] == [True, False, False]
    assert [item.score >= NEAR_ENOUGH for item in proposals] == [True, True, True]


def test_each_locale_is_proposed_with_the_field() -> None:
    proposals = propose(["Product Name[fr-fr]", "Product Name[en-GB]", "productNames[de]"], ENTITIES["PRODUCT"])
    assert {(item.field, item.locale, item.exact) for item in proposals} == {
        ("productNames", "de", True),
        ("productNames", "fr-FR", False),
        ("productNames", "en-GB", False),
    }
    assert propose(["Product Brands[fr-FR]"], ENTITIES["PRODUCT"]) == []


def test_a_field_with_its_own_column_is_not_proposed_for_another() -> None:
    proposals = propose(["Product ID", "productExternalId"], ENTITIES["PRODUCT"])
    assert fields(proposals, exact=True) == {"productExternalId": "productExternalId"}
    assert fields(proposals, exact=False) == {}


def test_of_two_columns_near_one_field_the_nearer_is_proposed() -> None:
    assert fields(propose(["Product Nammes FR", "Product Name"], ENTITIES["PRODUCT"]), exact=False) == {
        "Product Name": "productNames"
    }


def test_columns_that_match_a_field_equally_are_proposed_once_and_not_as_exact() -> None:
    proposals = propose(["PRODUCT_BRAND", "product-brand"], ENTITIES["PRODUCT"])
    assert [(item.column, item.exact) for item in proposals] == [("PRODUCT_BRAND", False)]


def test_between_two_near_fields_a_required_one_is_preferred() -> None:
    first, second = Target("variantNames", "Variant Names"), Target("variantNamed", "Variant Named")
    preferred = Target("variantNamed", "Variant Named", required=True)
    assert propose(["Variant Name"], [first, second]) == []
    assert [item.field for item in propose(["Variant Name"], [first, preferred])] == ["variantNamed"]
    assert propose(["Variant Names"], [Target("variantNamesX", "Variant Names X"), preferred]) == []


def test_custom_fields_and_attributes_are_not_proposed() -> None:
    near = [Target("attributeSizes", "Attribute Sizes"), Target("cfBrands", "CF Brands")]
    header = ["attribute-size", "CF_brand"]
    assert propose(header, near) == []
    assert len(propose(["attribute size", "CF brand"], near)) == 2


@given(
    st.lists(
        st.sampled_from(SHOPIFY.split(", ") + [t.label + s for t in ENTITIES["PRODUCT"] for s in ("", "s", "[de]")])
    )
)
def test_exact_proposals_are_what_match_binds_and_no_field_is_proposed_twice(header: list[str]) -> None:
    proposals = propose(header, ENTITIES["PRODUCT"])
    places = [(item.field, item.locale) for item in proposals]
    assert len(places) == len(set(places))
    matched = match(header, ENTITIES["PRODUCT"], None)
    assert {(item.field, item.locale) for item in proposals if item.exact} == {
        (item.field, item.locale) for item in matched.bindings
    }
