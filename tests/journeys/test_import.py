"""A script's import, by real processes: a file on SFTP becomes records, and a given file is imported by hand."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.journeys.hub import Hub, connection_body
from tests.servers import SshServer, wait_until

pytestmark = pytest.mark.journey
CSV = "Supplier External Id;Supplier Name\nS-1;Acme\nS-2;\nS-3;Bolt\n"


def ended(api: httpx.Client, job: str, run: dict[str, Any]) -> dict[str, Any]:
    path = f"/v2/jobs/{job}/executions/{run['jobStatusId']}"
    wait_until(lambda: api.get(path).json()["endedAt"] is not None, 20, what="the end of the import")
    found: dict[str, Any] = api.get(path).json()
    return found


def test_a_script_imports_a_file_and_then_one_of_its_own(hub: Hub, sshd: SshServer) -> None:
    (sshd.files / "in").mkdir()
    (sshd.files / "in" / "suppliers.csv").write_text(CSV)
    hub.start_importer()
    with hub.api as api:
        client = api.post("/v1/mapper/clients", json=connection_body(sshd) | {"hostKey": sshd.host_key}).json()
        body = {"name": "Suppliers", "entity": "SUPPLIER", "method": "SFTP", "clientId": client["id"]}
        body |= {"filePath": "in/suppliers.csv", "delimiter": ";"}
        job = api.post("/v2/mapper/jobs", json=body).json()["id"]
        started = api.post(f"/v1/mapper/jobs/{job}/run")
        assert started.status_code == 202, started.text
        found = ended(api, job, started.json())
        assert (found["status"], found["trigger"]) == ("INTEGRATION_DONE_WITH_ERRORS", "API")
        assert found["counts"] == {"read": 3, "created": 2, "updated": 0, "deleted": 0, "unchanged": 0, "rejected": 1}
        assert (found["progress"], found["files"]) == (1.0, ["suppliers.csv"])
        given = {"file": ("mended.csv", CSV.replace("S-2;", "S-2;Cog"))}
        started = api.post(f"/v1/mapper/jobs/{job}/run", files=given)
        found = ended(api, job, started.json())
        assert (found["status"], found["trigger"], found["files"]) == ("INTEGRATION_DONE", "UPLOAD", ["mended.csv"])
        assert found["counts"]["created"] == 1
        assert api.get("/v1/records/SUPPLIER/S-2").json()["fields"]["name"] == "Cog"
        changes = api.get("/v1/records/SUPPLIER/S-2/changes").json()["content"]
        assert [(change["file"], change["line"]) for change in changes] == [("mended.csv", 3)]
        stopped = api.post(f"/v2/jobs/{job}/executions/{found['jobStatusId']}/stop")
        assert stopped.status_code == 409
