"""What people do to jobs and connections, against an API that fails now and then."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from soak import people

JOB: dict[str, Any] = {
    "id": "j-1",
    "name": "short-xml",
    "clientId": "c-1",
    "outputFolder": "short-xml",
    "exportFormat": "XML",
    "fileNameFormat": "SHORT",
    "triggerStatuses": ["SHIPPED"],
    "active": True,
}
CLIENT = {"id": "c-1", "name": "ERP", "host": "127.0.0.1", "port": 22, "username": "hub", "active": True}


class Api:
    """Takes every change; the first `failures` requests get no useful answer."""

    def __init__(self, failures: int = 0, refusal: int | None = None) -> None:
        self.failures = failures
        self.refusal = refusal
        self.taken: list[tuple[str, str, dict[str, Any] | None]] = []
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://hub")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.failures:
            self.failures -= 1
            if self.failures % 2:
                raise httpx.ConnectError("away")
            return httpx.Response(503)
        if request.method == "GET":
            return httpx.Response(200, json={"content": [CLIENT if "clients" in request.url.path else JOB]})
        if self.refusal:
            return httpx.Response(self.refusal, text="no")
        self.taken.append((request.method, request.url.path, json.loads(request.content or b"null")))
        return httpx.Response(200, json={"count": 3})


@pytest.mark.parametrize(("pick", "changed"), [(0.2, {"exportFormat": "JSON"}), (0.7, {"fileNameFormat": "STANDARD"})])
def test_an_edit_changes_one_thing_and_keeps_folder_statuses_and_suppliers(
    pick: float, changed: dict[str, str]
) -> None:
    api = Api()
    assert people.edit(api.client, "short-xml", pick) in changed
    kept = {name: value for name, value in JOB.items() if name not in ("id", "active")}
    assert api.taken == [("PUT", "/v1/mapper/jobout/j-1", kept | changed)]


def test_a_connection_that_was_disabled_is_active_again_whatever_fails_meanwhile() -> None:
    api = Api()
    people.switch_connection(api.client, active=False)
    api.failures = 4
    people.switch_connection(api.client, active=True)
    sent = {"name": "ERP", "host": "127.0.0.1", "username": "hub"}
    assert [body for _, _, body in api.taken] == [sent | {"active": False}, sent | {"active": True}]


def test_a_run_is_asked_for_until_there_is_an_answer() -> None:
    api = Api(failures=3)
    assert people.run(api.client, "short-xml") == "sent what was never exported"
    assert api.taken == [("POST", "/v1/mapper/jobout/j-1/run", None)]


def test_a_refusal_is_no_answer_to_wait_for() -> None:
    with pytest.raises(ValueError, match="refused with 409: no"):
        people.run(Api(refusal=409).client, "short-xml")
