"""The navigation of the sample catalogue's default store. A file of one is taken as a whole, so no row is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.catalogue.sheet import Cells, Row, Sheet
from sandbox.catalogue.words import TREE

KEY, PARENT, SHOWN = (
    "Navigation Category External Id",
    "Navigation Category Parent Id",
    "Classification Category Code",
)
ENGLISH, FRENCH = "Navigation Category Names[en-GB]", "Navigation Category Names[fr-FR]"
ACTIVE, POSITION = "Navigation Category Active", "Navigation Category Position"


def navigation() -> Sheet:
    header = (KEY, ENGLISH, FRENCH, PARENT, SHOWN, ACTIVE, POSITION, "store")
    return Sheet("NAVIGATION_CATEGORY", "navigation.csv", header, [Row(cells) for cells in _rows()], ";")


def _rows() -> Iterator[Cells]:
    """A menu for each branch and an entry for each of its middles, which come before their menu."""
    for number, ((top, name), middles) in enumerate(TREE.items(), 1):
        for place, (middle, middle_name) in enumerate(middles, 1):
            leaves = [leaf for leaf, *_ in middles[middle, middle_name]]
            yield {KEY: f"NAV-{middle}", ENGLISH: middle_name, PARENT: f"NAV-{top}", POSITION: str(place)} | {
                SHOWN: "||".join([middle, *leaves]),
                "store": "default_store",
            }
        yield {KEY: f"NAV-{top}", ENGLISH: name, PARENT: "Root_default", SHOWN: top, POSITION: str(number)} | {
            ACTIVE: "FALSE" if number == len(TREE) else ""
        }
    everything = "||".join(top for top, _ in TREE)
    yield {KEY: "NAV-ALL", ENGLISH: "Everything", FRENCH: "Tout", PARENT: "Root_default_store", SHOWN: everything}
