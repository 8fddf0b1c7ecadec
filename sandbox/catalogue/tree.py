"""Attributes and classification categories of the sample catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from sandbox.catalogue.sheet import BOM, CRLF, Cells, Note, Row, Sheet, insert, pick
from sandbox.catalogue.words import ATTRIBUTES, FOR_VARIANTS, TREE, UNITS

NEW = "Attribute External Id"
CATEGORY, PARENT, LINKED = "Classification External Id", "Classification Parent External Id", "Attr Code"


def attributes() -> Sheet:
    header = (
        NEW,
        "Attribute Names[en-GB]",
        "Attribute Names[fr-FR]",
        "Attribute Type",
        "Attribute Values[en-GB]",
        "Attribute Values[fr-FR]",
        "Attribute Multi",
        "Attribute Unit Type",
        "Attribute Unit",
        "Attribute Variant",
        "Attribute Stores External Id",
    )
    good = [Row(_attribute(*attribute)) for attribute in ATTRIBUTES]
    names = {"Attribute Names[en-GB]": "Torque", "Attribute Names[fr-FR]": "Couple"}
    wrong = {
        9: [Row({NEW: "torque", "Attribute Type": "LIST_NUMBER"} | names, Note("malformed", "attributeType"))],
        16: [Row(good[16].cells | {"Attribute Values[en-GB]": "Steel"}, warning=Note("superseded"))],
        25: [Row({NEW: "noise", "Attribute Type": "NUMBER"}, Note("required", "attributeNames"))],
        31: [
            Row(
                good[31].cells | {NEW: "width", "Attribute Unit": "mm"},
                Note("wrong_unit", "attributeUnit"),
            )
        ],
    }
    return Sheet("ATTRIBUTE", "attributes.csv", header, list(insert(good, wrong)), ";", line_end=CRLF)


def _attribute(code: str, english: str, french: str, kind: str, labels: str, french_labels: str) -> Cells:
    unit_type, unit = UNITS.get(code, ("", ""))
    return {
        NEW: code,
        "Attribute Names[en-GB]": english,
        "Attribute Names[fr-FR]": french,
        "Attribute Type": kind,
        "Attribute Values[en-GB]": labels,
        "Attribute Values[fr-FR]": french_labels,
        "Attribute Multi": "TRUE" if code in ("use", "colours") else "",
        "Attribute Unit Type": unit_type,
        "Attribute Unit": unit,
        "Attribute Variant": "TRUE" if code in FOR_VARIANTS else "FALSE",
        "Attribute Stores External Id": "" if code == "socket" else "default_store||counter",
    }


def categories() -> Sheet:
    header = (
        CATEGORY,
        "Classification Name",
        PARENT,
        LINKED,
        "Attr Enabled",
        "Attr Indexable",
        "Attr Required",
        "Attr For Variant",
        "Attr Faceted",
        "Attr Searchable",
        "Attr Sortable",
    )
    good = [Row(cells) for cells in _category_rows()]
    nowhere = {CATEGORY: "HAND-LOST", "Classification Name": "Lost & found", PARENT: "NOWHERE"}
    below = {CATEGORY: "HAND-LOST-KEYS", "Classification Name": "Lost keys", PARENT: "HAND-LOST"}
    wrong = {
        12: [Row(below, Note("unknown_reference", "classificationParentExternalId"))],
        20: [Row(nowhere, Note("unknown_reference", "classificationParentExternalId"))],
        45: [Row(good[45].cells | {LINKED: "flavour"}, Note("unknown_reference", "attrCode"))],
        70: [Row(good[70].cells | {LINKED: "tested", "Attr Sortable": "oui"}, Note("malformed", "attrSortable"))],
    }
    return Sheet(
        "CLASSIFICATION_CATEGORY",
        "categories.csv",
        header,
        list(insert(good, wrong)),
        ",",
        line_end=CRLF,
        mark=BOM,
    )


@cache
def borne_by(leaf: str) -> frozenset[str]:
    """The attributes that products of a leaf bear: its own, and those of the branch above it."""
    rows = [row for row in _category_rows() if leaf == row[CATEGORY] or leaf.startswith(f"{row[CATEGORY]}-")]
    return frozenset(row[LINKED] for row in rows if LINKED in row)


def _category_rows() -> Iterator[Cells]:
    """Of the second branch and the last, children stand before their parents."""
    for number, ((top, name), middles) in enumerate(TREE.items()):
        branch = [_category(top, name, "Root", ("model", "guarantee"))]
        for (middle, middle_name), leaves in middles.items():
            branch.append(_category(middle, middle_name, top, ("weight",)))
            for leaf, leaf_name, *_ in leaves:
                others = (pick(("material", "finish", "use"), leaf), pick(FOR_VARIANTS, leaf))
                branch.append(_category(leaf, leaf_name, middle, others))
        if number in (1, len(TREE) - 1):
            branch.reverse()
        for rows in branch:
            yield from rows


def _category(key: str, name: str, parent: str, linked: tuple[str, ...]) -> list[Cells]:
    """A row per link; the categories without links, about one of five, have a row without."""
    cells = {CATEGORY: key, "Classification Name": name, PARENT: parent}
    if pick(range(5), key) == 0:
        return [cells]
    return [cells | _link(key, code) for code in linked]


def _link(key: str, code: str) -> Cells:
    indexable = pick(("TRUE", "FALSE"), key, code)
    return {
        LINKED: code,
        "Attr Enabled": "" if code == "model" else "TRUE",
        "Attr Indexable": indexable,
        "Attr Required": "true" if code == "model" else "false",
        "Attr For Variant": "TRUE" if code in FOR_VARIANTS else "FALSE",
        "Attr Faceted": indexable,
        "Attr Searchable": pick(("TRUE", "FALSE", ""), code, key),
        "Attr Sortable": "FALSE",
    }
