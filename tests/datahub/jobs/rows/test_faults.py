"""What rejected rows are told: of their own fault, or of the line of the same record that is at fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.jobs import import_history, import_run, incidents
from datahub.jobs.context import Context
from datahub.models.custom_field import CustomField
from datahub.models.execution import Execution
from datahub.models.setting import GeneralSettings
from tests.datahub.jobs.test_import_run import Start, importing, start
from tests.factories import make_order
from tests.importer import Importer, category, causes, product

__all__ = ["importing", "start"]


@pytest.fixture
def catalogue(load: Importer) -> None:
    load("ATTRIBUTE", {"attributeExternalId": "colour", "attributeNames": "Colour", "attributeType": "TEXT"})
    load("CLASSIFICATION_CATEGORY", category("TOOLS"), category("SAWS", attrCode="colour"))
    load("PRODUCT", product("P-1", "V-1"))


def in_category(key: str, variant: str, category_id: str, **more: str) -> dict[str, str]:
    return product(key, variant, productClassificationCategoryId=category_id, **more)


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("others", ["", "TOOLS"])
def test_rows_without_the_faulty_value_go_along_with_the_line_that_has_it(load: Importer, others: str) -> None:
    outcome = load("PRODUCT", in_category("P-2", "V-2", others), in_category("P-2", "V-3", "NOWHERE"))
    assert sorted(causes(outcome)) == [
        (2, "other_row_invalid", ""),
        (3, "unknown_reference", "productClassificationCategoryId"),
    ]
    (told,) = (faults[0] for row, faults in outcome.rejected if row.line == 2)
    assert told["message"].startswith("Line 3 of file.csv, of the same record, is rejected, and this one with it: ")
    assert "NOWHERE" in told["message"]


@pytest.mark.usefixtures("catalogue")
def test_each_row_that_has_the_faulty_value_is_told_so(load: Importer) -> None:
    outcome = load("PRODUCT", in_category("P-2", "V-2", "NOWHERE"), in_category("P-2", "V-3", "NOWHERE"))
    assert [code for _, code, _ in causes(outcome)] == ["unknown_reference", "unknown_reference"]


@pytest.mark.usefixtures("catalogue")
def test_what_only_a_row_that_cannot_be_read_says_is_not_called_missing_in_the_others(load: Importer) -> None:
    outcome = load("PRODUCT", in_category("P-2", "V-2", "x" * 300), in_category("P-2", "V-3", ""))
    assert sorted(causes(outcome)) == [
        (2, "malformed", "productClassificationCategoryId"),
        (3, "other_row_invalid", ""),
    ]
    nameless = in_category("P-2", "V-2", "TOOLS") | {"variantNames": ""}
    rest = [{"productExternalId": "P-2", "variantExternalId": key, "variantNames": key} for key in ("V-3", "V-4")]
    outcome = load("PRODUCT", nameless, *rest)
    assert sorted(causes(outcome)) == [
        (2, "required", "variantNames"),
        (3, "other_row_invalid", ""),
        (4, "other_row_invalid", ""),
    ]
    outcome = load("PRODUCT", in_category("P-3", "V-2", ""), in_category("P-3", "V-3", ""))
    assert [code for _, code, _ in causes(outcome)] == ["required", "required"], "nobody says it"


@pytest.mark.usefixtures("catalogue")
def test_values_are_shown_as_a_file_writes_them(load: Importer) -> None:
    outcome = load("PRODUCT", product("P-2", "V-2", storeExternalIds="default_store||nowhere"))
    assert [faults[0]["value"] for _, faults in outcome.rejected] == ["nowhere"]
    outcome = load("PRODUCT", product("P-2", "V-2", **{"attribute-colour": "red"}))
    assert [(faults[0]["code"], faults[0]["value"]) for _, faults in outcome.rejected] == [("not_applicable", "red")]
    text = {"attributeExternalId": "size", "attributeNames": "Size", "attributeType": "TEXT", "attributeMulti": "TRUE"}
    outcome = load("ATTRIBUTE", text)
    assert [(faults[0]["code"], faults[0]["value"]) for _, faults in outcome.rejected] == [("not_a_list", "TRUE")]


def told(context: Context, number: int) -> list[tuple[str | None, str, str, str]]:
    """Identifier, code, column and value of each rejected row."""
    with context.sessions() as session:
        execution = session.get_one(Execution, number)
        columns = import_history.columns_of(execution)
        rows = import_history.rejections(session, execution).items
        faults = [(row, import_history.faults_of(row, columns)[0]) for row in rows]
        return [(row.record_key, fault["code"], fault["column"], fault["value"]) for row, fault in faults]


def imported(context: Context, start: Start, folder: Path, entity: str, *lines: str) -> int:
    (folder / "suppliers.csv").write_text("\n".join(lines) + "\n")
    number = start(entity=entity)
    import_run.run(context, number, 1)
    return number


def test_faults_of_custom_fields_name_their_column(
    importing: Context, start: Start, folder: Path, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        now = database_now(session)
        for key, kind, required in (("grade", "NUMBER", False), ("zone", "TEXT", True)):
            given = {"public_id": key, "entity": "SUPPLIER", "external_id": key, "name": key, "type": kind}
            session.add(CustomField(**given, required=required, created_at=now, updated_at=now))
    lines = ["externalId;name;CF_grade;CF_zone", "S-1;Acme;many;north", "S-2;Acme;5;"]
    assert told(importing, imported(importing, start, folder, "SUPPLIER", *lines)) == [
        ("S-1", "malformed", "CF_grade", "many"),
        ("S-2", "required", "CF_zone", ""),
    ]


def test_a_fault_of_one_locale_names_its_column_and_value(
    importing: Context, start: Start, folder: Path, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
    header = "attributeExternalId;attributeNames;attributeType;Attribute Values;Attribute Values[fr-FR]"
    good, bad = "#000000|Black", "#000000|Noir||rouge"
    lines = [header, f"colour;Colour;LIST_COLOR;{good};{bad}", f"shade;Shade;LIST_COLOR;{good};", ";;;;"]
    expected = [("colour", "malformed", "Attribute Values[fr-FR]", bad)]
    assert told(importing, imported(importing, start, folder, "ATTRIBUTE", *lines)) == expected
    later = [header, f"shade;;;{good};{bad}"]
    expected = [("shade", "malformed", "Attribute Values[fr-FR]", bad)]
    assert told(importing, imported(importing, start, folder, "ATTRIBUTE", *later)) == expected, "the type is stored"


def test_a_row_that_is_not_looked_into_still_shows_its_key(importing: Context, start: Start, folder: Path) -> None:
    lines = ["name;externalId", "Acme;S-1;", "A\0cme;S-2", "Acme"]
    number = imported(importing, start, folder, "SUPPLIER", *lines)
    assert told(importing, number) == [
        ("S-1", "too_many_cells", "", ""),
        ("S-2", "nul_character", "name", ""),
        (None, "too_few_cells", "", ""),
    ]


def test_a_rejected_row_goes_by_the_name_that_it_gives_its_record(
    importing: Context, start: Start, folder: Path, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        incident = incidents.declare(
            session, make_order(session), reason="LATE", affected=(), actor="ann", external_id="DESK-1"
        )
        incidents.change_status(session, incident, "CLOSED", actor="ann")
    own = incident.incident_id
    rows = ";DESK-1;OPEN", f"{own};DESK-1;OPEN", ";DESK-9;OPEN"
    number = imported(importing, start, folder, "INCIDENT", "incidentId;incidentExternalId;incidentStatus", *rows)
    assert [(name, code) for name, code, _, _ in told(importing, number)] == [
        ("DESK-1", "illegal_move"),
        (own, "illegal_move"),
        ("DESK-9", "unknown_key"),
    ]
