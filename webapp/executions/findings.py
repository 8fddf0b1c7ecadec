"""What an import found wrong with rows, rejected or warned of: by cause, then one by one, chosen in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for

from datahub.jobs import import_history
from datahub.jobs.import_history import Cause
from datahub.jobs.queries import Slice
from datahub.models.execution import Execution
from webapp.database import db
from webapp.executions.causes import PHRASES, WARNINGS, words_for

FARTHEST_PAGE = 500
# What the address calls cause, field and page.
OF_REJECTED, OF_WARNINGS = ("cause", "field", "page"), ("warning", "warning_field", "warnings_page")


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


def rejected(execution: Execution) -> Findings:
    cause, field, page = _chosen(OF_REJECTED)
    found = import_history.rejections(db.session(), execution, page=page, cause=cause, field=field)
    causes = import_history.causes(db.session(), execution)
    words = words_for(execution.entity, [*((it.code, it.field) for it in causes), (cause, field)], PHRASES)
    return _findings(execution, OF_REJECTED, "rejected", causes, words, found)


def warned(execution: Execution) -> Findings:
    cause, field, page = _chosen(OF_WARNINGS)
    found = import_history.warnings(db.session(), execution, page=page, cause=cause, field=field)
    causes = import_history.warning_causes(db.session(), execution)
    words = words_for(execution.entity, [*((it.code, it.field) for it in causes), (cause, field)], WARNINGS)
    return _findings(execution, OF_WARNINGS, "warnings", causes, words, found)


def rows_url(execution: Execution) -> str:
    """What looks again at the same rows."""
    return url_for("executions.rows", execution_id=execution.public_id, **_kept(OF_REJECTED), **_kept(OF_WARNINGS))


def _findings(
    execution: Execution,
    names: tuple[str, str, str],
    anchor: str,
    causes: list[Cause],
    words: dict[tuple[str, str], str],
    found: Slice[Any],
) -> Findings:
    chosen, page = _chosen(names)[:2], _chosen(names)[2]
    others = {"execution_id": execution.public_id, **_kept(OF_WARNINGS if names == OF_REJECTED else OF_REJECTED)}
    of_chosen = dict(zip(names[:2], (text or None for text in chosen), strict=True))

    def address(endpoint: str = "executions.detail", **own: object) -> str:
        anchors = {"_anchor": anchor} if endpoint == "executions.detail" else {}
        return url_for(endpoint, **own, **others, **anchors)

    def group(cause: Cause) -> Group:
        kind = (cause.code, cause.field)
        own = dict(zip(names[:2], kind, strict=True))
        return Group(cause, words[kind], kind == chosen, address(**own), address("executions.rows", **own))

    return Findings(
        groups=[group(cause) for cause in causes],
        only=words[chosen] if chosen[0] else "",
        every_url=address(),
        items=found.items,
        previous_url=address(**of_chosen, **{names[2]: page - 1 or None}) if page else "",
        next_url=address(**of_chosen, **{names[2]: page + 1}) if found.has_more else "",
    )


def _chosen(names: tuple[str, str, str]) -> tuple[str, str, int]:
    cause, field, page = (request.args.get(name, "") for name in names)
    is_number = page.isascii() and page.isdecimal() and len(page) < 6
    return cause, field, min(int(page), FARTHEST_PAGE) if is_number else 0


def _kept(names: tuple[str, str, str]) -> dict[str, object]:
    cause, field, page = _chosen(names)
    return {names[2]: page or None, names[0]: cause or None, names[1]: field or None}
