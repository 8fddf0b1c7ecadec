"""What people do meanwhile: stop what is under way, retry what was stopped or failed, send again what was delivered,
edit jobs, disable and activate their connection, run a job for what it never exported."""

from __future__ import annotations

import time
from typing import Any

import httpx

# For something to do it to, and for an answer while the web or its database are away.
PATIENCE, LONG_PATIENCE = 3.0, 60.0
FOUND_IN = {
    "stop": ("JOB_PENDING", "JOB_STARTED"),
    "retry": ("JOB_STOPPED", "ERROR"),
    "resend": ("SUCCESS",),
}
DOINGS = (*FOUND_IN, "edit", "run")
EDITED = {"exportFormat": ("XML", "JSON"), "fileNameFormat": ("SHORT", "STANDARD")}


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


def edit(api: httpx.Client, job: str, pick: float) -> str:
    """Gives the job's later files another format, or other names."""
    field = list(EDITED)[int(pick * len(EDITED))]
    found = _find_job(api, job)
    kept = ("name", "clientId", "outputFolder", "exportFormat", "fileNameFormat", "triggerStatuses")
    (other,) = {*EDITED[field]} - {found[field]}
    _insist(api, "PUT", f"/v1/mapper/jobout/{found['id']}", {name: found[name] for name in kept} | {field: other})
    return field


def run(api: httpx.Client, job: str) -> str:
    answer = _insist(api, "POST", f"/v1/mapper/jobout/{_find_job(api, job)['id']}/run")
    return "sent what was never exported" if answer["count"] else "nothing to send"


def switch_connection(api: httpx.Client, *, active: bool) -> None:
    (found,) = _insist(api, "GET", "/v1/mapper/clients")["content"]
    kept = {name: found[name] for name in ("name", "host", "username")}
    _insist(api, "PUT", f"/v1/mapper/clients/{found['id']}", kept | {"active": active})


def _find_job(api: httpx.Client, name: str) -> dict[str, Any]:
    jobs: list[dict[str, Any]] = _insist(api, "GET", "/v1/mapper/jobout")["content"]
    (found,) = [job for job in jobs if job["name"] == name]
    return found


def _insist(api: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Asks until there is an answer, for what is safe to repeat. Raises TimeoutError when there is none, ValueError
    when it is a refusal."""
    deadline = time.monotonic() + LONG_PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = api.request(method, path, json=body)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.is_success:
            found: dict[str, Any] = answer.json()
            return found
        if answer is not None and answer.status_code < 500:
            raise ValueError(f"refused with {answer.status_code}: {answer.text[:200]}")
        time.sleep(0.1)
    raise TimeoutError(f"no answer to {method} {path}")
