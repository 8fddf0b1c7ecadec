"""What a script does with the JSON API alone, from an empty hub to a delivered file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.hub import Hub, connection_body
from tests.servers import SshServer, wait_until

pytestmark = pytest.mark.journey
FIXTURES = Path(__file__).parents[1] / "fixtures" / "orders"
GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
# Each call tells its status beside what it prints.
TOLD = """curl() { command curl "$@" -w '%{stderr}%{http_code} %{method} %{url}\\n'; }"""
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


def test_the_tour_of_the_documentation_runs_as_it_stands(hub: Hub, sshd: SshServer, tmp_path: Path) -> None:
    """Save what a reader puts in: token, addresses, key, folder."""
    for name in ("in", "out", "out/orders"):
        (sshd.files / name).mkdir()
    (sshd.files / "in" / "suppliers.csv").write_text("Supplier External Id;Supplier Name\nS-1;Acme\nS-2;\n")
    shutil.copy(FIXTURES / "order.json", tmp_path)
    hub.start_importer()
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL))
    own = {
        "$(bin/datahub create-token ada)": hub.token,
        "http://127.0.0.1:8000": hub.url,
        "sftp.example.com": "127.0.0.1",
        '"port": 22': f'"port": {sshd.port}',
        '"username": "hub"': f'"username": "{sshd.username}"',
        '"password": "…"': f'"privateKey": {json.dumps(sshd.private_key)}',
        "ssh-ed25519 AAAA…": sshd.host_key,
    }
    for written, meant in own.items():
        assert written in lines, written
        lines = lines.replace(written, meant)
    script = tmp_path / "tour.sh"
    script.write_text(f"{TOLD}\nset -euo pipefail\n{lines}")
    ran = subprocess.run(
        ["bash", str(script)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    calls = [line.split(" ") for line in ran.stderr.splitlines()]
    stopped = [status for status, _, url in calls if url.endswith("/stop")]
    assert stopped == ["409"]
    assert [call for call in calls if call[0][0] != "2"] == [call for call in calls if call[2].endswith("/stop")]
    with hub.api as api:
        mended = answer(api.get("/v1/records/SUPPLIER/S-2"), 200)
        (change,) = answer(api.get("/v1/records/SUPPLIER/S-2/changes"), 200)["content"]
        assert answer(api.get("/v1/settings/general"), 200)["fileNamePrefix"] == "ACME"
        assert answer(api.get("/v1/records/SUPPLIER/2007"), 200)["customFields"] == {"region": "north"}
        (incident,) = answer(api.get("/v1/incidents"), 200)["content"]
    assert (mended["fields"]["name"], change["file"], incident["status"]) == ("Cog", "mended.csv", "ON_GOING")
    assert [path.name for path in (sshd.files / "out" / "orders").iterdir()] == ["171-690-8488913-1.xml"]
