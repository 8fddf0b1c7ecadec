"""The pages of export jobs: list with health, form with consequences, history, run, duplicate, switch, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import executions
from datahub.models.connection import Connection
from datahub.models.execution import ERROR, JOB_PENDING, JOB_STARTED, JOB_STOPPED, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.order import ORDER_STATUSES
from datahub.vault import Vault
from tests import factories
from tests.servers import SshServer
from tests.statements import noted_statements
from tests.webapp.conftest import ParsingClient, drawn, parse
from tests.webapp.test_executions import engine_of
from webapp.export_jobs.forms import IN_LIFE_CYCLE_ORDER

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
Add = Callable[..., ExportJob]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1nsbnNpOYrTHTtQJYTVYkDZ4sa0nTtFlOyRnkTpwpS"
FORM = {
    "name": "Orders to ERP",
    "output_folder": "out/orders",
    "export_format": "XML",
    "file_name_format": "SHORT",
    "trigger_statuses": ["SHIPPED", "ACCEPTED_BY_SUPPLIER"],
    "active": "y",
}


@pytest.fixture
def connection(sessions: Sessions, vault: Vault) -> Connection:
    with sessions.begin() as session:
        return factories.add_connection(session, vault, name="ERP", host_key=HOST_KEY)


@pytest.fixture
def add(sessions: Sessions, connection: Connection) -> Add:
    """add(name=…, suppliers=["SUP-1"], orders=2): a committed job, and orders in the status that triggers it."""

    def add(orders: int = 0, suppliers: tuple[str, ...] = (), **fields: Any) -> ExportJob:
        with sessions.begin() as session:
            chosen = [factories.make_supplier(session, external_id) for external_id in suppliers]
            job = factories.make_job(session, session.get_one(Connection, connection.id), suppliers=chosen, **fields)
            for _ in range(orders):
                factories.make_order(session, status="ACCEPTED_BY_SUPPLIER")
        return job

    return add


def run(sessions: Sessions, job: ExportJob, *outcomes: str) -> None:
    """One execution for each outcome, each of an order of its own, a minute after the one before."""
    with sessions() as session:
        for _ in outcomes:
            factories.make_order(session, status="ACCEPTED_BY_SUPPLIER")
        executions.run_job(session, session.get_one(ExportJob, job.id), actor="ada")
        rows = session.scalars(select(Execution).where(Execution.export_job_id == job.id).order_by(Execution.id))
        now = database_now(session)
        for minute, (row, outcome) in enumerate(zip(rows.all()[-len(outcomes) :], outcomes, strict=True)):
            row.status, row.attempts, row.executed_at = outcome, 1, now + timedelta(minutes=minute)
            if outcome == JOB_STARTED:
                row.lease_until = now
        session.commit()


def stored(sessions: Sessions) -> list[ExportJob]:
    with sessions() as session:
        return list(session.scalars(select(ExportJob).order_by(ExportJob.id)))


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


def test_statuses_are_offered_as_an_order_lives() -> None:
    assert tuple(IN_LIFE_CYCLE_ORDER) == ORDER_STATUSES


def test_without_a_connection_the_pages_say_make_one_first(sign_in: SignIn) -> None:
    client = sign_in("OPERATOR")
    for address in ("/export-jobs", "/export-jobs/new/sftp"):
        page = main_of(client.get(address).text)
        assert "Make a connection first" in page and "/connections/new/sftp" in page
        assert "<form" not in page


def test_a_new_job_is_stored_as_it_was_filled_in(sign_in: SignIn, connection: Connection, sessions: Sessions) -> None:
    with sessions.begin() as session:
        factories.make_supplier(session, "SUP-7")
    client = sign_in("OPERATOR")
    data = FORM | {"connection_id": connection.public_id, "supplier_external_ids": ["SUP-7"]}
    answer = client.post("/export-jobs/new/sftp", data=data)
    (job,) = stored(sessions)
    assert answer.location == f"/export-jobs/{job.public_id}"
    assert (job.name, job.output_folder, job.export_format) == ("Orders to ERP", "out/orders", "XML")
    assert (job.trigger_statuses, job.active) == (["ACCEPTED_BY_SUPPLIER", "SHIPPED"], True)
    page = main_of(client.get(answer.location).text)
    assert "SUP-7" in page and "Never run" in page and "Run now" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "taken"}, "Another export job is called taken."),
        ({"name": " "}, "Give the job a name."),
        ({"output_folder": ""}, "Give the folder on the server."),
        ({"output_folder": "a\nb"}, "Control characters and line breaks are not possible here."),
        ({"connection_id": ""}, "Choose a connection."),
        ({"connection_id": "gone"}, "There is no connection with the id"),
        ({"trigger_statuses": []}, "Choose at least one status."),
        ({"trigger_statuses": ["LOST"]}, "is not an order status."),
        ({"supplier_external_ids": ["NOBODY"]}, "There is no supplier with the external id NOBODY."),
        ({"export_format": "CSV"}, "Not a valid choice."),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_stored(
    sign_in: SignIn, connection: Connection, add: Add, sessions: Sessions, changes: dict[str, Any], message: str
) -> None:
    add(name="Taken")
    data = FORM | {"connection_id": connection.public_id} | changes
    answer = sign_in("OPERATOR").post("/export-jobs/new/sftp", data=data)
    assert answer.status_code == 422
    assert message in answer.text.replace("&#39;", "'").partition('id="preview"')[0]
    assert [job.name for job in stored(sessions)] == ["Taken"]


def test_a_disabled_connection_is_refused_for_a_new_job_and_kept_by_an_old_one(
    sign_in: SignIn, connection: Connection, add: Add, sessions: Sessions
) -> None:
    job = add()
    with sessions.begin() as session:
        session.execute(update(Connection).values(active=False))
    client = sign_in("OPERATOR")
    data = FORM | {"connection_id": connection.public_id}
    assert "ERP is disabled. Activate it first" in client.post("/export-jobs/new/sftp", data=data).text
    assert client.post(f"/export-jobs/{job.public_id}/edit", data=data).status_code == 303
    assert [job.name for job in stored(sessions)] == ["Orders to ERP"]


def test_editing_shows_what_is_stored_and_entity_and_method_as_facts(sign_in: SignIn, add: Add) -> None:
    job = add(name="Mine", export_format="JSON", file_name_format="STANDARD", suppliers=("SUP-7",))
    page = sign_in("OPERATOR").get(f"/export-jobs/{job.public_id}/edit").text
    inputs = parse(page).findall(".//input")
    checked = {(it.get("name"), it.get("value")) for it in inputs if it.get("checked") is not None}
    assert checked == {
        ("export_format", "JSON"),
        ("file_name_format", "STANDARD"),
        ("trigger_statuses", "ACCEPTED_BY_SUPPLIER"),
        ("supplier_external_ids", "SUP-7"),
        ("active", "y"),
    }
    assert {"entity", "method"}.isdisjoint(it.get("name") for it in inputs)
    assert "<dt>Method</dt><dd>SFTP</dd>" in page


def test_the_preview_shows_names_documents_and_numbers_and_saves_nothing(
    sign_in: SignIn, connection: Connection, add: Add, sessions: Sessions
) -> None:
    job = add(name="Taken", orders=2)
    client = sign_in("OPERATOR")
    data = FORM | {"connection_id": connection.public_id, "trigger_statuses": ["ACCEPTED_BY_SUPPLIER"]}
    page = client.post("/export-jobs/preview", data=data, htmx=True).text
    assert page.lstrip().startswith('<section id="preview"')
    assert "2 orders are in these statuses now" in drawn(page) and "<strong>every</strong> supplier" in page
    assert "Before it can be saved" not in page
    chosen = page.partition('class="file-name is-chosen"')[2].partition("</div>")[0]
    assert "Short" in chosen and "-1.xml" in chosen
    assert "&lt;status&gt;ACCEPTED_BY_SUPPLIER&lt;/status&gt;" in page
    assert "&#34;status&#34;: &#34;ACCEPTED_BY_SUPPLIER&#34;" in page
    changed = client.post("/export-jobs/preview", data=data | {"trigger_statuses": ["SHIPPED"]}, htmx=True).text
    assert "as it would be on reaching Shipped" in changed and "0 orders are in these statuses now" in drawn(changed)
    assert [it.name for it in stored(sessions)] == ["Taken"]
    taken = client.post("/export-jobs/preview", data=data | {"name": "taken"}, htmx=True).text
    assert "Name: another export job is called taken." in taken
    own = client.post(f"/export-jobs/preview?job={job.public_id}", data=data | {"name": "taken"}, htmx=True).text
    assert "Before it can be saved" not in own


def test_the_preview_of_an_empty_form_says_what_is_missing(sign_in: SignIn) -> None:
    page = sign_in("OPERATOR").post("/export-jobs/preview", htmx=True).text
    for words in ("Give the job a name.", "Choose a connection.", "Choose at least one status."):
        assert words in page
    assert "An invented order" in page


def test_suppliers_that_are_ticked_stay_while_others_are_searched(sign_in: SignIn, sessions: Sessions) -> None:
    with sessions.begin() as session:
        for number in range(60):
            factories.make_supplier(session, f"S-{number:02d}", name=f"Supplier {number}")
    client = sign_in("OPERATOR")
    data = {"supplier_external_ids": ["S-59"], "supplier_search": "supplier 1"}
    page = client.post("/export-jobs/suppliers", data=data, htmx=True).text
    ticks = [(it.get("value"), it.get("checked") is not None) for it in parse(page).findall(".//input")]
    assert ticks == [("S-59", True), ("S-01", False)] + [(f"S-{number}", False) for number in range(10, 20)]
    assert "There are more" in client.post("/export-jobs/suppliers", htmx=True).text


def test_folders_of_the_server_can_be_walked(
    sign_in: SignIn, sessions: Sessions, vault: Vault, sshd: SshServer
) -> None:
    (sshd.files / "out" / "orders").mkdir(parents=True)
    with sessions.begin() as session:
        public_id = factories.add_connection(session, vault, sshd).public_id
    client = sign_in("OPERATOR")
    top = client.post("/export-jobs/folder", data={"connection_id": public_id}, htmx=True).text
    assert 'name="open" value="out"' in top
    below = client.post("/export-jobs/folder", data={"connection_id": public_id, "open": "out"}, htmx=True).text
    assert 'value="out"' in below and 'name="open" value="orders"' in below
    data = {"connection_id": public_id, "output_folder": "nowhere"}
    assert "The folder nowhere does not exist" in client.post("/export-jobs/folder", data=data, htmx=True).text
    assert "Choose a connection first." in client.post("/export-jobs/folder", htmx=True).text


@pytest.mark.parametrize(
    ("outcomes", "words", "reason"),
    [
        ((), "Never run", ""),
        ((SUCCESS, SUCCESS), "Healthy", ""),
        ((ERROR, *[SUCCESS] * 6), "Needs you", "1 order failed"),
        ((SUCCESS, JOB_PENDING), "Retrying by itself", "1 order waiting"),
        ((JOB_STOPPED,), "Healthy", ""),
    ],
)
def test_the_list_says_whose_turn_it_is(
    sign_in: SignIn, add: Add, sessions: Sessions, outcomes: tuple[str, ...], words: str, reason: str
) -> None:
    run(sessions, add(), *outcomes)
    page = sign_in("VIEWER").get("/export-jobs").text
    shown = page.partition('data-label="Health">')[2].partition("</td>")[0]
    assert words in shown and reason in shown
    assert page.count('class="tick ') == min(len(outcomes), 5)


def test_a_retried_failure_needs_nobody_any_more(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    run(sessions, add(), ERROR)
    client = sign_in("OPERATOR")
    assert "Needs you" in main_of(client.get("/export-jobs?state=NEEDS_YOU").text).partition("</form>")[2]
    with sessions.begin() as session:
        executions.retry(session, session.scalars(select(Execution)).one(), actor="ada")
    assert "No job fits" in client.get("/export-jobs?state=NEEDS_YOU").text


def test_a_job_whose_connection_is_disabled_needs_a_person(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    add()
    with sessions.begin() as session:
        session.execute(update(Connection).values(active=False))
    assert "connection disabled" in sign_in("VIEWER").get("/export-jobs").text


def test_the_list_is_filtered_by_name_connection_and_state(sign_in: SignIn, add: Add, connection: Connection) -> None:
    add(name="Alpha")
    add(name="Beta", active=False)
    client = sign_in("VIEWER")
    by_name = client.get(f"/export-jobs?search=ALP&connection={connection.public_id}&state=", htmx=True)
    assert by_name.text.lstrip().startswith('<div id="jobs">')
    assert "Alpha" in by_name.text and "Beta" not in by_name.text
    assert by_name.headers["HX-Push-Url"] == f"/export-jobs?search=ALP&connection={connection.public_id}"
    by_state = client.get("/export-jobs?state=INACTIVE", htmx=True).text
    assert "Beta" in by_state and "Alpha" not in by_state
    assert "No job fits" in client.get("/export-jobs?connection=other").text


def test_the_list_costs_the_same_few_statements_however_long(
    sign_in: SignIn, app: APIFlask, add: Add, sessions: Sessions
) -> None:
    client = sign_in("OPERATOR")
    run(sessions, add(suppliers=("SUP-1",)), SUCCESS, ERROR)
    with noted_statements(engine_of(app)) as few:
        client.get("/export-jobs")
    for number in range(4):
        run(sessions, add(suppliers=("SUP-1", f"OTHER-{number}")), SUCCESS, SUCCESS, ERROR)
    with noted_statements(engine_of(app)) as many:
        page = client.get("/export-jobs").text
    assert len(many) == len(few)
    assert page.count('data-label="Job"') == 5


def test_the_history_is_filtered_paged_and_live(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add()
    run(sessions, job, *[SUCCESS] * 20, ERROR, JOB_PENDING)
    client = sign_in("VIEWER")
    address = f"/export-jobs/{job.public_id}"
    first = client.get(address).text
    assert first.count('<tr id="execution-') == 20
    assert first.count('hx-trigger="every') == 1
    assert "before=" in first
    failed = client.get(f"{address}?statuses=ERROR", htmx=True)
    assert failed.text.lstrip().startswith('<div id="history">')
    assert failed.text.count('<tr id="execution-') == 1
    assert failed.headers["HX-Push-Url"] == f"{address}?statuses=ERROR"
    assert "No execution fits" in client.get(f"{address}?search=zz", htmx=True).text


def test_running_asks_with_a_number_and_sends_that_many_once(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(orders=3)
    client = sign_in("OPERATOR")
    address = f"/export-jobs/{job.public_id}"
    assert "Send 3 orders" in client.get(f"{address}/run").text
    assert client.post(f"{address}/run").location == address
    assert "3 orders are on the way." in client.get(address).text
    assert "There is nothing to send" in client.get(f"{address}/run").text
    client.post(f"{address}/run")
    with sessions() as session:
        assert len(session.scalars(select(Execution)).all()) == 3


def test_a_duplicate_is_inactive_and_opens_for_editing(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add(name="Mine", suppliers=("SUP-7",))
    client = sign_in("OPERATOR")
    answer = client.post(f"/export-jobs/{job.public_id}/duplicate")
    _, copy = stored(sessions)
    assert (copy.name, copy.active) == ("Mine - COPY", False)
    assert answer.location == f"/export-jobs/{copy.public_id}/edit"
    assert 'value="SUP-7" checked' in drawn(client.get(answer.location).text)


def test_activating_and_deactivating(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    address = f"/export-jobs/{add().public_id}"
    client = sign_in("OPERATOR")
    for action, is_active in (("deactivate", False), ("activate", True)):
        assert client.post(f"{address}/{action}").location == address
        assert stored(sessions)[0].active is is_active


def test_deleting_says_what_stops_and_keeps_the_history(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add()
    run(sessions, job, SUCCESS, JOB_PENDING)
    client = sign_in("OPERATOR")
    address = f"/export-jobs/{job.public_id}/delete"
    page = client.get(address).text
    assert "<strong>1 execution</strong>" in page and "exportOrderEnabled" in page
    assert client.post(address).location == "/export-jobs"
    assert stored(sessions) == []
    with sessions() as session:
        assert sorted(session.scalars(select(Execution.status))) == [JOB_STOPPED, SUCCESS]


def test_a_job_that_is_delivering_is_not_deleted(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    job = add()
    run(sessions, job, JOB_STARTED, JOB_PENDING)
    client = sign_in("OPERATOR")
    page = client.get(f"/export-jobs/{job.public_id}/delete").text
    assert "is being delivered at this moment" in page and "1 more waits and stops once the job is deleted" in page
    assert "Delete for good" not in page
    answer = client.post(f"/export-jobs/{job.public_id}/delete")
    assert answer.status_code == 409
    assert "is delivering at this moment" in answer.text
    with sessions() as session:
        assert sorted(session.scalars(select(Execution.status))) == [JOB_PENDING, JOB_STARTED]


def test_viewers_look_and_change_nothing(sign_in: SignIn, add: Add) -> None:
    address = f"/export-jobs/{add().public_id}"
    client = sign_in("VIEWER")
    for page in (client.get("/export-jobs"), client.get(address)):
        assert page.status_code == 200
        assert 'method="post"' not in main_of(page.text) and "/run" not in main_of(page.text)
    assert client.get("/export-jobs/new/sftp").status_code == 403
    for action in ("edit", "run", "duplicate", "activate", "deactivate", "delete"):
        assert client.post(f"{address}/{action}").status_code == 403, action
    for action in ("preview", "suppliers", "folder"):
        assert client.post(f"/export-jobs/{action}", htmx=True).status_code == 403, action
