"""Names of exported order files. Whatever a reference holds, the name is one safe part of a path, and its own."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from datahub.errors import RenderError
from datahub.models.order_document import Document

SHORT, STANDARD = "SHORT", "STANDARD"
LONGEST = 200
NO_SUPPLIER = "NA"

_UNSAFE = re.compile(r"^[.-]|[^A-Za-z0-9._-]")
# Windows servers open a device when a file is called so, whatever its extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def file_name(
    document: Document,
    *,
    job_format: str,
    extension: str,
    prefix: str,
    multi_store: bool,
    at: datetime,
    store_external_id: str,
) -> str:
    """At most 200 bytes of ASCII. A reference that had to be changed or cut bears `~` and a hash of the original;
    no other name holds a `~`, so short names of different references never meet.

    Raises RenderError without a reference."""
    reference = document.get("reference") or ""
    if not reference:
        raise RenderError("The order has no reference, so its file cannot be named.")
    if job_format == SHORT:
        return _join([_safe(reference)], [reference], "", f".{extension}")
    originals = [reference, document["supplierSnapshot"].get("externalId") or NO_SUPPLIER]
    if multi_store:
        originals.append(store_external_id)
    parts = [_safe(original) for original in originals]
    time = at.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    return _join(parts, originals, f"{prefix}_", f"_{time}_orders.{extension}")


def _join(parts: list[str], originals: list[str], start: str, end: str) -> str:
    room = LONGEST - len(start) - len(end) - (len(parts) - 1)
    if sum(map(len, parts)) > room:
        share = room // len(parts)
        pairs = zip(parts, originals, strict=True)
        parts = [part if len(part) <= share else _mark(part[: share - 13], original) for part, original in pairs]
    return f"{start}{'_'.join(parts)}{end}"


def _safe(text: str) -> str:
    safe = _UNSAFE.sub("_", text)
    return text if safe == text and not _DEVICE.match(text) else _mark(safe, text)


def _mark(safe: str, original: str) -> str:
    return f"{safe.replace('~', '_')}~{hashlib.sha256(original.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
