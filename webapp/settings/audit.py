"""The audit log: who changed what, when, with old and new values."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from datahub.access import audit_log
from datahub.access.audit import ACTIONS
from datahub.access.audit_log import EXECUTION, Filters
from datahub.models.access import User
from datahub.models.audit import CHANGED, CREATED, DELETED, AuditEntry
from webapp import pager
from webapp.database import db
from webapp.htmx import render, wants_fragment
from webapp.permissions import ADMINISTER, permission

SOURCE_WORDS = {"PAGE": "by page", "API": "by script", "COMMAND": "by command"}
SECRET_WORDS = {CREATED: "set", DELETED: "gone"}
PAGES = {
    "connection": ("connections.detail", "connection_id"),
    "export job": ("export_jobs.detail", "job_id"),
    "import job": ("import_jobs.detail", "job_id"),
    "custom field": ("settings.custom_fields.edit", "public_id"),
    "token": ("settings.users.edit", "user_id"),
    "user": ("settings.users.edit", "user_id"),
    "general settings": ("settings.general", None),
    EXECUTION: ("executions.detail", "execution_id"),
}
blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
@permission(ADMINISTER)
def index() -> Response:
    chosen = {name: request.args.get(name, "").strip() for name in ("person", "kind", "action", "source", "text")}
    days = {name: _day(request.args.get(name, "")) for name in ("since", "until")}
    asked = pager.asked()
    found = audit_log.page(db.session(), Filters(**chosen, **days), **asked)
    homes = audit_log.homes(db.session(), found.items)
    params = {name: value for name, value in (chosen | days).items() if value}
    address = partial(url_for, "settings.audit.index", **params)
    response = render(
        "settings/audit.html",
        "settings/_audit.html",
        chosen=chosen | days,
        people=[(str(user.id), user.name) for user in db.session().scalars(select(User).order_by(User.name_key))],
        kinds=[(kind, kind.capitalize()) for kind in audit_log.kinds()],
        actions=[(action, action.capitalize()) for action in ACTIONS],
        sources=[(source, words.capitalize()) for source, words in SOURCE_WORDS.items()],
        entries=[_shown(entry, homes.get((entry.kind, entry.object_id))) for entry in found.items],
        **pager.neighbours(found, address),
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = address(**asked)
    return response


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _shown(entry: AuditEntry, home: str | None) -> dict[str, Any]:
    return {
        "entry": entry,
        "who": entry.actor or "Somebody not signed in",
        "how": " · ".join(filter(None, [SOURCE_WORDS[entry.source], entry.address])),
        "what": entry.action.capitalize(),
        "url": _url(entry.kind, home) if home else "",
        "name": entry.object_name or ("" if entry.kind == "general settings" else "unknown name"),
        "differences": [_difference(entry.action, *change) for change in (entry.changes or {}).items()],
    }


def _url(kind: str, home: str) -> str:
    endpoint, argument = PAGES.get(kind, ("", None))
    if not endpoint:
        return ""
    return url_for(endpoint, **({argument: home} if argument else {}))


def _difference(action: str, field: str, change: Any) -> tuple[str, str, str]:
    """The field, its old and its new value in words, one of them empty where there is none; a secret has no values. Of
    lists what differs is shown, and … for all that stayed."""
    label = field.replace("_", " ").capitalize()
    if not isinstance(change, list):
        return label, "", SECRET_WORDS.get(action, change)
    old, new = change
    if action != CHANGED:
        return label, "" if old is None else _words(old), "" if new is None else _words(new)
    if isinstance(old, list) and isinstance(new, list):
        gone, added = [item for item in old if item not in new], [item for item in new if item not in old]
        same = ["…"] if any(item in new for item in old) else []
        old, new = ([*gone, *same], [*added, *same]) if gone or added else (old, new)
    return label, _words(old), _words(new)


def _words(value: Any) -> str:
    if value in (None, "", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " ".join(f"{name} {_words(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ("; " if isinstance(value[0], dict) else ", ").join(_words(item) for item in value)
    return str(value)
