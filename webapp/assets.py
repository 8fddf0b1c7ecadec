"""Static files: addresses that change with the content, so that browsers may keep them for a year."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, current_app, request, url_for
from werkzeug.utils import safe_join

YEAR = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    app.get_send_file_max_age = _max_age  # type: ignore[method-assign]
    app.add_template_global(asset)


def asset(name: str) -> str:
    """The address of a file below static/. One that is not installed costs the page its look, not its answer."""
    path = Path(safe_join(str(current_app.static_folder), name) or "")
    if not path.is_file():
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=_digest(path))


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _max_age(_name: str | None) -> int | None:
    return YEAR if request.query_string else None
