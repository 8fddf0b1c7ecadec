"""Every page asks the database as often for much as for little, and seldom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import sessions as user_sessions
from datahub.access import tokens, users
from datahub.jobs import custom_fields, incidents
from datahub.jobs.custom_fields import Definition
from datahub.models.connection import Connection
from datahub.models.execution import ERROR, JOB_INITIALIZING, JOB_PENDING, JOB_STARTED, Event, Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob, Tick
from datahub.models.incident import Incident
from datahub.models.order import Order
from datahub.vault import Vault
from tests import catalogue
from tests.factories import (
    add_connection,
    add_import_execution,
    add_import_job,
    add_rejected_row,
    make_job,
    make_order,
    make_supplier,
)
from tests.statements import noted_statements
from tests.webapp.conftest import PASSWORD, ParsingClient
from tests.webapp.dashboard.test_routes import add_execution
from tests.webapp.test_executions import engine_of
from webapp.auth.identity import API_PATHS

SignIn = Callable[[str], ParsingClient]
# One of them reads who is signed in.
MOST = 25
LITTLE, MUCH = 2, 8
# A file, and what shows nothing of the hub to whoever has no link.
NO_PAGES = {"executions.payload", "executions.rejections", "auth.set_password", "auth.sign_in"}


@dataclass
class Hub:
    """Grows; the addresses lead to what was made first."""

    vault: Vault
    numbers: count[int] = field(default_factory=count)
    addresses: dict[str, str] = field(default_factory=dict)

    def grow(self, session: Session) -> None:
        number = next(self.numbers)
        connection = add_connection(session, self.vault)
        job = make_job(session, connection, suppliers=[make_supplier(session, f"SUP-{number}")])
        imports = add_import_job(session, connection, cron="30 3 * * *", schedule_enabled=True)
        execution = add_execution(session, job, status=ERROR, error="The folder out is missing.", attempts=6)
        add_execution(session, job, status=JOB_PENDING)
        run = add_import_execution(session, imports)
        add_import_execution(session, imports, status=JOB_STARTED)
        catalogue.make_offer(session, f"STOCK-{number}", prices=2)
        user = users.create(session, name=f"user-{number}", password=PASSWORD, role="OPERATOR")
        tokens.create(session, user=user, name="ERP")
        definition = Definition("SUPPLIER", f"zone_{number}", f"Zone {number}", "TEXT")
        defined = custom_fields.create(session, definition)
        if not self.addresses:
            self._note(connection, job, imports, execution, run)
            incident = self._declare(session)
            self.addresses |= {
                "orders.incident": f"/incidents/{incident.incident_id}",
                "records.incident": f"/records/INCIDENT/{incident.incident_id}",
                "settings.users.edit": f"/settings/users/{user.id}",
                "settings.custom_fields.edit": f"/settings/custom-fields/{defined.public_id}/edit",
                "settings.custom_fields.delete": f"/settings/custom-fields/{defined.public_id}/delete",
            }
        self._grow_details(session, number)

    def _note(
        self, connection: Connection, job: ExportJob, imports: ImportJob, export: Execution, run: Execution
    ) -> None:
        order = export.entity_reference
        self.addresses = {
            "connections.detail": f"/connections/{connection.public_id}",
            "connections.edit": f"/connections/{connection.public_id}/edit",
            "executions.detail": f"/executions/{export.public_id}",
            "executions.actions": f"/executions/{export.public_id}/actions",
            "executions.outcome": f"/executions/{export.public_id}/outcome",
            "executions.row": f"/executions/{export.public_id}/row",
            "executions.progress": f"/executions/{run.public_id}/progress",
            "executions.import_row": f"/executions/{run.public_id}/import-row",
            "executions.rows": f"/executions/{run.public_id}/rows",
            "records.of_execution": f"/executions/{run.public_id}/changes",
            "export_jobs.detail": f"/export-jobs/{job.public_id}",
            "export_jobs.delete": f"/export-jobs/{job.public_id}/delete",
            "export_jobs.edit": f"/export-jobs/{job.public_id}/edit",
            "export_jobs.run": f"/export-jobs/{job.public_id}/run",
            "import_jobs.detail": f"/imports/{imports.public_id}",
            "import_jobs.delete": f"/imports/{imports.public_id}/delete",
            "import_jobs.edit": f"/imports/{imports.public_id}/edit",
            "import_jobs.upload": f"/imports/{imports.public_id}/upload",
            "orders.detail": f"/orders/{order}",
            "orders.declare_incident": f"/orders/{order}/incidents/new",
            "orders.move": f"/orders/{order}/move",
            "records.order": f"/records/ORDER/{order}",
            "records.list_records": "/records/OFFER",
            "records.detail": "/records/OFFER/STOCK-0",
        }

    def _declare(self, session: Session) -> Incident:
        """Of the first order."""
        reference = self.addresses["orders.detail"].rpartition("/")[2]
        order = session.scalars(select(Order).where(Order.reference == reference)).one()
        affected = [(order.lines[0].number, 1)]
        return incidents.declare(session, order, reason="DAMAGED", affected=affected, actor="ada")

    def _grow_details(self, session: Session, number: int) -> None:
        """What the pages of the first order, import, record show more of."""
        first = self.addresses
        self._declare(session)
        key = first["orders.incident"].rpartition("/")[2]
        catalogue.record_change(session, "INCIDENT", key, changes={"incidentStatus": ["OPEN", "CLOSED"]})
        run_id = first["executions.rows"].split("/")[2]
        run = session.scalars(select(Execution).where(Execution.public_id == run_id)).one()
        add_rejected_row(session, run, number + 1, value=f"S-{number}")
        run.events.append(
            Event(
                at=run.created_at, from_status=JOB_INITIALIZING, to_status=JOB_STARTED, actor="system", attempt=number
            )
        )
        assert run.import_job is not None
        due = run.created_at - timedelta(days=number)
        ticked = add_import_execution(session, run.import_job, created_at=due)
        session.add(Tick(import_job_id=run.import_job.id, at=due, execution_id=ticked.id))
        catalogue.record_change(session, "OFFER", "STOCK-0", execution_id=run.id, changes={"stockNumber": [1, 2]})
        make_order(session)


@pytest.fixture
def addresses(app: APIFlask) -> dict[str, str]:
    """Of every page that needs nothing in its address."""
    with app.test_request_context():
        return {
            rule.endpoint: app.url_for(rule.endpoint)
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and not rule.arguments and not API_PATHS.match(rule.rule)
        }


def count_each(app: APIFlask, client: ParsingClient, addresses: dict[str, str]) -> dict[str, list[str]]:
    found = {}
    for endpoint, address in addresses.items():
        with noted_statements(engine_of(app)) as statements:
            assert client.get(address, follow_redirects=True).status_code == 200, address
        found[endpoint] = [text for text, _ in statements]
    return found


def test_pages_ask_as_often_for_much_as_for_little(
    app: APIFlask,
    sign_in: SignIn,
    sessions: sessionmaker[Session],
    vault: Vault,
    addresses: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # That somebody is there is noted now and then, with whichever page comes just then.
    monkeypatch.setattr(user_sessions, "TOUCH_EVERY", timedelta(days=1))
    hub, client = Hub(vault), sign_in("ADMIN")
    counts = []
    for size in (LITTLE, MUCH):
        with sessions.begin() as session:
            for _ in range(size):
                hub.grow(session)
        pages = {name: at for name, at in (addresses | hub.addresses).items() if name not in NO_PAGES}
        counts.append(count_each(app, client, pages))
    few, many = counts
    more = {name: sorted(set(many[name])) for name in few if len(many[name]) > len(few[name])}
    assert more == {}
    assert {name: len(asked) for name, asked in many.items() if len(asked) > MOST} == {}
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    unseen = {name for name in endpoints - set(many) - NO_PAGES if not name.startswith("api_")}
    assert unseen - {"static"} == set()
