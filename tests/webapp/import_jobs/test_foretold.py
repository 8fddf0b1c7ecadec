"""What the form of import jobs foretells: rows that a run would reject, and what Full mode or a new tree removes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import database_now, only_reads
from datahub.jobs import import_trial
from datahub.models.connection import Connection
from datahub.models.navigation import NavigationCategory
from datahub.models.party import Store
from datahub.models.setting import GeneralSettings
from tests import factories
from tests.importer import navigation
from tests.webapp.conftest import parse
from tests.webapp.import_jobs.conftest import Sessions, SignIn
from tests.webapp.import_jobs.pages import look, piece


def test_what_a_run_would_reject_is_told_and_what_new_records_lack_stands_at_its_field(
    sign_in: SignIn, form: dict[str, Any], inbound: Path
) -> None:
    (inbound / "offers.csv").write_text("externalId;accountExternalId\nS-1;ACC\nS-2;ACC-2\n")
    client, address = sign_in("OPERATOR"), "/imports/preview?entity=SUPPLIER"
    page = look(client, form, address)
    assert piece(page, "verdict") == "If it ran now, 2 of the 2 rows looked at would be rejected:"
    assert "There is no account with the external id ACC." in page and "2 rows, 2 such values" in page
    assert piece(page, "result-2") == "The row gives no value here, and must."
    (inbound / "offers.csv").write_text("externalId;CF_lost\nS-1;x\n")
    page = look(client, form | {"afresh": "y"}, address)
    assert piece(page, "verdict") == "A run takes no row of this file as it is." and "CF_lost" in page
    assert "Every column is used" not in page


def test_full_mode_says_what_it_removes(sign_in: SignIn, form: dict[str, Any], inbound: Path) -> None:
    (inbound / "offers.csv").write_text("Stock Id;Stock Deleted\nS-1;\nS-2;\n")
    client = sign_in("OPERATOR")
    page = look(client, form | {"import_full_mode": "y"})
    assert "Full mode is on. Custom fields of offers in the file are removed where the file gives no value" in page
    assert "Nothing is removed from offers that are not in the file" in page and "I know that" in page
    assert piece(page, "cleared") == "In the 2 rows looked at it would clear nothing now."
    (inbound / "keyless.csv").write_text("Stock Id;Stock Deleted\nS-1;\n ;TRUE\nS-3\n")
    page = look(client, form | {"import_full_mode": "y", "file_path": "in/keyless.csv"})
    told = "It would clear nothing: line 3 has no key that can be read, so it may belong to any record."
    assert piece(page, "cleared") == f"{told} Mend that line first."
    assert "Full mode is on" not in look(client, form | {"full_mode_known": "y"})


def test_full_mode_says_of_each_entity_what_it_removes(sign_in: SignIn) -> None:
    client = sign_in("OPERATOR")

    def told(entity: str) -> str:
        return look(client, {"import_full_mode": "y"}, f"/imports/preview?entity={entity}")

    assert "Attributes of products and variants in the file" in told("PRODUCT")
    assert "Custom fields of orders and their lines in the file" in told("ORDER")
    tree = told("NAVIGATION_CATEGORY")
    assert "Custom fields of navigation categories" in tree and "Nothing is removed from" not in tree


def test_a_file_without_rows_is_not_held_against_a_tree_that_it_would_replace(
    sign_in: SignIn, form: dict[str, Any], sessions: Sessions, inbound: Path
) -> None:
    (inbound / "offers.csv").write_text(";".join(navigation("N")) + "\n")
    with sessions.begin() as session:
        store = session.scalars(select(Store)).first()
        assert store
        now = database_now(session)
        session.add(NavigationCategory(store_id=store.id, external_id="N", names={}, created_at=now, updated_at=now))
        chosen_store = {"store_external_ids": store.external_id}
    page = look(sign_in("OPERATOR"), form | chosen_store, "/imports/preview?entity=NAVIGATION_CATEGORY")
    assert "There is 1 now." in piece(page, "replaced")
    assert "A run refuses it, as it would remove everything" in page


def test_one_language_of_a_required_name_is_enough_and_no_line_is_marked_as_required(
    sign_in: SignIn, form: dict[str, Any], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
    page = sign_in("OPERATOR").get("/imports/new/sftp?entity=NAVIGATION_CATEGORY").text
    rows = {
        code: " ".join("".join(row.itertext()).split())
        for row in parse(page).findall(".//table[@class='table table-cards mapping-table']/tbody/tr")
        if (code := "".join(row.find(".//code").itertext()))
    }
    for place in ("navigationCategoryNames", "navigationCategoryNames[fr-FR]"):
        assert "in one language, in each row" in rows[place] and "*" not in rows[place]
    assert "*" in rows["navigationCategoryExternalId"]


def test_a_form_that_is_refused_is_shown_again_without_keeping_other_writers_waiting(
    sign_in: SignIn, form: dict[str, Any], sessions: Sessions, inbound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbound / "offers.csv").write_text("Stock Id;Stock Deleted\nS-1;\n")
    client, inner, only_read = sign_in("OPERATOR"), import_trial.find_faults, []

    def noted(session: Session, *args: Any, **more: Any) -> Any:
        only_read.append(only_reads(session.connection()))
        return inner(session, *args, **more)

    monkeypatch.setattr(import_trial, "find_faults", noted)
    with sessions.begin() as session:
        connection = session.scalars(select(Connection)).one()
        job = factories.add_import_job(session, connection, file_path="in/offers.csv")
    look(client, form)
    for address in ("/imports/new/sftp?entity=OFFER", f"/imports/{job.public_id}/edit"):
        answer = client.post(address, data=form | {"name": ""})
        assert answer.status_code == 422 and "would be rejected" in piece(answer.text, "verdict")
    assert only_read == [True, True, True]


def test_where_a_file_is_taken_as_a_whole_one_row_that_is_rejected_refuses_it(
    sign_in: SignIn, form: dict[str, Any], inbound: Path
) -> None:
    rows = [navigation("N"), navigation("M", navigationCategoryPosition="x")]
    header = list(rows[1])
    lines = [";".join(header), *(";".join(row.get(name, "") for name in header) for row in rows)]
    (inbound / "offers.csv").write_text("\n".join([*lines, ""]))
    client, address = sign_in("OPERATOR"), "/imports/preview?entity=NAVIGATION_CATEGORY"
    told = piece(look(client, form, address), "verdict")
    assert told.startswith(
        "1 of the 2 rows looked at is wrong by itself, so a run refuses the whole file. The rows are"
    )
    told = piece(look(client, form | {"store_external_ids": "default_store"}, address), "verdict")
    assert told == "If it ran now, 2 of the 2 rows looked at would be rejected, so a run refuses the whole file:"
