"""Values that are stored as JSON: how a given one joins the stored one, and how they are written to be compared."""

from __future__ import annotations

import json
from typing import Any


def newer(stored: Any, given: Any) -> Any:
    """What is given per locale, or per id of a custom field, joins what is stored; a list replaces it."""
    return (stored or {}) | given if isinstance(given, dict) else given


def contradicts(one: Any, other: Any) -> bool:
    """Texts in other locales do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return any(one[name] != value for name, value in other.items() if name in one)
    return bool(one != other)


def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
