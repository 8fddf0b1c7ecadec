"""An order document as JSON: always the same keys in the same order, nulls kept, booleans as text, wrapped lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from datahub.formats.base import clean_text
from datahub.models.order_document import (
    ORDER,
    CustomFields,
    Document,
    Field,
    Group,
    InJson,
    Items,
    Kind,
    Part,
    decimal_text,
)


def render(document: Document) -> bytes:
    """Raises RenderError, naming the field, for text that an order file cannot carry."""
    return orjson.dumps(_object(ORDER, document, ""), option=orjson.OPT_INDENT_2)


def _object(parts: tuple[Part, ...], source: Document, path: str) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for part in parts:
        value, here = source.get(part.name), f"{path}{part.name}"
        if not _appears(part, value):
            continue
        match part:
            case Field():
                written[part.name] = None if value is None else _scalar(part.kind, value, here)
            case Group():
                written[part.name] = _object(part.parts, value or {}, f"{here}.")
            case Items():
                here = f"{here}.{part.item}"
                items = [_object(part.parts, item, f"{here}[{index}].") for index, item in enumerate(value or [])]
                written[part.name] = {part.item: items}
            case CustomFields():
                here = f"{here}.{part.item}"
                fields = [_custom_field(field, f"{here}[{index}]") for index, field in enumerate(value or [])]
                written[part.name] = {part.item: fields}
    return written


def _appears(part: Part, value: Any) -> bool:
    match part:
        case Field(in_json=InJson.NEVER):
            return False
        case Field(in_json=InJson.WHEN_SET):
            return value is not None
        case Items(always=False):
            return bool(value)
        case _:
            return True


def _custom_field(field: Document, path: str) -> dict[str, Any]:
    written: dict[str, Any] = {name: clean_text(field[name], f"{path}.{name}") for name in ("externalId", "type")}
    value = field["value"]
    if isinstance(value, list):
        here = f"{path}.listValue.value"
        written["listValue"] = {"value": [clean_text(item, f"{here}[{index}]") for index, item in enumerate(value)]}
    else:
        written["simpleValue"] = clean_text(value, f"{path}.simpleValue")
    return written


def _scalar(kind: Kind, value: Any, path: str) -> Any:
    match kind:
        case Kind.DECIMAL:
            return orjson.Fragment(decimal_text(Decimal(value)))
        case Kind.INTEGER:
            return int(value)
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.TIME:
            return clean_text(value, path).replace("Z", "+00:00")
        case Kind.TEXT:
            return clean_text(value, path)
