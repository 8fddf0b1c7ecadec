"""Values that are stored as JSON: how a given one joins the stored one, and how they are written to be compared."""

from __future__ import annotations

import json
from typing import Any


def newer(stored: Any, given: Any) -> Any:
    """What is given per locale, or per id of a custom field, joins what is stored; a list replaces it."""
    if not isinstance(given, dict):
        return given
    before = stored if isinstance(stored, dict) else {}
    return before | {name: newer(before.get(name), value) for name, value in given.items()}


def contradicts(one: Any, other: Any) -> bool:
    """Texts in other locales do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return any(contradicts(one[name], value) for name, value in other.items() if name in one)
    return bool(one != other)


def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
