"""Home: what needs a person comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs.home import Hour
from datahub.models.execution import ERROR, JOB_PENDING, STATUSES, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.heartbeat import CLOCK, EXPORTER, Heartbeat
from datahub.models.import_job import ImportJob
from datahub.vault import Vault
from tests.factories import add_connection, add_import_execution, add_import_job, make_job, make_order
from tests.webapp.conftest import ParsingClient, parse
from webapp.dashboard import shown

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1nsbnNpOYrTHTtQJYTVYkDZ4sa0nTtFlOyRnkTpwpS"


def add_execution(session: Session, job: ExportJob, **changes: Any) -> Execution:
    order, now = make_order(session), database_now(session)
    values = {
        "public_id": str(uuid4()),
        "kind": "EXPORT",
        "job_public_id": job.public_id,
        "job_name": job.name,
        "entity": "ORDER",
        "entity_reference": order.reference,
        "trigger_status": "ACCEPTED_BY_SUPPLIER",
        "origin": "TRIGGER",
        "actor": "ada",
        "created_at": now,
        "executed_at": now,
    }
    execution = Execution(export_job=job, order=order, **values | changes)
    session.add(execution)
    session.flush()
    return execution


def section(client: ParsingClient, heading: str) -> str:
    """The text of the section that the heading names; empty when it is not shown."""
    for element in parse(client.get("/").text).iter("section"):
        if element.get("aria-labelledby") == heading:
            return " ".join("".join(element.itertext()).split())
    return ""


def test_a_fresh_hub_says_how_to_begin(sign_in: SignIn) -> None:
    page = sign_in("OPERATOR").get("/").text
    assert "No job yet" in page and "/connections/new/sftp" in page


def test_a_fresh_hub_stresses_the_step_that_comes_next(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("OPERATOR")

    def stressed() -> list[str]:
        links = parse(client.get("/").text).iter("a")
        return [str(link.text) for link in links if "btn-primary" in (link.get("class") or "")]

    assert stressed() == ["1. New connection"]
    with sessions.begin() as session:
        add_connection(session, vault)
    assert stressed() == ["2. New import job", "2. New export job"]


def test_a_viewer_is_not_offered_what_it_may_not_do(sign_in: SignIn) -> None:
    assert "/connections/new/sftp" not in sign_in("VIEWER").get("/").text


def test_processes_that_are_not_alive_need_a_person(sign_in: SignIn, sessions: Sessions) -> None:
    client = sign_in("VIEWER")
    assert "python -m worker clock" in section(client, "needs-you")
    with sessions.begin() as session:
        for role in (EXPORTER, CLOCK):
            now = database_now(session)
            session.add(Heartbeat(name=role, role=role, seen_at=now, swept_at=now))
    assert section(client, "needs-you") == ""


def test_a_failed_export_needs_a_person_until_it_is_retried(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        failed = add_execution(session, job, status=ERROR, error="The folder <out> is missing.")
    shown = section(client, "needs-you")
    assert failed.entity_reference in shown and "The folder <out> is missing." in shown
    with sessions.begin() as session:
        job = session.get_one(ExportJob, job.id)
        add_execution(session, job, status=SUCCESS, predecessor_id=failed.id, origin="RETRY")
    assert failed.entity_reference not in section(client, "needs-you")


def test_exports_held_by_a_disabled_connection_need_a_person(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault, name="Backup", active=False))
        due = database_now(session) + timedelta(minutes=3)
        held = add_execution(session, job, status=JOB_PENDING, next_attempt_at=due)
    assert "1 export waits: the connection Backup is disabled" in section(client, "needs-you")
    assert held.entity_reference in section(client, "under-way")


@pytest.mark.parametrize(
    ("usable", "job_active", "waiting", "told"),
    [
        ({"active": False}, True, 0, "No export can be sent: the connection ERP is disabled"),
        ({"active": True}, True, 0, "No export can be sent: the host key of ERP is not accepted"),
        ({"active": True}, False, 2, "2 exports wait: the host key of ERP is not accepted"),
        ({"active": False}, False, 0, ""),
        ({"active": True, "host_key": "key"}, True, 2, ""),
    ],
)
def test_a_connection_that_cannot_be_used_needs_a_person_as_in_the_list_of_export_jobs(
    sign_in: SignIn,
    sessions: Sessions,
    vault: Vault,
    usable: dict[str, Any],
    job_active: bool,
    waiting: int,
    told: str,
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault, name="ERP", **usable), active=job_active)
        for _ in range(waiting):
            add_execution(session, job, status=JOB_PENDING, attempts=1, next_attempt_at=job.created_at)
    found = section(client, "needs-you")
    assert told in found and ("Held up" in found) is bool(told)
    listed = client.get("/export-jobs?state=NEEDS_YOU").text
    assert (f"/export-jobs/{job.public_id}" in listed) is bool(told)


def test_exports_that_a_partner_refuses_need_a_person_while_they_are_tried_again(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault, name="ERP", host_key="key"))
        due = database_now(session) + timedelta(minutes=3)
        waits = {"status": JOB_PENDING, "next_attempt_at": due}
        add_execution(session, job, **waits)
        refused = [add_execution(session, job, attempts=tried, error="It refused <us>.", **waits) for tried in (1, 2)]
    told = section(client, "needs-you")
    assert "2 exports over ERP failed and will be tried again, the next in 2 min" in told
    assert "It refused <us>." in told
    with sessions.begin() as session:
        for execution in refused:
            session.get_one(Execution, execution.id).status = SUCCESS
    assert "ERP" not in section(client, "needs-you")


def bars(client: ParsingClient, path: str = "/hours") -> list[str]:
    """The words of each hour, the oldest first."""
    (chart,) = [element for element in parse(client.get(path).text).iter("ol") if element.get("class") == "hours"]
    words = []
    for hour in chart.iter("li"):
        link = hour.find("a")
        words.append(link.get("aria-label") if link is not None else hour.find("span").text)
    return words


def test_each_of_the_last_hours_tells_its_executions_by_status_and_leads_to_them(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault))
        hour = database_now(session).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
        almost_next = hour + timedelta(minutes=59, seconds=59)
        inside = [
            add_execution(session, job, status=status, executed_at=at)
            for status, at in ((SUCCESS, hour), (SUCCESS, almost_next), (ERROR, hour + timedelta(minutes=30)))
        ]
        outside = [
            add_execution(session, job, status=SUCCESS, executed_at=hour + away)
            for away in (timedelta(hours=1), timedelta(hours=-1), timedelta(hours=-19))
        ]
    words = bars(client)
    assert len(words) == 24
    start, end = f"{hour:%H:%M}", f"{hour + timedelta(hours=1):%H:%M}"
    at = words.index(f"{start} to {end} UTC: 2 delivered, 1 failed")
    assert at in (17, 18), "18, unless an hour has begun meanwhile"
    assert [word.partition(": ")[2] for word in (words[at - 1], words[at + 1])] == ["1 delivered", "1 delivered"]
    assert [word for word in words[: at - 1] + words[at + 2 :] if not word.endswith(": nothing")] == []
    assert bars(client, "/") == words
    found = client.get(f"/executions?hour={hour:%Y-%m-%dT%H}").text
    assert f'href="/executions?hour={hour:%Y-%m-%dT%H}"' in client.get("/hours").text
    assert [execution.public_id in found for execution in inside + outside] == [True] * 3 + [False] * 3


def legend(client: ParsingClient) -> list[str]:
    (shown,) = [it for it in parse(client.get("/hours").text).iter("div") if it.get("class") == "hours-legend"]
    return [str(it.text) for it in shown.iter("span")]


def test_of_what_failed_the_legend_says_how_many_need_a_person_still(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        known = add_connection(session, vault, host_key="key")
        export_job, import_job = make_job(session, known), add_import_job(session, known)
        failed = add_execution(session, export_job, status=ERROR)
        add_import_execution(session, import_job, status="JOB_FAILED")
        add_import_execution(session, import_job, status="INTEGRATION_FAILED")
        long_ago = database_now(session) - timedelta(days=2)
        add_execution(session, export_job, status=ERROR, executed_at=long_ago)
    assert legend(client) == ["3 failed, 2 need you"]
    with sessions.begin() as session:
        retry = {"predecessor_id": failed.id, "origin": "RETRY"}
        add_execution(session, session.get_one(ExportJob, export_job.id), status=SUCCESS, **retry)
    assert legend(client) == ["1 delivered", "3 failed, 1 needs you"]
    with sessions.begin() as session:
        session.get_one(ImportJob, import_job.id).active = False
    assert legend(client) == ["1 delivered", "3 failed, none needs you now"]


def test_an_hour_that_is_none_shows_all(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        execution = add_execution(session, make_job(session, add_connection(session, vault)), status=SUCCESS)
    for hour in ("", "x", "2026-02-30T01", "9999-12-31T23", "2026-1-1T1", "%", "2026-01-01T01:00"):
        page = client.get("/executions", query_string={"hour": hour})
        assert (page.status_code, execution.public_id in page.text) == (200, True), hour


def test_the_smallest_part_of_a_bar_is_still_seen(app: APIFlask) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with app.test_request_context():
        (bar,) = shown.make_bars([Hour(start, {SUCCESS: 100_000, ERROR: 1})])
    failed = bar.parts[-1]
    assert (failed.status, failed.height) == (ERROR, shown.LEAST)
    assert failed.top >= 0 and bar.words == "00:00 to 01:00 UTC: 100\u202f000 delivered, 1 failed"


def test_the_piece_that_refreshes_itself_holds_one_root(sign_in: SignIn) -> None:
    fragment = parse(sign_in("VIEWER").get("/now", htmx=True).text)
    assert [(child.tag, child.get("id")) for child in fragment] == [("div", "now")]


def test_an_import_that_failed_needs_a_person_until_one_succeeds(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault, host_key="key"), name="Offers")
        add_import_execution(session, job, status="JOB_FAILED", error="The file <in> is missing.")
    told = section(client, "needs-you")
    assert "Failed to read" in told and "Offer import" in told and "The file <in> is missing." in told
    with sessions.begin() as session:
        add_import_execution(session, session.get_one(ImportJob, job.id))
    assert "Offer import" not in section(client, "needs-you")


def test_files_that_were_not_read_need_a_person(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("OPERATOR")
    with sessions.begin() as session:
        job = add_import_job(session, add_connection(session, vault, name="ERP", host_key="key"), name="Prices")
        files = [{"name": name, "error": "It is no CSV."} for name in ("a.csv", "b.csv")]
        add_import_execution(session, job, status="INTEGRATION_DONE_WITH_ERRORS", run={"files": files})
    told = section(client, "needs-you")
    assert "Prices: 2 files not read in the run of" in told and "Then mend the cause and import again." in told
    assert "Ask an administrator to mend the cause and import again." in section(sign_in("VIEWER"), "needs-you")
    assert "2 files not read" in client.get("/imports").text


def test_import_jobs_that_cannot_run_or_are_overdue_need_a_person(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    scheduled = {"cron": "0 0 * * *", "schedule_enabled": True, "ticked_until": long_ago}
    with sessions.begin() as session:
        add_import_job(session, add_connection(session, vault, name="New"), name="First")
        add_import_job(session, add_connection(session, vault, name="Off", active=False), name="Second")
        known = add_connection(session, vault, name="Known", host_key="key")
        add_import_job(session, known, name="Third", **scheduled)
        add_import_job(session, known, name="Resting", active=False, **scheduled)
    told = section(client, "needs-you")
    assert "First: the host key of New is not accepted" in told
    assert "Second: the connection Off is disabled" in told
    assert "Third should have run" in told
    assert "Resting" not in told


def test_import_jobs_that_one_connection_holds_up_are_one_line_that_leads_to_them(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        off, other = (add_connection(session, vault, name=name, active=False) for name in ("Off", "Other"))
        for name in ("First", "Second", "Third"):
            add_import_job(session, off, name=name)
        add_import_job(session, off, name="Resting", active=False)
        add_import_job(session, other, name="Alone")
    (card,) = [it for it in parse(client.get("/").text).iter("section") if it.get("aria-labelledby") == "needs-you"]
    lines = [item for item in card.iter("li") if "Cannot run" in "".join(item.itertext())]
    assert [item.find(".//a").text for item in lines] == ["3 import jobs", "Alone"]
    listed = client.get(lines[0].find(".//a").get("href")).text
    assert [name for name in ("First", "Second", "Third", "Resting", "Alone") if f">{name}</a>" in listed] == [
        *("First", "Second", "Third")
    ]


def test_imports_show_what_runs_what_waits_and_what_comes_next(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("VIEWER")
    with sessions.begin() as session:
        known = add_connection(session, vault, host_key="key")
        job = add_import_job(session, known, name="Offers", cron="* * * * *", schedule_enabled=True)
        add_import_execution(session, job, status="INTEGRATION_STARTED", run={"rows": 12_000, "rows_done": 3_000})
        add_import_execution(session, job, status="JOB_PENDING")
        add_import_job(session, known, name="By hand", cron="* * * * *")
        given_back = add_import_job(session, known, name="Given back")
        add_import_execution(session, given_back, status="JOB_INITIALIZING", run={"rows": 1200})
    told = section(client, "under-way")
    assert "Writing Offer import Offers 3 000 of 12 000 rows" in told
    assert "Waiting Offer import Offers after the one under way" in told
    assert "Scheduled Offer import Offers in" in told
    assert "By hand" not in told
    assert "Given back" in told and "rows read" not in told


def test_the_bars_count_imports_with_what_they_mean(app: APIFlask) -> None:
    counts = {"INTEGRATION_DONE": 2, "INTEGRATION_STARTED": 1, "JOB_STARTED": 1, "JOB_FAILED": 1, "ERROR": 1}
    with app.test_request_context():
        (bar,) = shown.make_bars([Hour(datetime(2026, 1, 1, tzinfo=UTC), counts)])
    assert bar.words == "00:00 to 01:00 UTC: 2 imported, 2 under way, 2 failed"
    every_status = {status for statuses in shown.STACK.values() for status in statuses}
    assert every_status == set(STATUSES)


def test_what_workers_with_a_wrong_setting_leave_is_told_with_the_setting(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    with sessions.begin() as session:
        job = make_job(session, add_connection(session, vault, name="ERP", host_key=HOST_KEY))
        wrong = "A stored secret needs the key k2, which ENCRYPTION_KEYS does not hold."
        waits = {"status": JOB_PENDING, "next_attempt_at": database_now(session)}
        noted = add_execution(session, job, unfit_reason=wrong, **waits)
        add_execution(session, job, **waits)
        connection_id, execution_id = job.connection.public_id, noted.public_id
    client = sign_in("OPERATOR")
    assert "2 exports wait: no worker that looked can use ERP. " + wrong in section(client, "needs-you")
    for address in (f"/connections/{connection_id}", f"/executions/{execution_id}"):
        page = client.get(address).text
        assert wrong in page, address
        assert "The last try failed" not in page
    listed = client.get("/export-jobs?state=NEEDS_YOU").text
    assert "a setting of the workers is wrong" in listed
