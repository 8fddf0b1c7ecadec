"""The values of a row as Merge stages them: JSON as text, joined with what is stored, and whether that differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from datahub.jobs.merging.json_values import canonical, newer
from datahub.jobs.merging.target import Target


def staged_cells(
    target: Target, values: Sequence[Any], stored: dict[str, Any] | None, final: dict[str, Any] | None
) -> Iterable[Any]:
    """`final` is what custom fields or attributes come to."""
    return _with_json(target, values, stored, final) if target.given_json else values


def _with_json(
    target: Target, values: Sequence[Any], stored: dict[str, Any] | None, final: dict[str, Any] | None
) -> Iterator[Any]:
    for item, value in zip(target.given, values, strict=True):
        if item not in target.given_json:
            yield value
        elif item is target.extras:
            yield from (canonical(final or {}), stored is not None and (final or {}) != stored[item.column])
        elif value is None:
            yield from (None, False)
        else:
            base = item.fresh_default() if stored is None else stored[item.column]
            result = newer(base, value)
            yield from (canonical(result), stored is not None and result != base)
