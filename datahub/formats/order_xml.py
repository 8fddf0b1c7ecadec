"""An order document as XML: everything that is set, in the declared order; what is null is left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from datahub.formats.base import clean_text
from datahub.models.order_document import ORDER, CustomFields, Document, Field, Group, Items, Kind, Part, decimal_text

NAMESPACE = "http://djust.com/export/type"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XS = "http://www.w3.org/2001/XMLSchema"
PROLOG = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def render(document: Document) -> bytes:
    """Raises RenderError, naming the field, for text that XML cannot carry."""
    root = etree.Element(f"{{{NAMESPACE}}}Order", nsmap={None: NAMESPACE})
    _write_parts(root, ORDER, document, "")
    etree.indent(root, space="")
    body: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return PROLOG + body


def _write_parts(parent: etree._Element, parts: tuple[Part, ...], source: Document, path: str) -> None:
    for part in parts:
        value, here = source.get(part.name), f"{path}{part.name}"
        match part:
            case Field():
                if value is not None:
                    _child(parent, part.name).text = _text(part.kind, value, here)
            case Group():
                group = _child(parent, part.name)
                _write_parts(group, part.parts, value or {}, f"{here}.")
                if not len(group):
                    parent.remove(group)
            case Items():
                if value or part.always:
                    _write_items(_child(parent, part.name), part, value or [], here)
            case CustomFields():
                _write_custom_fields(_child(parent, part.name), part, value or [], here)


def _write_items(wrapper: etree._Element, part: Items, items: list[Document], path: str) -> None:
    for index, item in enumerate(items):
        _write_parts(_child(wrapper, part.item), part.parts, item, f"{path}.{part.item}[{index}].")


def _write_custom_fields(wrapper: etree._Element, part: CustomFields, fields: list[Document], path: str) -> None:
    for index, field in enumerate(fields):
        here = f"{path}.{part.item}[{index}]"
        element = _child(wrapper, part.item)
        for name in ("externalId", "type"):
            _child(element, name).text = clean_text(field[name], f"{here}.{name}")
        if isinstance(field["value"], list):
            values = _child(element, "listValue")
            for position, value in enumerate(field["value"]):
                _write_typed(values, "value", value, f"{here}.listValue.value[{position}]")
        else:
            _write_typed(element, "simpleValue", field["value"], f"{here}.simpleValue")


def _write_typed(parent: etree._Element, name: str, value: str, path: str) -> None:
    """Custom values say that they are strings, whatever their type, and declare the namespaces for it themselves."""
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", nsmap={"xsi": XSI, "xs": XS})
    element.set(f"{{{XSI}}}type", "xs:string")
    element.text = clean_text(value, path)


def _child(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _text(kind: Kind, value: Any, path: str) -> str:
    match kind:
        case Kind.DECIMAL:
            return decimal_text(Decimal(value))
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case _:
            # Documents hold times as XML wants them already.
            return clean_text(value, path)
