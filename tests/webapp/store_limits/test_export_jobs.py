"""Export jobs, which all stores share, as somebody limited to one of two changes and sees them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from datahub.models.execution import JOB_PENDING, JOB_STARTED, SUCCESS, Execution
from datahub.models.export_job import ExportJob
from datahub.models.party import Supplier
from tests.two_stores import TwoStores
from tests.webapp.conftest import drawn
from tests.webapp.store_limits.conftest import Ask, Sessions


def reload(sessions: Sessions, job: ExportJob) -> set[str]:
    """The external ids of the job's suppliers as they are stored."""
    with sessions() as session:
        return {supplier.external_id for supplier in session.get_one(ExportJob, job.id).suppliers}


def test_a_job_shows_the_suppliers_of_his_stores_and_counts_the_others(ask: Ask, stores: TwoStores) -> None:
    both, southern, everyone = (
        ask(f"/v2/mapper/jobout/{job.public_id}").json for job in (stores.both, stores.southern, stores.everyone)
    )
    assert (both["suppliers"], both["hiddenSuppliers"]) == ([{"externalId": "NORTH-SUP", "name": "NORTH supplier"}], 1)
    assert (southern["suppliers"], southern["hiddenSuppliers"]) == ([], 1)
    assert (everyone["suppliers"], everyone["hiddenSuppliers"]) == ([], 0)
    found = ask("/v1/mapper/jobout?supplierExternalIds=SOUTH-SUP").json["content"]
    assert found == []
    found = ask("/v1/mapper/jobout?supplierExternalIds=SOUTH-SUP&supplierExternalIds=NORTH-SUP").json["content"]
    assert [job["name"] for job in found] == ["Of both"]


def body_of(job: ExportJob, *suppliers: str) -> dict[str, Any]:
    return {
        "name": job.name,
        "clientId": job.connection.public_id,
        "outputFolder": "out",
        "exportFormat": "XML",
        "fileNameFormat": "SHORT",
        "triggerStatuses": ["SHIPPED"],
        "supplierExternalIds": list(suppliers),
    }


def test_a_change_replaces_the_suppliers_he_sees_and_no_other(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    address = f"/v1/mapper/jobout/{stores.both.public_id}"
    assert ask(address, "PUT", json=body_of(stores.both)).status_code == 200
    assert reload(sessions, stores.both) == {"SOUTH-SUP"}
    answer = ask(address, "PUT", json=body_of(stores.both, "NORTH-SUP"))
    assert (answer.status_code, answer.json["hiddenSuppliers"]) == (200, 1)
    assert reload(sessions, stores.both) == {"NORTH-SUP", "SOUTH-SUP"}
    assert ask(address, "PUT", json=body_of(stores.both, "SOUTH-SUP")).status_code == 400
    suppliers = f"/v2/jobouts/{stores.both.public_id}/suppliers"
    gone = ask(suppliers, "DELETE", json={"supplierExternalIds": ["NORTH-SUP", "SOUTH-SUP"]})
    assert (gone.status_code, reload(sessions, stores.both)) == (204, {"SOUTH-SUP"})
    assert ask(suppliers, "PATCH", json={"supplierExternalIds": ["SOUTH-SUP"]}).status_code == 400
    assert ask(suppliers, "PATCH", json={"supplierExternalIds": ["NORTH-SUP"]}).status_code == 204
    assert reload(sessions, stores.both) == {"NORTH-SUP", "SOUTH-SUP"}


def test_nobody_with_a_limit_makes_a_job_of_every_supplier(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    created = ask("/v1/mapper/jobout", "POST", json=body_of(stores.both, "NORTH-SUP") | {"name": "Own"})
    assert created.status_code == 201
    own = created.json["id"]
    tried = [
        ask("/v1/mapper/jobout", "POST", json=body_of(stores.both) | {"name": "Another"}),
        ask(f"/v1/mapper/jobout/{own}", "PUT", json=body_of(stores.both) | {"name": "Own"}),
        ask(f"/v2/jobouts/{own}/suppliers", "DELETE", json={"supplierExternalIds": ["NORTH-SUP"]}),
    ]
    assert [(it.status_code, it.json["code"]) for it in tried] == [(409, "other_stores")] * len(tried)
    assert all("supplierExternalIds" in response.json["fields"] for response in tried)


def test_a_job_of_every_supplier_is_not_his_to_change(ask: Ask, stores: TwoStores, sessions: Sessions) -> None:
    job = stores.everyone.public_id
    tried = [
        ask(f"/v1/mapper/jobout/{job}", "PUT", json=body_of(stores.everyone, "NORTH-SUP")),
        ask(f"/v2/jobouts/{job}/suppliers", "PATCH", json={"supplierExternalIds": ["NORTH-SUP"]}),
        ask(f"/v1/mapper/jobout/{job}/duplicate", "POST"),
        ask(f"/v1/mapper/jobout/{job}", "DELETE"),
        ask(f"/export-jobs/{job}/deactivate", "POST"),
        ask(f"/export-jobs/{job}/delete", "POST"),
    ]
    assert [response.status_code for response in tried] == [409] * len(tried)
    with sessions() as session:
        kept = session.get_one(ExportJob, stores.everyone.id)
        assert (kept.active, kept.suppliers, kept.trigger_statuses) == (True, [], ["ACCEPTED_BY_SUPPLIER"])


def test_pages_offer_what_he_may(ask: Ask, stores: TwoStores) -> None:
    edits = {
        job.name: f"/export-jobs/{job.public_id}/edit" in ask(f"/export-jobs/{job.public_id}").text
        for job in (stores.both, stores.southern, stores.everyone)
    }
    assert edits == {"Of both": True, "Of one": True, "Of everyone": False}
    listed = ask("/export-jobs").text
    assert [f"/export-jobs/{job.public_id}/delete" in listed for job in (stores.both, stores.everyone)] == [True, False]
    assert f"/export-jobs/{stores.everyone.public_id}/run" in listed
    assert "/imports/new" not in ask("/imports").text
    assert "/connections/new" not in ask("/connections").text


def test_a_job_with_suppliers_of_other_stores_is_not_his_to_delete(ask: Ask, stores: TwoStores) -> None:
    refused = ask(f"/v1/mapper/jobout/{stores.both.public_id}", "DELETE")
    assert (refused.status_code, set(refused.json["fields"])) == (409, {"supplierExternalIds"})
    assert ask(f"/v1/mapper/jobout/{stores.southern.public_id}", "DELETE").status_code == 409


def test_a_job_is_not_his_to_delete_while_exports_of_other_stores_wait(
    ask: Ask, stores: TwoStores, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        session.get_one(ExportJob, stores.both.id).suppliers = [session.get_one(Supplier, stores.north.supplier.id)]
        session.execute(
            update(Execution).where(Execution.id == stores.north.exports[JOB_STARTED].id).values(status=SUCCESS)
        )
    refused = ask(f"/v1/mapper/jobout/{stores.both.public_id}", "DELETE")
    assert (refused.status_code, set(refused.json["fields"])) == (409, {"supplierExternalIds"})
    with sessions.begin() as session:
        unended = [stores.south.exports[status].id for status in (JOB_PENDING, JOB_STARTED)]
        session.execute(update(Execution).where(Execution.id.in_(unended)).values(status=SUCCESS))
    assert ask(f"/v1/mapper/jobout/{stores.both.public_id}", "DELETE").status_code == 204


def test_consequences_and_choices_of_a_form_are_those_of_his_stores(ask: Ask, stores: TwoStores) -> None:
    typed = {"name": "Of both", "trigger_statuses": "ACCEPTED_BY_SUPPLIER", "supplier_search": "sup"}
    job = stores.both.public_id
    seen = ask(f"/export-jobs/preview?job={job}", "POST", data=typed)
    assert "1 order is" not in drawn(seen.text)
    seen = ask("/export-jobs/preview", "POST", data=typed | {"supplier_external_ids": ["NORTH-SUP", "SOUTH-SUP"]})
    assert "1 order is" in drawn(seen.text)
    assert "Suppliers: tick at least one." in ask("/export-jobs/preview", "POST", data=typed).text
    suppliers = ask(f"/export-jobs/suppliers?job={job}", "POST", data=typed)
    assert "NORTH-SUP" in suppliers.text
    assert "1 supplier of other stores stays" in suppliers.text
    assert "south" not in (seen.text + suppliers.text).lower().replace('value="south-sup"', "")


def test_the_form_keeps_hidden_suppliers_and_refuses_to_be_left_without_any(
    ask: Ask, stores: TwoStores, sessions: Sessions
) -> None:
    typed = {
        "name": "Of both",
        "connection_id": stores.both.connection.public_id,
        "output_folder": "out",
        "export_format": "XML",
        "file_name_format": "SHORT",
        "trigger_statuses": "SHIPPED",
    }
    assert ask(f"/export-jobs/{stores.both.public_id}/edit", "POST", data=typed).status_code == 303
    assert reload(sessions, stores.both) == {"SOUTH-SUP"}
    refused = ask("/export-jobs/new/sftp", "POST", data=typed | {"name": "New"})
    assert refused.status_code == 422
    assert "you are limited to NORTH-STORE" in refused.text
