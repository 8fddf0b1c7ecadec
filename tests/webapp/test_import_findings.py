"""What the page of an import tells of warnings: by cause, then one by one, chosen in the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.execution import Execution
from datahub.models.import_run import ImportWarning
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, add_rejected_row
from tests.webapp.conftest import ParsingClient, drawn, parse

SignIn = Callable[[str], ParsingClient]
LATER = "A later row names the same key and counts instead"


@pytest.fixture
def execution(sessions: sessionmaker[Session], vault: Vault) -> Execution:
    """With 21 rejected rows, and 23 warnings of three causes."""
    with sessions.begin() as session:
        execution = add_import_execution(
            session, add_import_job(session, add_connection(session, vault)), run={"warnings": 23}
        )
        for number in range(21):
            add_rejected_row(session, execution, number)
            add_warning(session, execution, line=number, code="superseded", message=f"Twice {number}.")
        add_warning(session, execution, line=30, code="parent_differs", field="stockNumber", message="Differs.")
        add_warning(session, execution, code="unused_column", message="Not used.")
    return execution


def add_warning(session: Session, execution: Execution, **values: Any) -> None:
    session.add(ImportWarning(execution_id=execution.id, file="offers.csv", **values))


def page_of(execution: Execution, action: str = "") -> str:
    return f"/executions/{execution.public_id}{action}"


def warnings_in(page: str) -> list[str]:
    (table,) = parse(page).iterfind(".//table[caption='Warnings']")
    return ["".join(row[2].itertext()).strip() for row in table.iterfind("tbody/tr")]


def links_in(page: str) -> dict[str, str | None]:
    return {"".join(link.itertext()).strip(): link.get("href") for link in parse(page).iter("a")}


def test_warnings_are_counted_by_cause_in_words(sign_in: SignIn, execution: Execution) -> None:
    page = drawn(sign_in("VIEWER").get(page_of(execution)).text)
    causes = f"{LATER}</a>: 21 warnings", "Stock Number differs from an earlier row</a>: 1 warning <"
    assert [cause for cause in (*causes, "Column not used</a>: 1 warning <") if cause not in page] == []
    assert page.index(LATER) < page.index(causes[1])


def test_every_warning_is_reached_by_pages(sign_in: SignIn, execution: Execution) -> None:
    client, found = sign_in("VIEWER"), []
    addresses = [page_of(execution), page_of(execution, "?warnings_page=1")]
    for address in addresses:
        found += warnings_in(client.get(address).text)
    assert found == [*(f"Twice {number}." for number in range(21)), "Differs.", "Not used."]
    first, second = (parse(client.get(address).text).iterfind(".//nav[@class='pager']/a") for address in addresses)
    assert [link.get("href") for link in first][1] == page_of(execution, "?warnings_page=1#warnings")
    assert [link.get("href") for link in second][1] == page_of(execution, "#warnings")


def test_the_chosen_cause_of_warnings_stays_beside_that_of_rejected_rows(sign_in: SignIn, execution: Execution) -> None:
    client = sign_in("VIEWER")
    rejected = "cause=unknown_reference&field=supplier"
    link = links_in(client.get(page_of(execution, f"?{rejected}")).text)["Stock Number differs from an earlier row"]
    chosen = "warning=parent_differs&warning_field=stockNumber"
    assert link == page_of(execution, f"?{chosen}&{rejected}#warnings")
    page = client.get(link).text
    assert warnings_in(page) == ["Differs."]
    assert "Only: Stock Number differs from an earlier row." in page and "Only: Unknown supplier." in page
    assert links_in(page)["Show every warning"] == page_of(execution, f"?{rejected}#warnings")
    (again,) = parse(page).iterfind(".//div[@id='rows']")
    assert again.get("hx-get") == page_of(execution, f"/rows?{rejected}&{chosen}")


def test_reasons_that_differ_stand_in_their_rows(
    sign_in: SignIn, execution: Execution, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        fault = {"code": "required", "field": "price", "column": "", "value": "", "message": "This field is required."}
        add_rejected_row(session, execution, -1, cause="required", field="price", faults=[fault])
    client = sign_in("VIEWER")
    page = client.get(page_of(execution)).text
    assert page.count('data-label="Reason"') > 20 and "Reason of each row below" not in page
    alone = client.get(page_of(execution, "?cause=unknown_reference&field=supplier")).text
    assert "Reason of each row below: No supplier has this id." in alone and alone.count("No supplier has") == 1
