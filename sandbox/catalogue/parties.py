"""Stores, customer accounts and suppliers of the sample catalogue."""

from __future__ import annotations

from sandbox.catalogue.sheet import BOM, CRLF, Cells, Note, Row, Sheet, insert

STORES = ("counter", "rental")
ACCOUNT, TAGS = "Account External Id", "Customer Tag External Id"
ADDRESS, UNLINK = "Address External Id", "Unlink Address"
COMPANY, REGISTERED = "Company Registration Name", "Business Registration Number"
FULL_NAME, STREET, ZIP_CODE, CITY = "Address Full Name", "Address Street Name", "Address Zip Code", "Address City"
# Id, name, tags, zip code, city, country.
ACCOUNTS = (
    ("TY-JOINERY", "Joinery Lindqvist & Daughters", "TRADE||WOOD", "411 03", "Göteborg", "Sweden"),
    ("TY-MASONS", "Maçons du Vercors", "TRADE", "38250", "Villard-de-Lans", "France"),
    ("TY-ROOFERS", "Dachdecker Ölschläger GmbH", "TRADE", "79098", "Freiburg", "Germany"),
    ("TY-BOATS", "Strand Boatyard", "TRADE||WOOD||MARINE", "IV27 4TN", "Lochinver", "United Kingdom"),
    ("TY-SCHOOL", "Lycée professionnel des Brosses", "SCHOOLS", "69100", "Villeurbanne", "France"),
    ("TY-COLLEGE", 'Høgskolen, avd. "Bygg"', "SCHOOLS", "0166", "Oslo", "Norway"),
    ("TY-THEATRE", "Theatre workshop; stage and props", "", "1012 JS", "Amsterdam", "Netherlands"),
    ("TY-TOWN", "Ville de Saint-Étienne, ateliers", "PUBLIC", "42000", "Saint-Étienne", "France"),
    ("TY-FARM", "Hof Immergrün", "", "6020", "Innsbruck", "Austria"),
    ("TY-GARAGE", "Garage Peñalara", "TRADE", "28491", "Navacerrada", "Spain"),
    ("TY-PAINTERS", "Peintres associés", "TRADE", "1003", "Lausanne", "Switzerland"),
    ("TY-CLOSED", "Old Mill Workshops", "", "LA2 8AA", "Lancaster", "United Kingdom"),
)
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


def accounts() -> Sheet:
    """A row per address: every third account has a depot too."""
    header = (
        ACCOUNT,
        "Account Name",
        COMPANY,
        REGISTERED,
        "Account Manager Name",
        "Account Website",
        "Account VAT Number",
        TAGS,
        "Inactive",
        ADDRESS,
        "Address Label",
        FULL_NAME,
        STREET,
        "Address Additional Street Name",
        ZIP_CODE,
        CITY,
        "Address Country",
        "Address Phone Number",
        "Shipping Address",
        "Billing Address",
        UNLINK,
    )
    good = [Row(cells) for number, account in enumerate(ACCOUNTS) for cells in _account(number, *account)]
    new = good[2].cells | {ACCOUNT: "TY-NEW", "Account Name": "New in town"}
    wrong = {
        3: [Row(good[2].cells | {ADDRESS: "TY-MASONS-YARD", CITY: ""}, Note("required", "addressCity"))],
        5: [Row(new | {REGISTERED: "", ADDRESS: "TY-NEW-HQ"}, Note("other_row_invalid", ""))],
        7: [
            Row(
                good[6].cells | {ADDRESS: "TY-SCHOOL-YARD", "Billing Address": "non"},
                Note("malformed", "billingAddress"),
            )
        ],
        9: [Row(new | {ADDRESS: ""}, Note("required", "addressExternalId"))],
        11: [Row(good[11].cells | {"Address Label": "Office"}, warning=Note("superseded"))],
        13: [Row(good[12].cells | {ADDRESS: "TY-FARM-BARN", UNLINK: "TRUE"}, warning=Note("unknown_key"))],
    }
    return Sheet("ACCOUNT", "accounts.csv", header, list(insert(good, wrong)), ";", line_end=CRLF, mark=BOM)


def _account(number: int, key: str, name: str, tags: str, zip_code: str, city: str, country: str) -> list[Cells]:
    short = key[3:].lower()
    account = {
        ACCOUNT: key,
        "Account Name": name,
        COMPANY: name.upper(),
        REGISTERED: f"{412_000_117 + number * 1_379}",
        "Account Manager Name": ("Ines Okafor", "", "Théo Vandermeer")[number % 3],
        "Account Website": f"https://{short}.example.com" if number % 2 else "",
        "Account VAT Number": "" if country in ("Norway", "Switzerland") else f"VAT{4_120_001 + number * 37}",
        TAGS: tags,
        "Inactive": "TRUE" if key == "TY-CLOSED" else "",
    }
    place = {FULL_NAME: name, ZIP_CODE: zip_code, CITY: city, "Address Country": country}
    office = (
        account | place | {ADDRESS: f"{key}-HQ", "Address Label": "Head office", STREET: f"{7 + number} Anvil Road"}
    )
    office |= {"Address Phone Number": f"+44 1632 9600{10 + number}"}
    if number % 3:
        return [office]
    depot = (
        account | place | {ADDRESS: f"{key}-DEPOT", "Address Label": "Depot", STREET: f"Gate {1 + number}, the docks"}
    )
    depot |= {"Address Additional Street Name": "Ring twice", "Shipping Address": "TRUE", "Billing Address": "false"}
    return [office | {"Shipping Address": "FALSE", "Billing Address": "TRUE"}, depot]


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
