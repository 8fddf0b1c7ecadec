"""Connections over JSON: secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from datahub.models.connection import Connection
from datahub.models.export_job import ExportJob
from datahub.vault import Vault
from tests.servers import SshServer
from tests.webapp.api.conftest import Script, assert_error

CLIENTS = "/v1/mapper/clients"
BODY: dict[str, Any] = {"name": "ERP", "type": "SFTP", "host": "sftp.example.com", "username": "hub"}


def test_a_secret_is_kept_by_a_change_and_never_shown(
    script: Script, sessions: sessionmaker[Session], vault: Vault
) -> None:
    made = script.post(CLIENTS, json=BODY | {"password": "s3cret", "hostKey": None})
    assert made.status_code == 201
    assert made.json["port"] == 22
    path = f"{CLIENTS}/{made.json['id']}"
    changed = script.put(path, json=BODY | {"name": "Renamed", "port": 2222})
    assert (changed.status_code, changed.json["name"], changed.json["port"]) == (200, "Renamed", 2222)
    for answer in (made, changed, script.get(path), script.get(CLIENTS)):
        assert "s3cret" not in answer.text
        assert "assword" not in answer.text
    with sessions() as session:
        stored = session.query(Connection).one()
        assert vault.decrypt(stored.password or "") == "s3cret"
    assert script.delete(path).status_code == 204
    assert_error(script.get(path), 404)


def test_faults_bear_the_names_that_scripts_use(script: Script) -> None:
    body = BODY | {"name": "", "host": "a b", "port": 0, "privateKey": "x", "hostKey": "y"}
    assert_error(script.post(CLIENTS, json=body), 400, "name", "host", "port", "privateKey", "hostKey")
    assert_error(script.post(CLIENTS, json=BODY | {"type": "FTP", "password": "x"}), 400, "type")
    assert_error(script.post(CLIENTS, json=BODY | {"baseUrl": "x"}), 400, "baseUrl")


def test_names_types_and_uses_are_guarded(script: Script, job: ExportJob) -> None:
    path = f"{CLIENTS}/{job.connection.public_id}"
    taken = BODY | {"name": job.connection.name, "password": "x"}
    assert_error(script.post(CLIENTS, json=taken), 409, "name")
    assert_error(script.put(path, json=taken | {"type": "API"}), 400, "type")
    assert job.name in assert_error(script.delete(path), 409)["message"]


def test_the_host_key_is_shown_accepted_and_then_trusted(script: Script, sshd: SshServer) -> None:
    body = BODY | {
        "host": sshd.host,
        "port": sshd.port,
        "username": sshd.username,
        "privateKey": sshd.private_key,
    }
    client_id = script.post(CLIENTS, json=body).json["id"]
    first = script.post(f"{CLIENTS}/{client_id}/test")
    assert (first.status_code, first.json["ok"]) == (200, False)
    step = first.json["steps"][-1]
    assert (step["name"], step["hostKey"]) == ("host key", sshd.host_key)
    assert step["fingerprint"].startswith("SHA256:")
    script.put(f"{CLIENTS}/{client_id}", json=body | {"hostKey": step["hostKey"]})
    second = script.post(f"{CLIENTS}/{client_id}/test", json={"folder": ""})
    assert second.json["ok"], second.json
    assert [step["name"] for step in second.json["steps"]][-4:] == ["list", "write", "rename", "delete"]
