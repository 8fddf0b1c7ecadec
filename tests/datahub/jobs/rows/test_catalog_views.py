"""Catalog views: lists that a row replaces, a flag that empties them, and accounts that leave them when they go."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import record_reads, records
from datahub.models.catalog_view import CatalogView
from datahub.models.change import Change
from tests.catalogue import make_assortment
from tests.factories import make_account
from tests.importer import Importer, causes, counts

Sessions = sessionmaker[Session]
Lists = tuple[list[str], list[str], list[str]]


@pytest.fixture(autouse=True)
def known(sessions: Sessions) -> None:
    """What views refer to."""
    with sessions.begin() as session:
        for name in ("R-1", "R-2", "R-3"):
            make_assortment(session, name)
        for name in ("ACC-1", "ACC-2", "ACC-3"):
            make_account(session, name)
        make_account(session, "ACC-GONE", deleted_at=database_now(session))


def view(
    key: str = "V", allowed: str = "", forbidden: str = "", accounts: str = "", name: str = "Trade", **more: str
) -> dict[str, str]:
    row = {"catalogExternalId": key, "catalogName": name, "allowedAssortmentExternalId": allowed}
    return row | {"excludedAssortmentExternalId": forbidden, "accountExternalId": accounts} | more


def stored(sessions: Sessions) -> dict[str, Lists]:
    with sessions() as session:
        live = session.scalars(select(CatalogView).where(CatalogView.deleted_at.is_(None)))
        return {row.external_id: (row.allowed, row.forbidden, row.accounts) for row in live}


def changes(sessions: Sessions) -> list[tuple[str, str, int | None, Any]]:
    """What the ledger says of views."""
    with sessions() as session:
        query = select(Change.record_key, Change.action, Change.line, Change.changes)
        rows = session.execute(query.where(Change.entity == "CATALOG_VIEW").order_by(Change.id))
        return [(key, action, line, fields) for key, action, line, fields in rows]


def test_a_list_that_a_row_gives_replaces_the_stored_one_and_an_empty_cell_keeps_it(
    load: Importer, sessions: Sessions
) -> None:
    row = view("V", "R-1||R-2", "R-3", "ACC-1||ACC-2")
    assert counts(load("CATALOG_VIEW", row, view("W", name="Empty"))) == {"created": 2}
    held = {"V": (["R-1", "R-2"], ["R-3"], ["ACC-1", "ACC-2"]), "W": ([], [], [])}
    assert stored(sessions) == held
    assert counts(load("CATALOG_VIEW", row, view("W", name=""))) == {"unchanged": 2}
    assert counts(load("CATALOG_VIEW", view("V", "R-2", "", "ACC-3"))) == {"updated": 1}
    assert stored(sessions) == held | {"V": (["R-2"], ["R-3"], ["ACC-3"])}
    assert changes(sessions)[2:] == [
        (
            "V",
            "updated",
            2,
            {
                "allowedAssortmentExternalId": [["R-1", "R-2"], ["R-2"]],
                "accountExternalId": [["ACC-1", "ACC-2"], ["ACC-3"]],
            },
        )
    ]


def test_columns_may_bear_their_labels(load: Importer, sessions: Sessions) -> None:
    row = {"Catalog View External Id": "V", "Catalog Name": "Trade", "Catalog Description": "At six"}
    row |= {"Allowed Assortment External Ids": "R-1", "Forbidden Assortment External Ids": "R-2||R-3"}
    row |= {"Account External Ids": "ACC-1", "Active": "FALSE", "Empty Rules": "FALSE"}
    assert counts(load("CATALOG_VIEW", row)) == {"created": 1}
    assert stored(sessions) == {"V": (["R-1"], ["R-2", "R-3"], ["ACC-1"])}
    assert counts(load("CATALOG_VIEW", row | {"Mark Catalog View For Deletion": "TRUE"})) == {"deleted": 1}
    assert stored(sessions) == {}


def test_a_flag_empties_the_lists_but_for_those_that_its_row_gives(load: Importer, sessions: Sessions) -> None:
    load("CATALOG_VIEW", view("V", "R-1||R-2", "R-3", "ACC-1"))
    done = load("CATALOG_VIEW", view("V", "R-3", emptyRules="TRUE"))
    assert (counts(done), stored(sessions)) == ({"updated": 1}, {"V": (["R-3"], [], [])})
    bare = {"catalogExternalId": "V", "emptyRules": "TRUE"}
    assert (counts(load("CATALOG_VIEW", bare)), stored(sessions)) == ({"updated": 1}, {"V": ([], [], [])})
    assert counts(load("CATALOG_VIEW", bare)) == {"unchanged": 1}


def test_a_flag_that_says_no_empties_nothing(load: Importer, sessions: Sessions) -> None:
    load("CATALOG_VIEW", view("V", "R-1"))
    load("CATALOG_VIEW", view("V", emptyRules="FALSE"), view("W", emptyRules="TRUE"))
    assert stored(sessions) == {"V": (["R-1"], [], []), "W": ([], [], [])}


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (view("V", "R-1||LOST"), ("unknown_reference", "allowedAssortmentExternalId")),
        (view("V", "", "LOST"), ("unknown_reference", "excludedAssortmentExternalId")),
        (view("V", "", "", "ACC-1||LOST"), ("unknown_reference", "accountExternalId")),
        (view("V", "", "", "ACC-GONE"), ("unknown_reference", "accountExternalId")),
        (view("V", name=""), ("required", "catalogName")),
        (view("", "R-1"), ("required", "catalogExternalId")),
        (view(active="on"), ("malformed", "active")),
        (view(emptyRules="all"), ("malformed", "emptyRules")),
        (view(delete="x"), ("malformed", "delete")),
    ],
)
def test_a_row_that_is_wrong_is_rejected_and_the_others_are_applied(
    load: Importer, sessions: Sessions, row: dict[str, str], cause: tuple[str, str]
) -> None:
    done = load("CATALOG_VIEW", row, view("W", "R-1"))
    assert causes(done) == [(2, *cause)]
    assert stored(sessions) == {"W": (["R-1"], [], [])}


def test_of_two_rows_of_a_view_the_last_counts_and_one_that_is_not_there_is_not_deleted(
    load: Importer, sessions: Sessions
) -> None:
    gone = {"catalogExternalId": "GONE", "delete": "TRUE"}
    done = load("CATALOG_VIEW", view("V", "R-1", "R-2"), view("V", "R-3"), gone)
    assert counts(done) == {"created": 1, "unchanged": 2}
    assert sorted((warning.row.line, warning.code) for warning in done.warnings) == [
        (2, "superseded"),
        (4, "unknown_key"),
    ]
    assert stored(sessions) == {"V": (["R-3"], [], [])}


def test_accounts_that_an_import_deletes_leave_the_views_that_they_were_in(load: Importer, sessions: Sessions) -> None:
    rows = view("U", "", "", "ACC-2"), view("V", "R-1", "", "ACC-1||ACC-2||ACC-3"), view("W", "", "", "ACC-3")
    load("CATALOG_VIEW", *rows, view("X", "", "", "ACC-1"))
    load("CATALOG_VIEW", {"catalogExternalId": "X", "delete": "TRUE"})
    before = len(changes(sessions))
    with sessions() as session:
        made = record_reads.get(session, "CATALOG_VIEW", "V").updated_at
    rows_of_accounts = [{"accountExternalId": f"ACC-{number}", "deleted": "TRUE"} for number in (3, 1)]
    assert counts(load("ACCOUNT", *rows_of_accounts)) == {"deleted": 2}
    assert stored(sessions) == {"U": ([], [], ["ACC-2"]), "V": (["R-1"], [], ["ACC-2"]), "W": ([], [], [])}
    assert changes(sessions)[before:] == [
        ("V", "updated", 2, {"accountExternalId": [["ACC-1", "ACC-2", "ACC-3"], ["ACC-2"]]}),
        ("W", "updated", 2, {"accountExternalId": [["ACC-3"], []]}),
    ]
    with sessions() as session:
        assert record_reads.get(session, "CATALOG_VIEW", "V").updated_at > made


def test_an_account_that_goes_leaves_the_suppliers_that_name_it(load: Importer, sessions: Sessions) -> None:
    supplier = {"externalId": "S-1", "name": "Acme", "accountExternalId": "ACC-1||ACC-2"}
    load("SUPPLIER", supplier)
    assert counts(load("ACCOUNT", {"accountExternalId": "ACC-1", "deleted": "TRUE"})) == {"deleted": 1}
    with sessions() as session:
        assert record_reads.get(session, "SUPPLIER", "S-1").accounts == ["ACC-2"]
    assert counts(load("SUPPLIER", supplier | {"accountExternalId": "ACC-2"})) == {"unchanged": 1}


def test_an_account_that_a_script_deletes_leaves_the_views_too(load: Importer, sessions: Sessions) -> None:
    load("CATALOG_VIEW", view("V", "", "", "ACC-1||ACC-2"), view("W", "", "", "ACC-2"))
    with sessions.begin() as session:
        records.put(session, "ACCOUNT", "ACC-1", fields={"deleted": True}, custom_fields={}, actor="script")
    assert stored(sessions) == {"V": ([], [], ["ACC-2"]), "W": ([], [], ["ACC-2"])}
    assert changes(sessions)[2:] == [
        ("V", "updated", None, {"accountExternalId": [["ACC-1", "ACC-2"], ["ACC-2"]]}),
    ]
