"""References and external ids in addresses of pages. They may hold anything, slashes and dots included."""

from __future__ import annotations

import re

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")
ESCAPED = re.compile(rb"~([0-9a-f]{2})")


class ReferenceConverter(BaseConverter):
    """Writes `a/b` as `a~2fb`. With percent signs browsers and proxies would undo `%2e%2e` and `%2f` on the way."""

    regex = "[A-Za-z0-9_~-]+"

    def to_url(self, value: str) -> str:
        return UNSAFE.sub(lambda found: b"~%02x" % found[0][0], value.encode()).decode()

    def to_python(self, value: str) -> str:
        try:
            return ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), value.encode()).decode()
        except UnicodeDecodeError as error:
            raise ValidationError from error


def init_app(app: Flask) -> None:
    app.url_map.converters["reference"] = ReferenceConverter
