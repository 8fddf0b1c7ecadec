"""Answers of the JSON API: decimals exact, times in UTC with Z."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import orjson
from flask import Response

from datahub.models.order_document import decimal_text, time_text
from datahub.paging import Slice
from webapp.api.paging import Paging

JSON_TYPE = "application/json"
Row = TypeVar("Row")


def reply(body: object, status: int = 200) -> Response:
    content = orjson.dumps(body, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    return Response(content, status=status, content_type=JSON_TYPE)


def no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def page_of(found: Slice[Row], paging: Paging, describe: Callable[[Row], object]) -> Response:
    content = [describe(row) for row in found.items]
    return reply(
        {
            "content": content,
            "numberOfElements": len(content),
            "number": paging.page,
            "size": paging.size,
            "first": paging.page == 0,
            "last": not found.has_more,
            "empty": not content,
        }
    )


def cut(rows: Iterable[Row], size: int) -> Slice[Row]:
    """From one row more than the page holds, which only says that others follow."""
    found = list(rows)
    return Slice(found[:size], has_more=len(found) > size)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(decimal_text(value))
    if isinstance(value, datetime):
        return time_text(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
