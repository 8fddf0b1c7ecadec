"""Stores and suppliers of the sample catalogue."""

from __future__ import annotations

from sandbox.catalogue.sheet import BOM, CRLF, Cells, Note, Row, Sheet, insert

STORES = ("counter", "rental")
# Id, name, rating, status, stores, where it is from.
SUPPLIERS = (
    ("SUP-BRUNFELL", "Brúnfell Forge", "4.7", "ACTIVE", "", "Drop forge on the fjord"),
    ("SUP-QUELLMARK", "Quellmark Werkzeugbau", "4.5", "ACTIVE", "default_store||counter", "Schraubzwingen für Könner"),
    ("SUP-OSTRIVANE", "Ostrivane & Fils", "4.25", "ACTIVE", "default_store", "Outillage à main, forgé à l'ancienne"),
    ("SUP-TARNBECK", "Tarnbeck Saw Mill", "3.9", "ACTIVE", "default_store||rental", 'Blades from 4" to 24"'),
    ("SUP-VELISOR", "Vélisor Électroportatif", "4.1", "ACTIVE", "default_store||counter||rental", "Machines sans fil"),
    ("SUP-HALDRUN", "Haldrun Maskin", "4", "ACTIVE", "counter", "Grinders; sanders; polishers"),
    ("SUP-MØRKVIK", "Mørkvik Lys", "3.75", "SUSPENDED", "default_store", "Work lights for dark winters"),
    ("SUP-PELLARDE", "Pellarde Peinture", "4.333333", "ACTIVE", "", "Brosses, rouleaux, bâches"),
    ("SUP-ZUNFTEN", "Zünften Meßtechnik", "4.9", "active", "", "Meßschieber, Wasserwaagen, Richtlatten"),
    ("SUP-CARDOWAN", "Cardowan Fixings", "3.5", "ACTIVE", "default_store||counter", "Screws, bolts, plugs and <glue>"),
    ("SUP-LUMERELLE", "Lumerelle Protection", "4.6", "ACTIVE", "default_store", "Gants, lunettes et casques"),
    ("SUP-GRAUHOLM", "Grauholm Lager", "", "CLOSED", "default_store", "Closed since the flood"),
)


def stores() -> Sheet:
    header = ("Store External Id", "Store Name", "Store Description")
    texts = (
        ("counter", "Trade counter", "Collected within the hour, by tradespeople with an account"),
        ("rental", "Rental yard", "Machines by the day, and what wears out on them"),
        ("outlet", "Outlet", ""),
    )
    rows = [Row(dict(zip(header, cells, strict=True))) for cells in texts]
    rows[-1] = rows[-1]._replace(fault=Note("required", "storeDescription"))
    return Sheet("STORE", "stores.csv", header, rows, ",")


def suppliers() -> Sheet:
    header = (
        "Supplier External Id",
        "Supplier Name",
        "Description",
        "Logo",
        "Supplier Rating",
        "Return Policy",
        "Status",
        "Store External Id",
        "Mark Supplier as Inactive",
    )
    good = [Row(_supplier(*supplier)) for supplier in SUPPLIERS]
    wrong = {
        3: [Row(good[3].cells | {"Supplier Name": "Tarnbeck"}, warning=Note("superseded"))],
        5: [
            Row(
                {"Supplier External Id": "SUP-WENDLE", "Supplier Name": "Wendle", "Store External Id": "rental||moon"},
                Note("unknown_reference", "storesExternalId"),
            )
        ],
        6: [Row({"Supplier External Id": "SUP-ELVERTON"}, Note("required", "name"))],
        8: [
            Row(
                {"Supplier External Id": "SUP-NIMBORG", "Supplier Name": "Nimborg", "Supplier Rating": "4,5"},
                Note("malformed", "supplierRating"),
            )
        ],
    }
    return Sheet("SUPPLIER", "suppliers.csv", header, list(insert(good, wrong)), ";", mark=BOM)


def _supplier(key: str, name: str, rating: str, status: str, in_stores: str, about: str) -> Cells:
    return {
        "Supplier External Id": key,
        "Supplier Name": name,
        "Description": f"{about}.{CRLF}Delivers from Monday to Friday.",
        "Logo": f"https://media.toolyard.example.com/logos/{key[4:].lower().replace('ø', 'o')}.svg",
        "Supplier Rating": rating,
        "Return Policy": "Unused goods within 30 days; cut material is not taken back.",
        "Status": status,
        "Store External Id": in_stores,
        "Mark Supplier as Inactive": "TRUE" if status == "CLOSED" else "",
    }
