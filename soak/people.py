"""What people do meanwhile: stop what is under way, retry what was stopped or failed, send again what was delivered."""

from __future__ import annotations

import time
from typing import Any

import httpx

PATIENCE = 3.0
FOUND_IN = {
    "stop": ("JOB_PENDING", "JOB_STARTED"),
    "retry": ("JOB_STOPPED", "ERROR"),
    "resend": ("SUCCESS",),
}


def act(api: httpx.Client, doing: str, pick: float) -> str:
    """Chooses by `pick` among the newest executions that this can be done to, and returns what came of it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            found = _find(api, FOUND_IN[doing])
            if found:
                return _do(api, doing, found[int(pick * len(found))])
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    return "found none"


def _find(api: httpx.Client, statuses: tuple[str, ...]) -> list[dict[str, Any]]:
    answer = api.get("/v2/executions", params={"statuses": list(statuses), "size": 100})
    return list(answer.json()["content"]) if answer.status_code == 200 else []


def _do(api: httpx.Client, doing: str, execution: dict[str, Any]) -> str:
    path = f"/v2/jobouts/{execution['jobOutId']}/executions/{execution['exportIntegrationId']}/{doing}"
    answer = api.post(path)
    match answer.status_code:
        case 202 | 204:
            return "done"
        case 409:
            return "came too late"
        case code if code >= 500:
            return "no answer"
        case code:
            return f"refused with {code}: {answer.text[:200]}"
