"""Rows of incidents: moves to another status, by either name of the incident."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.errors import SourceError
from datahub.jobs import custom_fields, incidents, record_history
from datahub.jobs.custom_fields import Definition
from datahub.models.custom_field import CustomField
from datahub.models.incident import Incident
from tests.factories import make_order
from tests.importer import Importer, causes, counts

Sessions = sessionmaker[Session]


@pytest.fixture
def ids(sessions: Sessions) -> list[str]:
    """Of three open incidents of one order; others call the first two A and B."""
    with sessions.begin() as session:
        order = make_order(session)
        made = [
            incidents.declare(session, order, reason="DAMAGED", affected=(), actor="ann", external_id=name)
            for name in ("A", " B ", "")
        ]
        return [incident.incident_id for incident in made]


def said(status: str, *, number: str = "", name: str = "") -> dict[str, str]:
    return {"incidentId": number, "incidentExternalId": name, "incidentStatus": status}


def statuses(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return [incident.status for incident in session.scalars(select(Incident).order_by(Incident.id))]


def test_an_incident_moves_by_either_name_and_says_who_moved_it(
    load: Importer, ids: list[str], sessions: Sessions
) -> None:
    first, _, third = ids
    rows = said("ON_GOING", name="A"), said("closed", name="B"), said("CLOSED", number=third)
    done = load("INCIDENT", *rows)
    assert (counts(done), done.warnings) == ({"updated": 3}, [])
    assert statuses(sessions) == ["ON_GOING", "CLOSED", "CLOSED"]
    with sessions() as session:
        change = incidents.get(session, first).status_changes[-1]
        assert (change.from_status, change.to_status, change.actor) == ("OPEN", "ON_GOING", "ada")
        moved, made = (it.change for it in record_history.find_changes(session, "INCIDENT", first).items)
        assert (made.action, made.actor, made.execution_id) == ("created", "ann", None)
        assert moved.changes == {"incidentStatus": ["OPEN", "ON_GOING"]}
        assert (moved.actor, moved.execution_id, moved.file, moved.line) == ("ada", 1, "file.csv", 2)
    assert counts(load("INCIDENT", *rows)) == {"unchanged": 3}
    assert counts(load("INCIDENT", said("CLOSED", number=first, name="B"))) == {"updated": 1}
    assert statuses(sessions) == ["CLOSED", "CLOSED", "CLOSED"]


def test_rows_of_one_incident_are_moves_in_the_order_of_the_file_however_they_name_it(
    load: Importer, ids: list[str], sessions: Sessions
) -> None:
    rows = [said("ON_GOING", name="A"), said("CLOSED", number=ids[0]), said("ON_GOING", name="A")]
    done = load("INCIDENT", *rows, chunk_rows=1)
    assert (counts(done), causes(done)) == ({"updated": 2, "rejected": 1}, [(4, "illegal_move", "incidentStatus")])
    message = done.rejected[0][1][0]["message"]
    assert message == "The incident is CLOSED and cannot become ON_GOING. A closed incident stays closed."
    assert statuses(sessions)[0] == "CLOSED"


def test_a_bad_row_costs_itself_alone(load: Importer, ids: list[str], sessions: Sessions) -> None:
    done = load(
        "INCIDENT",
        said("CLOSED", number="A"),
        said("CLOSED", name=ids[0]),
        said("CLOSED"),
        said("SOLVED", name="A"),
        said("", name="A"),
        said("ON_GOING", name="A"),
    )
    assert counts(done) == {"updated": 1, "rejected": 5}
    assert sorted(causes(done)) == [
        (2, "unknown_key", "incidentId"),
        (3, "unknown_key", "incidentExternalId"),
        (4, "required", "incidentId"),
        (5, "malformed", "incidentStatus"),
        (6, "required", "incidentStatus"),
    ]
    neither = next(faults[0]["message"] for row, faults in done.rejected if row.line == 4)
    assert neither == "The row gives neither Incident Id nor Incident External Id, and must give one."
    unknown = next(faults[0]["message"] for row, faults in done.rejected if row.line == 2)
    assert unknown.startswith("There is no incident with this incident id, ")
    assert statuses(sessions) == ["ON_GOING", "OPEN", "OPEN"]


@pytest.fixture
def defined(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for external_id, more in (("team", {}), ("note", {"localisable": True})):
            name = external_id.title()
            custom_fields.create(session, Definition("INCIDENT", external_id, name, "TEXT", **more))


def given(sessions: Sessions) -> dict[str, Any]:
    """The custom fields of the first incident."""
    with sessions() as session:
        return session.scalars(select(Incident).order_by(Incident.id)).first().custom_fields  # type: ignore[union-attr]


@pytest.mark.usefixtures("defined")
def test_custom_fields_of_incidents_are_kept_with_what_changed_them(
    load: Importer, ids: list[str], sessions: Sessions
) -> None:
    row = {"incidentExternalId": "A", "incidentStatus": "OPEN", "CF_team": "blue", "CF_note": "Torn"}
    assert counts(load("INCIDENT", row)) == {"updated": 1}
    later = {"incidentId": ids[0], "incidentStatus": "CLOSED", "CF_team": "", "CF_note[fr-FR]": "Abîmé"}
    assert counts(load("INCIDENT", later)) == {"updated": 1}
    assert given(sessions) == {"team": "blue", "note": {"en-GB": "Torn", "fr-FR": "Abîmé"}}
    assert counts(load("INCIDENT", later)) == {"unchanged": 1}
    with sessions() as session:
        found = record_history.find_changes(session, "INCIDENT", ids[0], descending=False).items
        told = [(it.change.execution_id, it.change.line, it.differences) for it in found]
    moved = {"incidentStatus": ["OPEN", "CLOSED"]}
    assert told == [
        (None, None, None),
        (1, 2, {"customFields": [{}, {"team": "blue", "note": {"en-GB": "Torn"}}]}),
        (2, 2, moved | {"customFields": [{"note": {"en-GB": "Torn"}}, {"note": {"en-GB": "Torn", "fr-FR": "Abîmé"}}]}),
    ]


@pytest.mark.usefixtures("defined")
def test_a_required_custom_field_must_be_there_where_the_file_has_any_or_the_incident_holds_one(
    load: Importer, ids: list[str], sessions: Sessions
) -> None:
    with sessions.begin() as session:
        team = session.scalars(select(CustomField).where(CustomField.external_id == "team")).one()
        team.required = True
        holder = incidents.get(session, ids[1])
        holder.custom_fields = {"note": {"en-GB": "Torn"}}
    for row in (said("CLOSED", name="A") | {"CF_note": ""}, said("CLOSED", name="B")):
        assert causes(load("INCIDENT", row)) == [(2, "required", "CF_team")]
    assert (statuses(sessions), given(sessions)) == (["OPEN"] * 3, {})
    assert counts(load("INCIDENT", said("ON_GOING", name="A"))) == {"updated": 1}
    assert counts(load("INCIDENT", said("CLOSED", name="A") | {"CF_team": "blue"})) == {"updated": 1}


def test_a_column_of_a_custom_field_that_incidents_do_not_have_is_refused(load: Importer, ids: list[str]) -> None:
    with pytest.raises(SourceError, match="CF_team"):
        load("INCIDENT", said("CLOSED", name="A") | {"CF_team": "blue"})
