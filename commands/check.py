"""The demo's exports, tried over the JSON API: an order changes its status, and its file lies in the sandbox folder."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from commands.machine import BEHIND_TLS, ROOT, CommandError, say

ARRIVAL_SECONDS = 60
NEW_ORDER = ROOT / "sandbox" / "samples" / "new_order.json"


class Api:
    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = BEHIND_TLS | {
            "Authorization": f"Bearer {token}",
            "dj-client": "OPERATOR",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._address + path, data, self._headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise CommandError(
                f"{method} {path} answered {error.code}: {error.read().decode(errors='replace')}"
            ) from None


def round_trip(address: str, token: str, sandbox: Path) -> int:
    """0 when everything that was to be exported has arrived, byte for byte."""
    api = Api(address, token)
    reference = api.call("POST", "/v1/orders", json.loads(NEW_ORDER.read_text()))["reference"]
    moved_at = time.monotonic()
    exports = api.call("PATCH", f"/v1/orders/{reference}", {"status": "ACCEPTED_BY_SUPPLIER"})["exports"]
    if not exports:
        raise CommandError("No export job fired. Has the demo been changed? Try with an empty --data folder.")
    _wait_for(api, exports)
    seconds = time.monotonic() - moved_at
    say(f"Order {reference} was accepted; its file arrived {seconds:.2f} s later. Everything that was exported:")
    missing = [found for found in _finished(api) if not _arrived(found, api, sandbox)]
    return 1 if missing else 0


def _wait_for(api: Api, exports: list[str]) -> None:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    waiting = set(exports)
    while waiting:
        waiting -= {found["exportIntegrationId"] for found in _page(api) if found["status"] == "SUCCESS"}
        if waiting and time.monotonic() > deadline:
            raise CommandError(f"Not delivered within {ARRIVAL_SECONDS} s: {', '.join(sorted(waiting))}")
        time.sleep(0.05)


def _finished(api: Api) -> list[dict[str, Any]]:
    """Every export of the newest page, once none of them is under way any more."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        page = _page(api)
        under_way = [found for found in page if found["status"] in ("JOB_PENDING", "JOB_STARTED")]
        if not under_way or time.monotonic() > deadline:
            return page
        time.sleep(0.2)


def _page(api: Api) -> list[dict[str, Any]]:
    content = api.call("GET", "/v2/executions?size=100&sort=createdAt,desc")["content"]
    return [found for found in content if found["kind"] == "EXPORT"]


def _arrived(execution: dict[str, Any], api: Api, sandbox: Path) -> bool:
    """Compares with what was sent. Under a short name, a later export of the same order may have replaced it."""
    job = api.call("GET", f"/v2/mapper/jobout/{execution['jobOutId']}")
    file = sandbox / job["outputFolder"].strip("/") / (execution["fileName"] or "unnamed")
    if execution["status"] != "SUCCESS" or not file.is_file():
        say(f"  MISSING {file}: {execution['status']} {execution['error'] or ''}")
        return False
    content = file.read_bytes()
    same = hashlib.sha256(content).hexdigest() == str(execution["sha256"])
    say(f"  {'arrived' if same else 'DIFFERS'} {file} {len(content)} bytes")
    return same
