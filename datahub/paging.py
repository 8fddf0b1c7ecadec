"""Pages of lists: in the order of a key, to both sides, whatever is added or deleted meanwhile; or by their number."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import Session

NUMBER = re.compile("[0-9]{1,18}")
PAGE_SIZE = 20

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """`previous` and `following` are what the pages beside this one are asked with, or None where there is none."""

    items: list[Item]
    previous: dict[str, str] | None = None
    following: dict[str, str] | None = None


@dataclass(frozen=True)
class Slice(Generic[Item]):
    """`has_more` says whether rows follow."""

    items: list[Item]
    has_more: bool


def read_page(
    session: Session,
    query: Select[*tuple[Any, ...]],
    key: Any,
    item: Callable[..., Item],
    *,
    size: int,
    descending: bool = False,
    before: str = "",
    after: str = "",
) -> Page[Item]:
    """What has a lower key than `before`, or a higher one than `after`; a malformed one counts as none. `key` is a
    unique attribute of what the query selects first, `item` is made of what it selects."""
    lower, higher = _value(key, before), _value(key, after)
    has_come = lower is not None or higher is not None
    goes_down = lower is not None if has_come else descending
    bounds = [key < lower] if lower is not None else [key > higher] if higher is not None else []
    order = key.desc() if goes_down else key.asc()
    rows = list(session.execute(query.where(*bounds).order_by(order).limit(size + 1)))
    if has_come and len(rows) <= size and (not rows or goes_down != descending):
        # Back at the first page, which is to be a whole one.
        return read_page(session, query, key, item, size=size, descending=descending)
    shown = rows[:size]
    ahead = _key(shown[-1], key) if len(rows) > size else None
    behind = _key(shown[0], key) if has_come else None
    lowest, highest = (ahead, behind) if goes_down else (behind, ahead)
    below, above = {"before": lowest} if lowest else None, {"after": highest} if highest else None
    previous, following = (above, below) if descending else (below, above)
    items = [item(*row) for row in (shown if goes_down == descending else reversed(shown))]
    return Page(items, previous, following)


def by_offset(
    session: Session, query: Select[Item], column: Any, key: Any, descending: bool, page: int, size: int
) -> Slice[Item]:
    """A page of the query; rows that are equal in the column follow by the key."""
    order = (column.desc(), key.desc()) if descending else (column.asc(), key.asc())
    rows = list(session.scalars(query.order_by(*order).offset(page * size).limit(size + 1)))
    return Slice(rows[:size], has_more=len(rows) > size)


def _key(row: Any, key: Any) -> str:
    return str(getattr(row[0], key.key))


def _value(key: Any, text: str) -> Any:
    if key.type.python_type is not int:
        return text or None
    return int(text) if NUMBER.fullmatch(text) else None
