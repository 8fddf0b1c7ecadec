"""Bytes from and to documents, one file per format. FORMATS finds a format by its name on an export job."""

from __future__ import annotations

from datahub.formats import order_json, order_xml
from datahub.formats.base import Format

FORMATS = {
    "XML": Format("XML", "xml", "application/xml", order_xml.render),
    "JSON": Format("JSON", "json", "application/json", order_json.render),
}


def content_type(file_name: str) -> str:
    """Of a file that the hub named."""
    kinds = {kind.extension: kind.content_type for kind in FORMATS.values()}
    return kinds.get(file_name.rpartition(".")[2], "application/octet-stream")


__all__ = ["FORMATS", "Format", "content_type"]
