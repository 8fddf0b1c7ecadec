"""The preview reads and converts a sample as a run would, from values that may be unfinished."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from datahub.db import database_now, read_only
from datahub.entities import ENTITIES
from datahub.formats.delimited import Limits
from datahub.jobs import sample_reading
from datahub.jobs.import_forecast import Cause, FieldPreview, Fit, Preview
from datahub.jobs.import_jobs import Configuration
from datahub.jobs.import_preview import preview
from datahub.jobs.import_sample import Sample
from datahub.jobs.sample_reading import SAMPLE_ROWS
from datahub.models.custom_field import CustomField
from datahub.models.party import DEFAULT_STORE, Supplier
from datahub.models.setting import GeneralSettings
from tests.importer import Importer, counts, navigation

OFFERS = "Stock Id;Prix;stock_number;Comment\nS-1;;5;x\nS-2;2.50;many;\nS-3;3;7;\n"


def look(
    session: Session, content: str | bytes = OFFERS, *, entity: str = "OFFER", cut: bool = False, **changes: Any
) -> Preview:
    record = changes.pop("record", 0)
    source = changes.pop("source", "in/offers.csv of ERP")
    values: dict[str, Any] = {"name": "", "connection_id": "", "delimiter": ";"}
    raw = content.encode() if isinstance(content, str) else content
    return preview(
        session,
        Configuration(**values | changes),
        entity=ENTITIES[entity],
        sample=Sample("offers.csv", raw, is_cut=cut),
        limits=Limits(),
        source=source,
        record=record,
    )


def _add_custom_field(session: Session, entity: str, external_id: str, *, required: bool = False) -> None:
    now = database_now(session)
    stamps = {"public_id": external_id, "created_at": now, "updated_at": now}
    session.add(
        CustomField(entity=entity, external_id=external_id, name="Name", type="TEXT", required=required, **stamps)
    )


USERS = "customerUserExternalId;customerUserPassword;Old one\nU;Correct-h0rse;Battery-5taple\nV;tr0ubador;\n"


@pytest.mark.parametrize("record", [0, 1])
@pytest.mark.parametrize("mapping", [None, [{"field": "customerUserPassword", "source": "Old one"}]])
def test_of_a_secret_it_is_shown_that_it_is_there(
    session: Session, record: int, mapping: list[dict[str, str]] | None
) -> None:
    transcoding = [{"field": "customerUserPassword", "from": "", "to": ""}]
    seen = look(session, USERS, entity="CUSTOMER_USER", mapping=mapping, transcoding=transcoding, record=record)
    assert all(secret not in str(seen) for secret in ("h0rse", "5taple", "tr0ub"))
    assert str(seen.reading.rows).count("••••••••") == (2 if mapping is None else 3)


@pytest.mark.parametrize("column", ["password", "Pasword", "Login_PWD"])
@pytest.mark.parametrize("field", ["customerUserLastName", "customerUserCivility", "customerUserMainOrganisationId"])
def test_a_column_that_is_named_like_a_secret_is_not_shown_whatever_it_feeds(
    session: Session, column: str, field: str
) -> None:
    content = f"customerUserExternalId;{column};CF_{column};Org\nU;Correct-h0rse;Battery-5taple;A\n"
    _add_custom_field(session, "CUSTOMER_USER", column)
    mapping = [
        {"field": "customerUserExternalId", "source": "customerUserExternalId"},
        {"field": field, "source": column},
        {"field": "customerUserOrganisationIds", "source": "Org"},
    ]
    entry = {"field": field, "from": "x", "to": "y"}
    seen = look(session, content, entity="CUSTOMER_USER", mapping=mapping, transcoding=[entry]).reading
    assert "h0rse" not in str(seen) and "5taple" not in str(seen)
    assert (seen.fields["customerUserExternalId"].value, next(iter(seen.rows))[1][0]) == ("U", "U")
    assert seen.extras[f"CF_{column}"].value == "••••••••"
    if field == "customerUserLastName":
        assert (seen.fields[field].value, seen.values) == ("••••••••", {})
    else:
        assert "not told why" in seen.fields[field].fault


def test_without_a_mapping_that_holds_no_cell_is_shown_beside_secrets(session: Session) -> None:
    strange = [{"field": "nothing", "source": "customerUserPassword"}]
    seen = look(session, USERS, entity="CUSTOMER_USER", mapping=strange).reading
    assert (list(seen.header), list(seen.rows)) == (USERS.splitlines()[0].split(";"), [])


def test_an_empty_form_is_no_error(session: Session) -> None:
    shown = look(session, b"", delimiter="", source="")
    assert (shown.fits, shown.suggested, shown.fires, shown.reading.header) == ([], "", [], ())
    assert shown.summary == (
        "Only when somebody runs it: a file that is not named yet creates and updates offers by Stock Id."
    )


@pytest.mark.parametrize(
    ("entity", "does"),
    [
        ("ORDER", "creates and updates orders by Order Reference"),
        ("ORDER_STATUS", "changes orders by Reference"),
        ("INCIDENT", "changes incidents by Incident Id"),
        ("PRODUCT_TAG", "creates and updates product tags by Product External Id"),
        ("NAVIGATION_CATEGORY", "replaces all navigation categories of its store by"),
    ],
)
def test_the_sentence_says_what_a_run_does_to_which_records(session: Session, entity: str, does: str) -> None:
    assert f"a file that is not named yet {does}" in look(session, b"", entity=entity, delimiter="", source="").summary


def test_the_delimiter_that_fits_is_suggested_and_none_is_taken_by_itself(session: Session) -> None:
    shown = look(session, delimiter="")
    assert shown.fits == [Fit(",", 0, 0), Fit(";", 4, 2)]
    assert (shown.suggested, shown.reading.header) == (";", ())


def test_a_wrong_delimiter_is_told_as_a_run_would(session: Session) -> None:
    shown = look(session, delimiter=",")
    assert 'Choose ";" as delimiter' in shown.reading.problem
    assert (shown.reading.header, shown.suggested) == ((), ";")


def test_where_both_fit_alike_none_is_suggested(session: Session) -> None:
    assert look(session, "a,b;c\n1,2;3\n", delimiter="").suggested == ""


def test_a_record_is_shown_converted_with_the_share_of_filled_rows(session: Session) -> None:
    mapping = [{"field": "stockId", "source": "Stock Id"}, {"field": "price", "source": "Prix"}]
    shown = look(session, mapping=mapping, record=1).reading
    assert shown.fields == {
        "stockId": FieldPreview("Stock Id", 1.0, "S-2"),
        "price": FieldPreview("Prix", 2 / 3, "2.50"),
    }
    assert list(shown.unused) == ["stock_number", "Comment"]
    assert shown.problem == ""


def test_a_fault_stands_at_its_field_and_is_counted(session: Session) -> None:
    shown = look(session, record=1).reading
    assert "a number such as 1234.50" in shown.fields["stockNumber"].fault
    assert shown.rejected == 1
    assert shown.causes == [Cause("stockNumber", shown.fields["stockNumber"].fault, 1)]


NO_VALUE = "The row gives no value here, and must."


def test_what_new_records_lack_is_told_also_of_fields_that_no_column_feeds(session: Session, load: Importer) -> None:
    session.rollback()
    load("SUPPLIER", {"externalId": "SUP-1", "name": "One"})
    content = "externalId;status\nSUP-1;ACTIVE\nSUP-2;ACTIVE\n"
    shown = look(session, content, entity="SUPPLIER", record=1).reading
    assert (shown.rejected, shown.causes) == (1, [Cause("name", NO_VALUE, 1)])
    assert (dict(shown.lacks), shown.unchecked, shown.problem) == ({"name": NO_VALUE}, "", "")
    assert dict(look(session, content, entity="SUPPLIER").reading.lacks) == {}


def test_a_required_custom_field_that_no_column_gives_is_missed(session: Session, load: Importer) -> None:
    session.rollback()
    load("SUPPLIER", {"externalId": "SUP-1", "name": "One"})
    _add_custom_field(session, "SUPPLIER", "zone", required=True)
    content = "externalId;name\nSUP-1;One\nSUP-2;Two\n"
    told = Cause("CF_zone", "A value is required: fill in a column CF_zone.", 2)
    for is_full in (False, True):
        assert look(session, content, entity="SUPPLIER", import_full_mode=is_full).reading.causes == [told]


def test_unknown_references_are_told_with_how_many_there_are(session: Session) -> None:
    rows = "".join(f"S-{number};V-{number // 2};SUP;1\n" for number in range(10))
    shown = look(session, f"Stock Id;Stock Variant Id;Supplier Id;Stock Number\n{rows}").reading
    assert [(it.field, it.rows, it.kinds) for it in shown.causes] == [("stockVariantId", 10, 5), ("supplierId", 10, 1)]
    assert "There is no supplier with the external id SUP." in shown.causes[1].message


TREE = "classificationExternalId;classificationName;classificationParentExternalId\nC;C;B\nB;B;A\nA;A;Root\nX;X;Y\n"


@pytest.mark.parametrize("is_cut", [False, True])
def test_parents_may_come_with_the_same_file(session: Session, is_cut: bool) -> None:
    shown = look(session, TREE, entity="CLASSIFICATION_CATEGORY", cut=is_cut).reading
    assert shown.rejected == (0 if is_cut else 1), "a parent may stand further on in a file that was cut"
    faulty = look(session, TREE.replace("A;A;Root", "A;;Root"), entity="CLASSIFICATION_CATEGORY").reading
    assert faulty.rejected == 4


def test_what_stands_for_an_empty_reference_is_not_shown_as_one(session: Session) -> None:
    mapping = [{"field": name, "source": name} for name in ("orderReference", "orderExternalId")]
    rows = "orderReference;orderExternalId\n;ERP-1\nR-2;ERP-2\n"
    fields = [look(session, rows, entity="ORDER_UPDATE", mapping=mapping, record=at).reading.fields for at in (0, 1)]
    assert [it["orderReference"].value for it in fields] == ["", "R-2"]
    assert [it["orderExternalId"].value for it in fields] == ["ERP-1", "ERP-2"]


def test_what_rows_of_orders_do_is_not_foretold(session: Session) -> None:
    shown = look(session, "orderReference;orderStatus\nR-1;\n", entity="ORDER_UPDATE").reading
    assert "Whether orders that are stored take these changes" in shown.unchecked


def test_rows_are_held_against_those_of_their_store_once_it_is_chosen(session: Session) -> None:
    row = navigation("N")
    rows = f"{';'.join(row)}\n{';'.join(row.values())}\n"
    shown = look(session, rows, entity="NAVIGATION_CATEGORY").reading
    assert (shown.rejected, shown.unchecked != "") == (0, True)
    shown = look(session, rows, entity="NAVIGATION_CATEGORY", store_external_ids=[DEFAULT_STORE]).reading
    assert (shown.rejected, shown.unchecked) == (1, "")


def test_a_look_waits_for_nobody_who_writes(session: Session, load: Importer, engine: Engine) -> None:
    session.rollback()
    load("SUPPLIER", {"externalId": "SUP-1", "name": "One"})
    with engine.begin() as other:
        other.execute(update(Supplier).values(name="Eins"))
        read_only(session)
        assert look(session, "externalId;deleted\nSUP-1;TRUE\n", entity="SUPPLIER").reading.rejected == 0


def test_a_look_leaves_nothing_behind_and_keeps_nobody_waiting(session: Session, load: Importer) -> None:
    session.rollback()
    row = {"externalId": "SUP-1", "name": "One"}
    load("SUPPLIER", row)
    read_only(session)
    content = "externalId;name;deleted\nSUP-1;Uno;TRUE\nSUP-2;Two;\n"
    assert look(session, content, entity="SUPPLIER").reading.rejected == 0
    assert counts(load("SUPPLIER", row | {"name": "Eins"})) == {"updated": 1}, "while the form's transaction is open"
    session.rollback()
    assert counts(load("SUPPLIER", row | {"name": "Eins"})) == {"unchanged": 1}


def test_the_most_frequent_causes_are_told_and_the_others_counted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_reading, "CAUSES_SHOWN", 1)
    content = "externalId;name;supplierRating;status\nS-1;One;x;y\nS-2;Two;z;ACTIVE\n"
    shown = look(session, content, entity="SUPPLIER").reading
    assert (shown.rejected, shown.other_causes) == (2, 1)
    assert [(cause.field, cause.rows) for cause in shown.causes] == [("supplierRating", 2)]


def test_transcoding_is_applied_and_its_values_are_offered(session: Session) -> None:
    unfinished = {"field": "stockNumber", "from": "", "to": ""}
    shown = look(session, record=1, transcoding=[{"field": "stockNumber", "from": "many", "to": "100"}, unfinished])
    assert (shown.reading.fields["stockNumber"].value, shown.reading.rejected) == ("100", 0)
    assert shown.reading.values == {"stockNumber": ["5", "many", "7"]}


@pytest.mark.parametrize(("record", "shown"), [(-3, 0), (2, 2), (99, 2)])
def test_the_record_looked_at_is_one_of_the_sample(session: Session, record: int, shown: int) -> None:
    reading = look(session, record=record).reading
    assert reading.record == shown
    assert reading.fields["stockId"].value == f"S-{shown + 1}"


def test_a_row_of_another_width_is_told_instead_of_its_values(session: Session) -> None:
    reading = look(session, "Stock Id;Stock Number\nS-1;5;6\n").reading
    assert reading.record_fault == "This row has 3 cells; the header has 2."
    assert reading.fields["stockId"] == FieldPreview("Stock Id", 0.0)
    assert reading.rejected == 1


def test_a_column_that_no_run_takes_is_named(session: Session) -> None:
    assert "lacks a column" in look(session, "Prix;Stock Number\n1;2\n").reading.problem
    assert look(session, "Prix;Stock Deleted\n1;2\n").reading.missing == ["Stock Id"]
    assert "named like a field" in look(session, "a;b\n1;2\n").reading.problem


@pytest.mark.parametrize("mapping", [[], [{"field": "stockId", "source": ""}], [{"field": "lost", "source": "Prix"}]])
def test_an_unfinished_mapping_feeds_nothing(session: Session, mapping: list[dict[str, str]]) -> None:
    reading = look(session, mapping=mapping).reading
    assert (reading.fields, reading.rejected, reading.problem) == ({}, 0, "")
    assert list(reading.unused) == ["Stock Id", "Prix", "stock_number", "Comment"]


def test_exact_names_come_first_among_the_proposals(session: Session) -> None:
    found = look(session, "Supplier External ID;Stock ID\n1;2\n").reading.proposals
    assert [(it.field, it.column, it.exact) for it in found] == [
        ("stockId", "Stock ID", True),
        ("supplierId", "Supplier External ID", False),
    ]


def test_locales_have_their_own_values(session: Session) -> None:
    session.get_one(GeneralSettings, 1).locales = ["en-GB", "fr-FR"]
    content = "Product External Id;Variant External Id;Product Names;productNames[fr-FR]\nP;V;Chair;Chaise\n"
    shown = look(session, content, entity="PRODUCT")
    fields = shown.reading.fields
    assert ", 3 fields of " in shown.summary
    assert (fields["productNames"].value, fields["productNames[fr-FR]"].value) == ("Chair", "Chaise")
    unknown = look(session, content.replace("fr-FR", "de-DE"), entity="PRODUCT").reading.problem
    assert "languages that are not set up: de-DE" in unknown


def test_rows_before_a_fault_of_the_file_are_shown(session: Session) -> None:
    shown = look(session, OFFERS.encode() + b"S-4;\xff;1;\n").reading
    assert shown.problem.startswith("Line 5 is not UTF-8")
    shown = look(session, OFFERS + 'S-4;"a"b;1;\n').reading
    assert "begins at line 5 do not match" in shown.problem
    assert len(shown.rows) == 3


def test_a_cut_between_quotes_is_no_fault(session: Session) -> None:
    begun = OFFERS.replace("Comment", "Stock Deleted").replace(";x", ";") + 'S-4;1;1;"first line\n'
    assert look(session, begun, cut=True).reading.problem == ""
    assert "quotes" in look(session, begun).reading.problem


def test_no_more_rows_than_enough_are_converted(session: Session) -> None:
    reading = look(session, "Stock Id\n" + "S\n" * (SAMPLE_ROWS + 1)).reading
    assert len(reading.rows) == SAMPLE_ROWS


def test_the_next_five_fires_follow_the_schedule_and_the_sentence_says_when(session: Session) -> None:
    shown = look(session, cron="30 6 * * MON-FRI", schedule_enabled=True)
    assert len(shown.fires) == 5
    assert {(fire.hour, fire.minute) for fire in shown.fires} == {(6, 30)}
    assert shown.schedule == "Every weekday at 06:30 UTC"
    assert shown.summary == (
        "Every weekday at 06:30 UTC: in/offers.csv of ERP creates and updates offers by Stock Id, "
        "2 fields of 21 from its columns."
    )
    for changes in ({"active": False}, {"schedule_enabled": False}):
        told = look(session, **{"cron": "30 6 * * MON-FRI", "schedule_enabled": True} | changes).summary
        assert told.startswith("Only when somebody runs it:")


def test_custom_fields_need_no_mapping_and_are_converted(session: Session) -> None:
    _add_custom_field(session, "OFFER", "zone")
    content = "Stock Id;Stock Deleted;CF_zone;CF_lost\nS-1;;north;x\n"
    assert "CF_lost" in look(session, content).reading.problem
    shown = look(session, content.replace(";CF_lost", "").replace(";x", "")).reading
    assert shown.extras == {"CF_zone": FieldPreview("CF_zone", 1.0, "north")}
    assert (shown.problem, list(shown.unused)) == ("", [])


def test_the_preview_rejects_the_rows_that_a_run_rejects_as_unreadable(session: Session, load: Importer) -> None:
    rows = [
        {"externalId": "S-1", "name": "One", "supplierRating": "4.5"},
        {"externalId": "S-2", "name": "Two", "supplierRating": "good"},
        {"externalId": "", "name": "Three", "supplierRating": ""},
        {"externalId": "S-4", "name": "x" * 300, "supplierRating": "bad"},
    ]
    session.rollback()
    outcome = load("SUPPLIER", *rows)
    content = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows), ""])
    reading = look(session, content, entity="SUPPLIER", delimiter=",").reading
    assert reading.rejected == len(outcome.rejected) == 3
    told = {(fault["field"], fault["message"]) for _, faults in outcome.rejected for fault in faults}
    assert {(cause.field, cause.message) for cause in reading.causes} <= told
