"""What an import found wrong with rows, rejected or warned of: by cause, then one by one, chosen in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session

from datahub.jobs import import_history
from datahub.jobs.import_history import Cause
from datahub.models.execution import Execution
from datahub.paging import Slice
from webapp.database import db
from webapp.executions.causes import PHRASES, WARNINGS, words_for

FARTHEST_PAGE = 500


@dataclass(frozen=True)
class Group:
    """`url` is that of the page with this cause alone, `rows_url` that of the part to be swapped."""

    cause: Cause
    words: str
    is_chosen: bool
    url: str
    rows_url: str


@dataclass(frozen=True)
class Findings:
    """`only` is the chosen cause in words; empty where all are shown."""

    groups: list[Group]
    only: str
    every_url: str
    items: list[Any]
    previous_url: str
    next_url: str


@dataclass(frozen=True)
class _Kind:
    """`names` are what the address calls cause, field and page, `anchor` is the part of the page that shows them."""

    names: tuple[str, str, str]
    anchor: str
    find: Callable[..., Slice[Any]]
    count: Callable[[Session, Execution], list[Cause]]
    phrases: Mapping[str, str]


REJECTED = _Kind(
    ("cause", "field", "page"), "rejected", import_history.rejections, import_history.causes, phrases=PHRASES
)
WARNED = _Kind(
    ("warning", "warning_field", "warnings_page"),
    "warnings",
    import_history.warnings,
    import_history.warning_causes,
    phrases=WARNINGS,
)


def rejected(execution: Execution) -> Findings:
    return _findings(execution, REJECTED, WARNED)


def warned(execution: Execution) -> Findings:
    return _findings(execution, WARNED, REJECTED)


def rows_url(execution: Execution) -> str:
    """What looks again at the same rows."""
    return url_for("executions.rows", execution_id=execution.public_id, **_kept(REJECTED), **_kept(WARNED))


def _findings(execution: Execution, kind: _Kind, other: _Kind) -> Findings:
    cause, field, page = _chosen(kind)
    chosen, names = (cause, field), kind.names
    found = kind.find(db.session(), execution, page=page, cause=cause, field=field)
    causes = kind.count(db.session(), execution)
    words = words_for(execution.entity, [*((it.code, it.field) for it in causes), chosen], kind.phrases)
    others = {"execution_id": execution.public_id, **_kept(other)}
    of_chosen = dict(zip(names[:2], (text or None for text in chosen), strict=True))

    def address(endpoint: str = "executions.detail", **own: object) -> str:
        anchors = {"_anchor": kind.anchor} if endpoint == "executions.detail" else {}
        return url_for(endpoint, **own, **others, **anchors)

    def group(cause: Cause) -> Group:
        code_and_field = (cause.code, cause.field)
        own = dict(zip(names[:2], code_and_field, strict=True))
        is_chosen = code_and_field == chosen
        return Group(cause, words[code_and_field], is_chosen, address(**own), address("executions.rows", **own))

    return Findings(
        groups=[group(cause) for cause in causes],
        only=words[chosen] if chosen[0] else "",
        every_url=address(),
        items=found.items,
        previous_url=address(**of_chosen, **{names[2]: page - 1 or None}) if page else "",
        next_url=address(**of_chosen, **{names[2]: page + 1}) if found.has_more else "",
    )


def _chosen(kind: _Kind) -> tuple[str, str, int]:
    cause, field, page = (request.args.get(name, "") for name in kind.names)
    is_number = page.isascii() and page.isdecimal() and len(page) < 6
    return cause, field, min(int(page), FARTHEST_PAGE) if is_number else 0


def _kept(kind: _Kind) -> dict[str, object]:
    cause, field, page = _chosen(kind)
    return {kind.names[2]: page or None, kind.names[0]: cause or None, kind.names[1]: field or None}
