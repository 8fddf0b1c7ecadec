"""Product exports as other shop systems write them, of an invented dealer in tools: their columns, quoting, line ends.

`python -m tests.shops` writes them to tests/fixtures/shops."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "fixtures" / "shops"
Rows = Sequence[dict[str, str]]
Quoting = Callable[[str], bool]

SHOPIFY_COLUMNS = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option1 Linked To,"
    "Option2 Name,Option2 Value,Option2 Linked To,Option3 Name,Option3 Value,Option3 Linked To,Variant SKU,"
    "Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,"
    "Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,"
    "Google Shopping / Google Product Category,Google Shopping / Gender,Google Shopping / Age Group,"
    "Google Shopping / MPN,Google Shopping / Condition,Google Shopping / Custom Product,Variant Image,"
    "Variant Weight Unit,Variant Tax Code,Cost per item,Status"
)
MAGENTO_COLUMNS = (
    "sku,store_view_code,attribute_set_code,product_type,categories,product_websites,name,description,"
    "short_description,weight,product_online,tax_class_name,visibility,price,special_price,special_price_from_date,"
    "special_price_to_date,url_key,meta_title,meta_keywords,meta_description,base_image,base_image_label,small_image,"
    "small_image_label,thumbnail_image,thumbnail_image_label,swatch_image,swatch_image_label,created_at,updated_at,"
    "new_from_date,new_to_date,display_product_options_in,map_price,msrp_price,map_enabled,gift_message_available,"
    "custom_design,custom_design_from,custom_design_to,custom_layout_update,page_layout,product_options_container,"
    "msrp_display_actual_price_type,country_of_manufacture,additional_attributes,qty,out_of_stock_qty,"
    "use_config_min_qty,is_qty_decimal,allow_backorders,use_config_backorders,min_cart_qty,use_config_min_sale_qty,"
    "max_cart_qty,use_config_max_sale_qty,is_in_stock,notify_on_stock_below,use_config_notify_stock_qty,manage_stock,"
    "use_config_manage_stock,use_config_qty_increments,qty_increments,use_config_enable_qty_inc,"
    "enable_qty_increments,is_decimal_divided,website_id,related_skus,related_position,crosssell_skus,"
    "crosssell_position,upsell_skus,upsell_position,additional_images,additional_image_labels,"
    "hide_from_product_page,custom_options,bundle_price_type,bundle_sku_type,bundle_price_view,bundle_weight_type,"
    "bundle_values,bundle_shipment_type,associated_skus,downloadable_links,downloadable_samples,"
    "configurable_variations,configurable_variation_labels"
)
WOOCOMMERCE_COLUMNS = (
    "ID,Type,SKU,Name,Published,Is featured?,Visibility in catalog,Short description,Description,"
    "Date sale price starts,Date sale price ends,Tax status,Tax class,In stock?,Stock,Low stock amount,"
    "Backorders allowed?,Sold individually?,Weight (kg),Length (cm),Width (cm),Height (cm),Allow customer reviews?,"
    "Purchase note,Sale price,Regular price,Categories,Tags,Shipping class,Images,Download limit,"
    "Download expiry days,Parent,Grouped products,Upsells,Cross-sells,External URL,Button text,Position,"
    "Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 1 global,Meta: _wpcom_is_markdown,"
    "Meta: _warehouse_note"
)
PICTURES = "https://cdn.nordhaven-tools.example"


def shopify() -> bytes:
    """Cells of the product stand in its first row alone; pictures beyond the number of variants have rows of their
    own. Texts of digits begin with an apostrophe."""
    hammer, block = "claw-hammer", "sanding-block"
    rows = [
        _shopify_first(hammer, "Claw hammer", "Hammers", "active", "Weight", "300 g", "HMR-300", "'4260000000017")
        | {"Body (HTML)": '<p class="lead">A hammer, "the 300"</p>\n<ul>\n<li>fibreglass handle; grip</li>\n</ul>'},
        _shopify_variant(hammer, "500 g", "HMR-500", "'4260000000024", "27.90", 2),
        _shopify_variant(hammer, "750 g", "HMR-750", "'4260000000031", "1031.50", 3),
        _shopify_picture(hammer, 4),
        _shopify_picture(hammer, 5),
        _shopify_first("torpedo-level", "Torpedo level, 40 cm", "Levels", "draft", "Title", "Default Title", "LVL-40"),
        _shopify_first("bit-set", "Bit set", "Unsorted", "active", "Drive", "PH2", "BIT-PH2"),
        _shopify_variant("bit-set", "PZ2", "BIT-PZ2", "", "9.90", 2),
        _shopify_first(block, "Sanding block", "Abrasives", "active", "Grain", "80", ""),
        _shopify_variant(block, "120", "SND-120", "", "4.90", 2),
    ]
    return _written(SHOPIFY_COLUMNS, rows, ["\n"], _needs_quotes).encode()


def magento() -> bytes:
    """Variants come before their configurable product, a store view has rows of its own, and lines end as it comes."""
    text = 'Forged head.\r\n<a href="/care">Care</a>\nDry wood only.'
    rows = [
        _magento("HMR-300", "simple", "Default Category/Tools/Hammers", "Claw hammer 300 g", "24.900000")
        | {"visibility": "Not Visible Individually", "weight": "0.300000", "qty": "12.0000"}
        | {"additional_attributes": "brand=Nordhaven,handle_material=fibreglass,tool_weight=300"},
        _magento("HMR-500", "simple", "Default Category/Tools/Hammers", "Claw hammer 500 g", "27.900000")
        | {"visibility": "Not Visible Individually", "weight": "0.500000", "qty": "7.0000"},
        _magento("HMR", "configurable", "Default Category/Tools,Default Category/Tools/Hammers", "Claw hammer", "")
        | {"description": text, "short_description": 'The "hammer"'}
        | {"configurable_variations": "sku=HMR-300,tool_weight=300|sku=HMR-500,tool_weight=500"}
        | {"configurable_variation_labels": "tool_weight=Weight"},
        _magento("LVL-40", "simple", "Default Category/Tools/Levels", "Torpedo level", "1234.500000")
        | {"product_online": "2", "description": "Two vials", "qty": "3.0000"},
        {"sku": "LVL-40", "store_view_code": "fr", "attribute_set_code": "Default", "product_type": "simple"}
        | {"name": "Niveau torpille"},
        _magento("SET-1", "bundle", "Default Category/Sets", "Starter set", "") | {"bundle_price_type": "dynamic"},
    ]
    return _written(MAGENTO_COLUMNS, rows, ["\r\n", "\n"], _needs_php_quotes).encode()


def woocommerce(description: str = "Two vials") -> bytes:
    """Begins with a byte order mark; decimals have a comma, thousands a dot; variations name their parent.
    `description` is that of product 50."""
    rows = [
        _woocommerce("41", "variable", "", "Claw hammer", "", "", "Tools > Hammers")
        | {"Description": '<p>A "forged" head</p>\\n<p>Ash handle</p>', "Attribute 1 name": "Weight"}
        | {"Attribute 1 value(s)": "300 g, 500 g", "Attribute 1 visible": "1", "Attribute 1 global": "1"},
        _woocommerce("42", "variation", "HMR-300", "Claw hammer - 300 g", "24,90", "12", "", parent="id:41"),
        _woocommerce("43", "variation", "HMR-500", "Claw hammer - 500 g", "27,90", "7", "", parent="id:41"),
        _woocommerce("50", "simple", "LVL-120", "Box level", "1.234,50", "3", "Tools > Levels, Sale")
        | {"Description": description, "Images": f"{PICTURES}/lvl-1.jpg, {PICTURES}/lvl-2.jpg"},
        _woocommerce("51", "simple", "TRW-1", "Trowel", "89", "40", "Tools") | {"Published": "-1"},
        _woocommerce("52", "simple", "BKT-1", "Bucket", "7,5", "5", "Uncategorized"),
    ]
    return b"\xef\xbb\xbf" + _written(WOOCOMMERCE_COLUMNS, rows, ["\n"], _needs_php_quotes).encode()


FILES = {"shopify.csv": shopify, "magento.csv": magento, "woocommerce.csv": woocommerce}


def _shopify_first(
    handle: str, title: str, kind: str, status: str, option: str, value: str, sku: str, barcode: str = ""
) -> dict[str, str]:
    of_product = {"Title": title, "Body (HTML)": f"<p>{title}</p>", "Vendor": "Nordhaven", "Type": kind}
    of_product |= {"Product Category": "Hardware > Tools", "Tags": "new, tools", "Published": "true"}
    of_product |= {"Option1 Name": option, "Gift Card": "false", "Status": status}
    return _shopify_variant(handle, value, sku, barcode, "24.90", 1) | of_product


def _shopify_variant(handle: str, value: str, sku: str, barcode: str, price: str, picture: int) -> dict[str, str]:
    given = {"Option1 Value": value, "Variant SKU": sku, "Variant Barcode": barcode, "Variant Price": price}
    given |= {"Variant Grams": "300", "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "12"}
    given |= {"Variant Inventory Policy": "deny", "Variant Fulfillment Service": "manual", "Variant Weight Unit": "g"}
    return given | {"Variant Taxable": "true"} | _shopify_picture(handle, picture)


def _shopify_picture(handle: str, position: int) -> dict[str, str]:
    return {"Handle": handle, "Image Src": f"{PICTURES}/{handle}-{position}.jpg", "Image Position": str(position)}


def _magento(sku: str, kind: str, categories: str, name: str, price: str) -> dict[str, str]:
    given = {"sku": sku, "attribute_set_code": "Default", "product_type": kind, "categories": categories}
    given |= {"product_websites": "base", "name": name, "price": price, "url_key": name.lower().replace(" ", "-")}
    given |= {"product_online": "1", "tax_class_name": "Taxable Goods", "visibility": "Catalog, Search"}
    return given | {"created_at": "2/19/26, 1:06 AM", "use_config_min_qty": "1", "website_id": "0"}


def _woocommerce(
    number: str, kind: str, sku: str, name: str, price: str, stock: str, categories: str, parent: str = ""
) -> dict[str, str]:
    given = {"ID": number, "Type": kind, "SKU": sku, "Name": name, "Published": "1", "Is featured?": "0"}
    given |= {"Visibility in catalog": "visible", "Tax status": "taxable", "In stock?": "1", "Stock": stock}
    given |= {"Regular price": price, "Categories": categories, "Parent": parent, "Position": "0"}
    return given | {"Meta: _warehouse_note": 'a:1:{s:5:"aisle";i:7;}'}


def _written(header: str, rows: Rows, line_ends: Sequence[str], is_quoted: Quoting) -> str:
    """Line ends take turns."""
    columns = header.split(",")
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    texts = (",".join(_quoted(cell) if is_quoted(cell) else cell for cell in line) for line in lines)
    return "".join(text + line_ends[number % len(line_ends)] for number, text in enumerate(texts))


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def _needs_quotes(cell: str) -> bool:
    return bool(re.search(r'[",\r\n]', cell))


def _needs_php_quotes(cell: str) -> bool:
    """PHP quotes cells with a space, too."""
    return bool(re.search(r'[",\r\n\t \\]', cell))


if __name__ == "__main__":
    for name, build in FILES.items():
        (FOLDER / name).write_bytes(build())
