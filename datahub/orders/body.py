"""The shape of an order that somebody sends: types, lengths, known fields. Compares with the declared document.

Answers plain values (Decimal, int, bool, aware datetime, text), lists without wrappers, and only the keys that came."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from datahub.errors import InvalidError
from datahub.faults import Faults
from datahub.models.order import ORDER_STATUSES
from datahub.models.order_document import (
    ILLEGAL_IN_XML,
    LONG_TEXT,
    ORDER,
    TAX_INFORMATION,
    CustomFields,
    Field,
    Group,
    Items,
    Kind,
    Part,
)
from datahub.orders.life import parse_status

Values = dict[str, Any]

STORE = Field("storeExternalId")
LARGEST_INTEGER = 2**53 - 1
MILLIONTH = Decimal("0.000001")
MOST_OPTIONS = 1_000
BOOLEANS = {True: True, False: False, "true": True, "false": False}


def read_body(body: Values, faults: Faults) -> Values:
    """Every fault is added to `faults`; what is at fault is left out of the answer."""
    return _read_parts((*ORDER, STORE), body, "", faults)


def _read_parts(parts: tuple[Part, ...], source: Any, path: str, faults: Faults) -> Values:
    if not isinstance(source, dict):
        faults.add(path.rstrip(".") or "body", "must be an object")
        return {}
    for name in sorted(source.keys() - {part.name for part in parts}):
        faults.add(f"{path}{name}", "is not a field of an order")
    values: Values = {}
    for part in parts:
        if part.name in source:
            _read_part(part, source[part.name], f"{path}{part.name}", values, faults)
    return values


def _read_part(part: Part, given: Any, path: str, values: Values, faults: Faults) -> None:
    if given is None:
        if isinstance(part, Field):
            values[part.name] = None
        return
    match part:
        case Field():
            try:
                values[part.name] = _read_field(part, given)
            except ValueError as error:
                faults.add(path, str(error))
        case Group():
            values[part.name] = _read_parts(part.parts, given, f"{path}.", faults)
        case Items():
            items = _unwrap(given, part.item, part.most, path, faults)
            here = f"{path}.{part.item}"
            values[part.name] = [
                _read_parts(part.parts, item, f"{here}[{index}].", faults) for index, item in enumerate(items)
            ]
        case CustomFields():
            items = _unwrap(given, part.item, part.most, path, faults)
            values[part.name] = _read_custom_fields(items, f"{path}.{part.item}", faults)


def _unwrap(given: Any, item: str, most: int, path: str, faults: Faults) -> list[Any]:
    """The list inside `{item: [...]}`."""
    if not isinstance(given, dict) or set(given) != {item} or not isinstance(given[item], list):
        faults.add(path, f"must be an object that holds one list, {item}")
        return []
    items: list[Any] = given[item]
    if len(items) > most:
        faults.add(f"{path}.{item}", f"has more than {most} entries")
        return []
    return items


def _read_custom_fields(items: list[Any], path: str, faults: Faults) -> list[Values]:
    fields = [_read_custom_field(item, f"{path}[{index}]", faults) for index, item in enumerate(items)]
    seen: set[str] = set()
    for index, field in enumerate(fields):
        if field and field["externalId"] in seen:
            faults.add(f"{path}[{index}].externalId", "occurs twice")
        seen.add(field.get("externalId", ""))
    return fields


def _read_custom_field(item: Any, path: str, faults: Faults) -> Values:
    """Empty where something is wrong."""
    if not isinstance(item, dict):
        faults.add(path, "must be an object")
        return {}
    before = len(faults.fields)
    for name in sorted(item.keys() - {"externalId", "type", "simpleValue", "listValue"}):
        faults.add(f"{path}.{name}", "is not a field of a custom field")
    values: Values = {}
    for field in (Field("externalId"), Field("type", limit=50)):
        _read_part(field, item.get(field.name), f"{path}.{field.name}", values, faults)
        if not values.get(field.name, True):
            faults.add(f"{path}.{field.name}", "is missing")
    values["value"] = _read_custom_value(item.get("simpleValue"), item.get("listValue"), path, faults)
    return values if len(faults.fields) == before else {}


def _read_custom_value(simple: Any, listed: Any, path: str, faults: Faults) -> Any:
    if (simple is None) == (listed is None):
        faults.add(path, "needs either a simpleValue or a listValue")
        return None
    value = Field("value", limit=LONG_TEXT)
    read: Values = {}
    if listed is None:
        _read_part(value, simple, f"{path}.simpleValue", read, faults)
        return read.get("value")
    texts = []
    for index, option in enumerate(_unwrap(listed, "value", MOST_OPTIONS, f"{path}.listValue", faults)):
        here = f"{path}.listValue.value[{index}]"
        _read_part(value, option, here, read, faults)
        if option is None:
            faults.add(here, "must be text")
        texts.append(read.get("value"))
    return texts


def _read_field(field: Field, given: Any) -> Any:
    """Raises ValueError that says what the value must be."""
    if field == TAX_INFORMATION:
        raise ValueError("must be null: tax information is not kept")
    match field.kind:
        case Kind.TEXT:
            text = _read_text(given, field.limit)
            return _choose(text, field.choices) if field.choices else text
        case Kind.DECIMAL:
            return _read_decimal(given)
        case Kind.INTEGER:
            return _read_integer(given, field.least)
        case Kind.BOOLEAN:
            return _read_boolean(given)
        case Kind.TIME:
            return _read_time(given)


def _read_text(given: Any, limit: int) -> str:
    """The text as it came, not trimmed. Raises ValueError."""
    if not isinstance(given, str):
        raise ValueError("must be text")
    if len(given) > limit:
        raise ValueError(f"has more than {limit} characters")
    illegal = ILLEGAL_IN_XML.search(given)
    if illegal:
        raise ValueError(f"holds the character U+{ord(illegal[0]):04X}, which an order file cannot carry")
    return given


def _choose(text: str, choices: tuple[str, ...]) -> str:
    if choices == ORDER_STATUSES:
        try:
            return parse_status(text)
        except InvalidError as error:
            raise ValueError(error.fields["status"][0]) from error
    if text not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return text


def _read_decimal(given: Any) -> Decimal:
    """At most 12 digits before the decimal point and 6 after. Raises ValueError."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise ValueError("must be a number")
    value = Decimal(given)
    if not value.is_finite():
        raise ValueError("must be a finite number")
    if not value:
        return Decimal(0)
    if value.adjusted() >= 12:
        raise ValueError("has more than 12 digits before the decimal point")
    if value.adjusted() < -6 or value != value.quantize(MILLIONTH):
        raise ValueError("has more than 6 decimals")
    return value


def _read_integer(given: Any, least: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError("must be a whole number")
    if not least <= given <= LARGEST_INTEGER:
        raise ValueError(f"must be from {least} to {LARGEST_INTEGER}")
    return given


def _read_boolean(given: Any) -> bool:
    # In Python 1 equals True; here it is a number in the place of a truth value.
    if not isinstance(given, bool | str) or given not in BOOLEANS:
        raise ValueError('must be true or false, or the text "true" or "false"')
    return BOOLEANS[given]


def _read_time(given: Any) -> datetime:
    message = "must be a time with its zone, such as 2025-03-24T14:32:31.824Z"
    if not isinstance(given, str):
        raise ValueError(message)
    try:
        time = datetime.fromisoformat(given)
        if time.tzinfo is None:
            raise ValueError(message)
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(message) from error
