"""What a script does with the JSON API alone, from an empty hub to a delivered file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.hub import Hub, connection_body
from tests.servers import SshServer, wait_until

pytestmark = pytest.mark.journey
FIXTURES = Path(__file__).parents[1] / "fixtures" / "orders"
ADDRESS = {
    "addressExternalId": "A1",
    "addressFullName": "Alex",
    "addressCountry": "France",
    "addressCity": "Paris",
    "addressZipCode": "75008",
    "addressStreetName": "21 Rue La Boétie",
}


def answer(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    return response.json() if response.content else None


def make_parties(api: httpx.Client, order: dict[str, Any]) -> None:
    supplier, account = order["supplierSnapshot"], order["customerUserSnapshot"]
    fields = {"name": supplier["name"]}
    answer(api.put(f"/v1/records/SUPPLIER/{supplier['externalId']}", json={"fields": fields}), 201)
    fields = {
        "accountName": account["accountName"],
        "companyRegistrationName": "Alex SAS",
        "businessRegistrationNumber": "552 100 554",
        "address": [ADDRESS],
    }
    answer(api.put(f"/v1/records/ACCOUNT/{account['accountExternalId']}", json={"fields": fields}), 201)


def accepted_connection(api: httpx.Client, sshd: SshServer) -> str:
    body = connection_body(sshd)
    client = answer(api.post("/v1/mapper/clients", json=body), 201)
    test = answer(api.post(f"/v1/mapper/clients/{client['id']}/test"), 200)
    (step,) = [step for step in test["steps"] if step["name"] == "host key"]
    assert (test["ok"], step["hostKey"]) == (False, sshd.host_key)
    body = {name: value for name, value in body.items() if name != "privateKey"} | {"hostKey": step["hostKey"]}
    answer(api.put(f"/v1/mapper/clients/{client['id']}", json=body), 200)
    tested = answer(api.post(f"/v1/mapper/clients/{client['id']}/test", json={"folder": "out"}), 200)
    assert tested["ok"], tested
    return str(client["id"])


def test_a_script_sets_up_a_hub_and_gets_its_first_order_out(hub: Hub, sshd: SshServer) -> None:
    (sshd.files / "out").mkdir()
    order = json.loads((FIXTURES / "order.json").read_text())
    with hub.api as api:
        make_parties(api, order)
        job = {
            "name": "Orders to ERP",
            "entity": "ORDER",
            "method": "SFTP",
            "clientId": accepted_connection(api, sshd),
            "outputFolder": "out",
            "exportFormat": "JSON",
            "fileNameFormat": "SHORT",
            "triggerStatuses": ["ACCEPTED_BY_SUPPLIER"],
            "active": True,
        }
        job_id = answer(api.post("/v1/mapper/jobout", json=job), 201)["id"]
        reference = answer(api.post("/v1/orders", json=order), 201)["reference"]
        moved = answer(api.patch(f"/v1/orders/{reference}", json={"status": "ACCEPTED_BY_SUPPLIER"}), 200)
        (execution_id,) = moved["exports"]
        url = f"/v2/jobouts/{job_id}/executions/{execution_id}"
        wait_until(lambda: api.get(url).json()["status"] == "SUCCESS", what="the delivery")
        execution = answer(api.get(url), 200)
        payload = api.get(f"{url}/payload").content
        (page,) = answer(api.get(f"/v2/jobouts/{job_id}/executions", params={"search": execution_id[9:18]}), 200)[
            "content"
        ]
    delivered = sshd.files / "out" / execution["fileName"]
    assert execution["fileName"] == f"{reference}.json"
    assert delivered.read_bytes() == payload
    assert (page["exportIntegrationId"], page["size"]) == (execution_id, len(payload))
    sent = json.loads(payload)
    assert list(sent) == list(order)
    changed = {"status": "ACCEPTED_BY_SUPPLIER", "updatedAt": sent["updatedAt"]}
    assert sent == order | changed
    assert [path.name for path in (sshd.files / "out").iterdir()] == [delivered.name]
