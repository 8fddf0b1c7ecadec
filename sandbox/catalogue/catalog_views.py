"""Catalog views of the sample catalogue: who may buy which assortments."""

from __future__ import annotations

from sandbox.catalogue.sheet import Cells, Note, Row, Sheet, insert
from sandbox.catalogue.words import TREE

VIEW, NAME, ABOUT = "Catalog View External Id", "Catalog Name", "Catalog Description"
ALLOWED, FORBIDDEN = "Allowed Assortment External Ids", "Forbidden Assortment External Ids"
SEEN_BY, ACTIVE = "Account External Ids", "Active"
EMPTY, DELETE = "Empty Rules", "Mark Catalog View For Deletion"
EVERYTHING = "||".join(f"AST-{code}" for code, _ in TREE)
# Id, name, what it is for, allowed and forbidden assortments, accounts.
VIEWS = (
    ("CV-ALL", "Everything", "For whoever has no view of their own", EVERYTHING, "", ""),
    ("CV-TRADE", "Trade", "Opened at six", EVERYTHING, "AST-SEASON", "TY-JOINERY||TY-MASONS||TY-ROOFERS"),
    ("CV-BOATS", "Boatyard", "Nothing that rusts; ask first", "AST-HAND||AST-FIX", "AST-STARTER", "TY-BOATS"),
    ("CV-SCHOOLS", "Écoles et lycées", "", "AST-STARTER||AST-SAFE", "AST-POWER", "TY-SCHOOL||TY-COLLEGE"),
    ("CV-TOWN", "Town", 'Contract "2026", ateliers', "AST-HAND||AST-MEASURE||AST-SAFE", "", "TY-TOWN"),
    ("CV-SEASON", "Season", "", "AST-SEASON", "", ""),
)


def catalog_views() -> Sheet:
    header = (VIEW, NAME, ABOUT, ALLOWED, FORBIDDEN, SEEN_BY, ACTIVE, EMPTY, DELETE)
    good = [Row(_view(*view)) for view in VIEWS]
    new = good[1].cells | {VIEW: "CV-NEW"}
    wrong = {
        1: [Row(new | {ALLOWED: "AST-HAND||AST-LOST"}, Note("unknown_reference", "allowedAssortmentExternalId"))],
        2: [Row(new | {SEEN_BY: "TY-NOBODY"}, Note("unknown_reference", "accountExternalId"))],
        3: [Row(new | {NAME: ""}, Note("required", "catalogName"))],
        4: [Row(good[4].cells | {ABOUT: "Contract of last year"}, warning=Note("superseded"))],
        5: [
            Row({VIEW: "CV-GONE", DELETE: "TRUE"}, warning=Note("unknown_key")),
            Row(new | {ACTIVE: "on"}, Note("malformed", "active")),
        ],
    }
    return Sheet("CATALOG_VIEW", "catalog_views.csv", header, list(insert(good, wrong)), ",")


def _view(key: str, name: str, about: str, allowed: str, forbidden: str, accounts: str) -> Cells:
    """The one for the season rests; the first is told anew as a whole."""
    return {
        VIEW: key,
        NAME: name,
        ABOUT: about,
        ALLOWED: allowed,
        FORBIDDEN: forbidden,
        SEEN_BY: accounts,
        ACTIVE: "FALSE" if key == "CV-SEASON" else "",
        EMPTY: "TRUE" if key == "CV-ALL" else "",
    }
