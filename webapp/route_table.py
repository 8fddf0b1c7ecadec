"""The table of docs/permissions.md, from the routes: what each demands and which role may."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask
from werkzeug.routing import Rule

from webapp.auth.identity import API_PATHS
from webapp.permissions import GRANTS, PUBLIC, required_permission

HEAD = """\
# Who may do what

Made by `bin/datahub permissions > docs/permissions.md`; do not edit it by hand.

Every route declares what it demands; one that declares nothing answers nobody. Pages take the cookie of a browser's
session, the JSON API takes the token of a user and the header `dj-client: OPERATOR`; neither takes the other's. A token
may do what its user may do. Strangers are sent to sign in, or answered 401; a role that may not is answered 403.

| | demands |
|---|---|
| `PUBLIC` | nothing: doors, and what machines ask |
| `SIGNED_IN` | any user; it concerns only themselves |
| `MAPPER_READ` | to see |
| `MAPPER_WRITE` | to change, run and stop |
| `EVERY_STORE_READ` | to see what is of all stores together; not for whoever is limited to some |
| `EVERY_STORE_WRITE` | to change or run what is of all stores together; not for whoever is limited to some |
| `ADMINISTER` | to keep users and to read the audit log |
"""
ROLES = ("VIEWER", "OPERATOR", "ADMIN")
CONVERTER = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")


def in_markdown(app: Flask) -> str:
    routes = sorted(_routes(app))
    pages = [line for path, line in routes if not API_PATHS.match(path)]
    api = [line for path, line in routes if API_PATHS.match(path)]
    return "\n".join([HEAD, "## Pages", "", *_table(pages), "", "## JSON API", "", *_table(api), ""])


def _table(lines: list[str]) -> list[str]:
    return ["| route | demands | viewer | operator | admin |", "|---|---|---|---|---|", *lines]


def _routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            path = CONVERTER.sub(r"{\1}", rule.rule)
            name = required_permission(app, rule.endpoint) or "nobody"
            may = ["yes" if name == PUBLIC or name in GRANTS[role] else "no" for role in ROLES]
            yield path, f"| {_methods(rule)} `{path}` | {name} | {' | '.join(may)} |"


def _methods(rule: Rule) -> str:
    return " ".join(method for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS"))
