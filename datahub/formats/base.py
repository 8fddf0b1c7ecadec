"""What every format of an order file shares: its description, and the rule for text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datahub.errors import RenderError
from datahub.models.order_document import ILLEGAL_IN_XML, Document


@dataclass(frozen=True)
class Format:
    """`render` raises RenderError where the document holds text that the format cannot carry."""

    name: str
    extension: str
    content_type: str
    render: Callable[[Document], bytes]


def clean_text(value: Any, path: str) -> str:
    """The text itself. Every format refuses what XML 1.0 cannot carry, so that they all hold the same orders."""
    text = str(value)
    illegal = ILLEGAL_IN_XML.search(text)
    if illegal:
        raise RenderError(f"{path} holds the character U+{ord(illegal[0]):04X}, which an order file cannot carry.")
    return text
