"""Reading a JSON body strictly: decimals exact, equal keys refused, nothing that a database or a file cannot carry."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from datahub.errors import InvalidError

MOST_DEPTH = 50
LONGEST_NUMBER = 40
UNCARRIABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedBodyError(InvalidError):
    """The body is no JSON that we can read."""

    code = "malformed_json"


def read_body(request: Request) -> Any:
    """Raises MalformedBodyError; UnsupportedMediaType for another content type; RequestEntityTooLarge."""
    if not request.is_json:
        raise UnsupportedMediaType
    return parse(request.get_data(cache=False))


def parse(data: bytes) -> Any:
    """Raises MalformedBodyError that says what and, where it can, at which line."""
    try:
        value = json.loads(
            data.decode(),
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_distinct,
        )
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"The body is not UTF-8: byte {error.start + 1} cannot be read.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBodyError(f"The body is not JSON: {error.msg} ({where}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_texts(value)
    return value


def _decimal(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise MalformedBodyError(f"A number has more than {LONGEST_NUMBER} characters: {text[:20]}…")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise MalformedBodyError(f"The number {text} is out of range.") from error


def _whole(text: str) -> int:
    return int(_decimal(text))


def _refuse_constant(text: str) -> NoReturn:
    raise MalformedBodyError(f"{text} is not JSON.")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise MalformedBodyError(f"The body names {', '.join(map(ascii, twice))} twice in one object.")
    return found


def _check_texts(value: object) -> None:
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise _too_deep()
        if isinstance(item, str):
            if UNCARRIABLE.search(item):
                raise MalformedBodyError(f"A text holds NUL or half a surrogate pair: {item[:40]!a}.")
        elif isinstance(item, list):
            waiting += [(inner, depth + 1) for inner in item]
        elif isinstance(item, dict):
            waiting += [(inner, depth + 1) for pair in item.items() for inner in pair]


def _too_deep() -> MalformedBodyError:
    return MalformedBodyError(f"The body is nested deeper than {MOST_DEPTH} levels.")
