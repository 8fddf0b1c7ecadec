"""What an import job accepts, keeps and leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datahub.entities.store import STORE
from datahub.errors import FieldConflictError, InvalidError
from datahub.jobs import general_settings, import_jobs
from datahub.jobs.import_jobs import Configuration, configuration_of
from datahub.models.import_job import RUN_IMMEDIATELY, WAIT_FOR_NEXT, ImportJob
from datahub.vault import Vault
from tests.factories import add_connection, make_job

MAPPING = [{"field": "stockId", "source": "Stock Id"}, {"field": "stockDeleted", "source": "Gone"}]
HALF_HOURLY = "*/30 * * * *"


def create(session: Session, vault: Vault, *, entity: str = "OFFER", **fields: Any) -> ImportJob:
    values: dict[str, Any] = {"name": "Offers from ERP", "delimiter": ";"}
    if not fields.get("bulk"):
        values["file_path"] = "in/offers.csv"
    if "connection_id" not in fields:
        values["connection_id"] = add_connection(session, vault).public_id
    return import_jobs.create(session, Configuration(**values | fields), entity=entity)


def update(session: Session, job: ImportJob, **fields: Any) -> ImportJob:
    return import_jobs.update(session, job, replace(configuration_of(job), **fields))


def faults(error: pytest.ExceptionInfo[InvalidError]) -> set[str]:
    return set(error.value.fields)


def test_a_new_job_is_trimmed_active_unscheduled_and_found_by_its_id(session: Session, vault: Vault) -> None:
    job = create(session, vault, name="  Offers  ", file_path=" in/offers.csv ")
    session.expire_all()
    assert import_jobs.get(session, job.public_id) is job
    assert (job.name, job.file_path, job.entity, job.method) == ("Offers", "in/offers.csv", "OFFER", "SFTP")
    assert (job.active, job.cron, job.schedule_enabled) == (True, None, False)
    assert (job.mapping, job.transcoding, job.store_external_ids) == (None, [], [])
    assert (job.simultaneous_execution, job.import_full_mode) == (WAIT_FOR_NEXT, False)


def test_every_fault_is_named_at_its_field_at_once(session: Session) -> None:
    configuration = Configuration(
        name=" ",
        connection_id="unknown",
        delimiter="|",
        file_path="a\x00b",
        cron="* *",
        simultaneous_execution="NEVER",
        import_full_mode=True,
        store_external_ids=["nowhere"],
        mapping=[{"field": "colour", "source": ""}],
        transcoding=[{"field": "colour", "from": "", "to": ""}],
    )
    with pytest.raises(InvalidError) as error:
        import_jobs.create(session, configuration, entity="STORE", method="MAIL")
    assert faults(error) == {
        "name",
        "connection_id",
        "delimiter",
        "file_path",
        "cron",
        "simultaneous_execution",
        "import_full_mode",
        "store_external_ids",
        "method",
        "mapping",
        "mapping.0.field",
        "mapping.0.source",
        "transcoding.0.field",
        "transcoding.0.from",
    }
    assert session.scalars(select(ImportJob)).all() == []


@pytest.mark.parametrize("entity", ["", "offer", "MOON"])
def test_only_known_entities_are_imported(session: Session, vault: Vault, entity: str) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, entity=entity, mapping=MAPPING)
    assert faults(error) == {"entity"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 201),
        ("name", "line\nbreak"),
        ("delimiter", ""),
        ("delimiter", "\t"),
        ("delimiter", " ;"),
        ("delimiter", ",;"),
        ("file_path", None),
        ("file_path", " "),
        ("file_path", "x" * 1001),
        ("file_path", "in/\x1b.csv"),
        ("file_path", "in/"),
        ("file_path", "in/.."),
        ("connection_id", ""),
        ("mapping", []),
        ("cron", "61 * * * *"),
        ("cron", "0 0 30 2 *"),
        ("simultaneous_execution", ""),
    ],
)
def test_a_missing_endless_or_malformed_value_is_refused(
    session: Session, vault: Vault, field: str, value: Any
) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, **{field: value})
    assert faults(error) == {field}


@pytest.mark.parametrize("path", ["offers.csv", "/var/in/offers.csv", "../in/offers.csv", "in/Été 1.csv", "x" * 1000])
def test_paths_are_relative_or_absolute(session: Session, vault: Vault, path: str) -> None:
    assert create(session, vault, file_path=path).file_path == path


@pytest.mark.parametrize(
    ("inbound", "outbound", "faulty"),
    [
        (None, None, {"inbound_directory", "outbound_directory"}),
        ("in", "", {"outbound_directory"}),
        ("", "out", {"inbound_directory"}),
        ("in", "in", {"outbound_directory"}),
        ("in", "./in/", {"outbound_directory"}),
        ("/data//in", "/data/out/../in", {"outbound_directory"}),
        ("i\x00n", "out", {"inbound_directory"}),
        ("in", "x" * 1001, {"outbound_directory"}),
    ],
)
def test_a_bulk_job_needs_two_different_directories(
    session: Session, vault: Vault, inbound: str | None, outbound: str | None, faulty: set[str]
) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, bulk=True, inbound_directory=inbound, outbound_directory=outbound)
    assert faults(error) == faulty


def test_a_job_keeps_the_paths_it_reads_and_no_others(session: Session, vault: Vault) -> None:
    everything = {"file_path": "in/a.csv", "inbound_directory": "in", "outbound_directory": "in/done"}
    bulk = create(session, vault, name="bulk", bulk=True, **everything)
    assert (bulk.file_path, bulk.inbound_directory, bulk.outbound_directory) == (None, "in", "in/done")
    single = create(session, vault, name="single", **everything)
    assert (single.file_path, single.inbound_directory, single.outbound_directory) == ("in/a.csv", None, None)


@pytest.mark.parametrize("taken", ["offers FROM erp", " Offers from ERP "])
def test_a_name_is_taken_whatever_its_case(session: Session, vault: Vault, taken: str) -> None:
    create(session, vault)
    with pytest.raises(FieldConflictError, match="Another import job") as error:
        create(session, vault, name=taken)
    assert error.value.field == "name"


def test_a_name_is_taken_whatever_the_case_of_its_accents(session: Session, vault: Vault) -> None:
    create(session, vault, name="Été")
    with pytest.raises(FieldConflictError):
        create(session, vault, name="ÉTÉ")


def test_an_export_job_may_have_the_same_name(session: Session, vault: Vault) -> None:
    make_job(session, add_connection(session, vault), name="Offers from ERP")
    assert create(session, vault).name == "Offers from ERP"


def test_of_two_at_once_the_database_lets_one_have_the_name(
    session: Session, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(session, vault)
    monkeypatch.setattr(import_jobs.job_rules, "require_free_name", lambda *_: None)
    with pytest.raises(FieldConflictError):
        create(session, vault)
    assert session.scalar(select(func.count()).select_from(ImportJob)) == 1


def test_a_refused_change_leaves_the_job_as_it_was(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    with pytest.raises(InvalidError):
        update(session, job, name="Other", delimiter="")
    assert (job.name, job.delimiter) == ("Offers from ERP", ";")


def test_a_job_may_keep_its_own_name_and_its_disabled_connection(session: Session, vault: Vault) -> None:
    job = create(session, vault)
    job.connection.active = False
    update(session, job, delimiter=",")
    assert job.delimiter == ","


def test_a_disabled_connection_cannot_be_chosen(session: Session, vault: Vault) -> None:
    connection = add_connection(session, vault, active=False)
    with pytest.raises(InvalidError) as error:
        create(session, vault, connection_id=connection.public_id)
    assert faults(error) == {"connection_id"}


def test_a_secret_is_not_transcoded(session: Session, vault: Vault) -> None:
    entry = {"field": "customerUserPassword", "from": "Correct-h0rse", "to": "Battery-5taple"}
    with pytest.raises(InvalidError) as error:
        create(session, vault, entity="CUSTOMER_USER", transcoding=[entry])
    assert faults(error) == {"transcoding.0.field"}


def test_mappings_and_transcodings_are_kept_trimmed(session: Session, vault: Vault) -> None:
    general_settings.update(session, locales=["en-GB", "fr-FR"])
    job = create(
        session,
        vault,
        entity="PRODUCT",
        mapping=[
            {"field": " productExternalId ", "source": " Id "},
            {"field": "variantExternalId", "source": "Variant"},
            {"field": "productNames[fr-FR]", "source": "Nom"},
        ],
        transcoding=[{"field": "productUnit ", "from": " St ", "to": " piece "}],
    )
    session.expire_all()
    assert job.mapping == [
        {"field": "productExternalId", "source": "Id"},
        {"field": "variantExternalId", "source": "Variant"},
        {"field": "productNames[fr-FR]", "source": "Nom"},
    ]
    assert job.transcoding == [{"field": "productUnit", "from": "St", "to": "piece"}]


@pytest.mark.parametrize(
    ("mapping", "faulty"),
    [
        ([*MAPPING, {"field": "productNames", "source": "x"}], "mapping.2.field"),
        ([*MAPPING, {"field": "currency[fr-FR]", "source": "x"}], "mapping.2.field"),
        ([*MAPPING, {"field": "CF_colour", "source": "x"}], "mapping.2.field"),
        ([*MAPPING, MAPPING[0]], "mapping.2.field"),
        ([{"field": "stockId", "source": " "}, MAPPING[1]], "mapping.0.source"),
        ([MAPPING[1]], "mapping"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(
    session: Session, vault: Vault, mapping: list[dict[str, str]], faulty: str
) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, mapping=mapping)
    assert faults(error) == {faulty}


def test_what_each_row_must_give_is_mapped_unless_rows_delete(session: Session, vault: Vault) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, mapping=MAPPING[:1])
    assert error.value.fields["mapping"] == [
        f"Map {name} too: each row must have a value for it."
        for name in ("stockVariantId (Stock Variant Id)", "supplierId (Supplier Id)", "stockNumber (Stock Number)")
    ]
    assert create(session, vault, mapping=MAPPING).mapping == MAPPING


def test_a_mapping_is_checked_against_the_entity_of_a_job_that_changes(session: Session, vault: Vault) -> None:
    job = create(session, vault, entity="STORE")
    with pytest.raises(InvalidError) as error:
        update(session, job, mapping=MAPPING)
    assert "mapping.0.field" in faults(error)
    update(session, job, mapping=[{"field": field.key, "source": "x"} for field in (STORE.key, *STORE.fields)])
    assert update(session, job, mapping=None).mapping is None


def test_a_value_is_transcoded_once(session: Session, vault: Vault) -> None:
    entry = {"field": "currency", "from": "Euro", "to": "EUR"}
    with pytest.raises(InvalidError) as error:
        create(session, vault, transcoding=[entry, entry])
    assert faults(error) == {"transcoding.1.from"}


def test_a_schedule_is_kept_in_its_stored_form(session: Session, vault: Vault) -> None:
    job = create(session, vault, cron="  0  6 * * mon ", schedule_enabled=True)
    assert (job.cron, job.schedule_enabled) == ("0 6 * * MON", True)


def test_a_schedule_that_is_switched_on_needs_its_times(session: Session, vault: Vault) -> None:
    with pytest.raises(InvalidError) as error:
        create(session, vault, cron=" ", schedule_enabled=True)
    assert faults(error) == {"cron"}


def test_full_mode_is_only_for_entities_that_have_it(session: Session, vault: Vault) -> None:
    assert create(session, vault, import_full_mode=True, simultaneous_execution=RUN_IMMEDIATELY).import_full_mode
    for entity in ("STORE", "ATTRIBUTE"):
        with pytest.raises(InvalidError) as error:
            create(session, vault, name=entity, entity=entity, import_full_mode=True)
        assert faults(error) == {"import_full_mode"}


def test_stores_of_a_job_must_exist(session: Session, vault: Vault) -> None:
    assert create(session, vault, store_external_ids=["default_store"]).store_external_ids == ["default_store"]
    with pytest.raises(InvalidError) as error:
        create(session, vault, name="Other", store_external_ids=["default_store", " nowhere "])
    (message,) = error.value.fields["store_external_ids"]
    assert "nowhere" in message and "default_store" not in message


def test_a_job_for_orders_has_its_stores_looked_up(session: Session, vault: Vault) -> None:
    assert create(session, vault, entity="ORDER", store_external_ids=["default_store"]).id
    with pytest.raises(InvalidError) as error:
        create(session, vault, entity="ORDER", name="Others", store_external_ids=["nowhere"])
    assert faults(error) == {"store_external_ids"}


def test_copies_are_inactive_numbered_and_without_a_schedule(session: Session, vault: Vault) -> None:
    job = create(
        session,
        vault,
        name="X",
        mapping=MAPPING,
        transcoding=[{"field": "currency", "from": "Euro", "to": "EUR"}],
        cron=HALF_HOURLY,
        schedule_enabled=True,
        import_full_mode=True,
        store_external_ids=["default_store"],
        simultaneous_execution=RUN_IMMEDIATELY,
    )
    first, second, third = (import_jobs.duplicate(session, job) for _ in range(3))
    assert [copy.name for copy in (first, second, third)] == ["X - COPY", "X - COPY (1)", "X - COPY (2)"]
    assert import_jobs.duplicate(session, first).name == "X - COPY - COPY"
    session.expire_all()
    assert configuration_of(first) == replace(
        configuration_of(job), name="X - COPY", cron=None, schedule_enabled=False, active=False
    )
    assert (first.entity, first.method) == (job.entity, job.method)
    assert first.public_id != job.public_id


def test_the_copy_of_the_longest_name_fits(session: Session, vault: Vault) -> None:
    copy = import_jobs.duplicate(session, create(session, vault, name="x" * 200))
    assert len(copy.name) == 200
    assert copy.name.endswith(" - COPY")


def test_the_list_is_in_order_of_names_and_pages(session: Session, vault: Vault) -> None:
    for name in ("b", "A", "c"):
        create(session, vault, name=name)
    first, last = (import_jobs.find(session, size=2, page=page) for page in (0, 1))
    assert ([job.name for job in first.items], first.has_more) == (["A", "b"], True)
    assert ([job.name for job in last.items], last.has_more) == (["c"], False)
    newest = import_jobs.find(session, sort="created_at", descending=True)
    assert [job.name for job in newest.items] == ["c", "A", "b"]


def test_the_list_is_searched_by_name_and_entity(session: Session, vault: Vault) -> None:
    for name, entity in (("Été 100%", "OFFER"), ("été 1000", "STORE"), ("winter", "STORE")):
        create(session, vault, name=name, entity=entity)
    for wanted, names in (
        ({"search": " ÉTÉ "}, ["Été 100%", "été 1000"]),
        ({"search": "0%"}, ["Été 100%"]),
        ({"search": "été", "entities": ["STORE"]}, ["été 1000"]),
        ({"search": "winter", "entities": ["MOON"]}, ["winter"]),
        ({"entities": ["OFFER", "MOON"]}, ["Été 100%"]),
        ({"search": "été", "entities": ["OFFER", "STORE"]}, ["Été 100%", "été 1000"]),
        ({"search": "autumn"}, []),
    ):
        found = import_jobs.find(session, **wanted)
        assert sorted(job.name for job in found.items) == sorted(names), wanted


def test_every_fault_is_found_beforehand_and_nothing_changes(session: Session, vault: Vault) -> None:
    job = create(session, vault, name="Taken")
    given = Configuration(name="taken", connection_id="", delimiter="", store_external_ids=["nowhere"])
    found = import_jobs.find_faults(session, given, entity="OFFER")
    assert set(found) == {"name", "connection_id", "delimiter", "file_path", "store_external_ids"}
    assert "name" not in import_jobs.find_faults(session, given, entity="OFFER", job=job)
    assert import_jobs.find_faults(session, configuration_of(job), entity="OFFER", job=job) == {}
    assert not session.new and not session.dirty
