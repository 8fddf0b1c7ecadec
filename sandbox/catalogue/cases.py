"""What the help desk of a supplier says has become of incidents."""

from __future__ import annotations

from sandbox.catalogue.sheet import Note, Row, Sheet

# What the demo declares, by external id: a reason, and the status that it has before the first import.
INCIDENTS = {
    "DESK-1001": ("DAMAGED", "OPEN"),
    "DESK-1002": ("MISSING", "OPEN"),
    "DESK-1003": ("WRONG_ITEM", "ON_GOING"),
    "DESK-1004": ("DAMAGED", "CLOSED"),
}


def incidents() -> Sheet:
    header = ("Incident External Id", "Incident Status")
    told = (
        ("DESK-1001", "on_going", None),
        ("DESK-1002", "CLOSED", None),
        ("DESK-1003", "CLOSED", None),
        ("DESK-1004", "OPEN", Note("illegal_move", "incidentStatus")),
        ("DESK-1999", "CLOSED", Note("unknown_key", "incidentExternalId")),
        ("DESK-1001", "Solved", Note("malformed", "incidentStatus")),
        ("DESK-1002", "", Note("required", "incidentStatus")),
        ("", "CLOSED", Note("required", "incidentId")),
    )
    rows = [Row(dict(zip(header, (name, status), strict=True)), fault) for name, status, fault in told]
    return Sheet("INCIDENT", "incidents.csv", header, rows, ";")
