"""Records as XML, for files that the hub reads by the paths of their elements."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from datahub.models.order_document import ILLEGAL_IN_XML


def as_element(record: str, cells: Iterable[tuple[str, str]]) -> str:
    """A record with the cells that are not empty, each at its path; read again it is the same row."""
    top = ElementTree.Element(record)
    for path, cell in cells:
        if not cell.strip():
            continue
        place = top
        *around, name = path.split("/")
        for step in around:
            found = place.find(step)
            place = ElementTree.SubElement(place, step) if found is None else found
        ElementTree.SubElement(place, name).text = ILLEGAL_IN_XML.sub(" ", cell)
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode") + "\n"
