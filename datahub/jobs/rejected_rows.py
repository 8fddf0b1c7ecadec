"""The download of rejected rows: as they were in the source, with what is wrong, to be mended and given again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.entities import ENTITIES
from datahub.entities.values import HIDDEN
from datahub.formats.rejected_sheet import DELIMITER, HUB_CELLS, HUB_COLUMNS, harmless, is_mended, joined
from datahub.jobs.import_history import Columns, bound_in, columns_of, faults_of, labels_of
from datahub.models.execution import Execution
from datahub.models.import_run import RejectedRow

UNMENDED = "unmended_row"
RAGGED = ("too_few_cells", "too_many_cells", UNMENDED)
HOW_TO_MEND = f"Put each cell under its column, then empty {HUB_CELLS}."
NOT_KEPT = "Its cells are not kept, as any of them may be a password: fill them in as they stand in your own file."
HOW_TO_GIVE_AGAIN = (
    "Its password is not kept: fill it in again. Left empty, a new user has none, and one that exists keeps its own."
)
CSV_CHUNK = 500
# The name of a column, and how many of this name come before it.
_Column = tuple[str, int]


@dataclass(frozen=True)
class _Layout:
    """How rejected rows are written. `columns` are those of all files, `headers` those of each. Where the source
    `has_columns` they are its own, else the keys of fields."""

    headers: dict[str, list[_Column | None]]
    columns: list[_Column]
    delimiter: str
    has_columns: bool
    feeding: Columns
    labels: Mapping[str, str]
    has_ragged: bool


def rejected_file(session: Session, execution: Execution) -> Iterator[str]:
    """The rejected rows as they were in the source, to be mended and given again; in pieces."""
    recipe: dict[str, Any] = execution.import_run.recipe if execution.import_run else {}
    entity = ENTITIES.get(execution.entity)
    has_columns = entity is None or not entity.elements
    headers = _headings(recipe) if has_columns else _keys(execution, recipe)
    own = (column for file, names in recipe.get("headers", {}).items() for column in _own(headers[file], names))
    ragged = select(RejectedRow.execution_id).where(
        RejectedRow.execution_id == execution.id, RejectedRow.cause.in_(RAGGED)
    )
    layout = _Layout(
        headers=headers,
        columns=list(dict.fromkeys(own)),
        delimiter=_delimiter(execution, recipe),
        has_columns=has_columns,
        feeding=columns_of(execution),
        labels=labels_of(execution.entity),
        has_ragged=session.scalar(ragged.limit(1)) is not None,
    )
    return _write(session, execution.id, layout)


def _write(session: Session, execution_id: int, layout: _Layout) -> Iterator[str]:
    added = [*HUB_COLUMNS, HUB_CELLS] if layout.has_ragged else HUB_COLUMNS
    names = [*(name for name, _ in layout.columns), *added]
    heading = joined(names, layout.delimiter)
    last = -1
    while True:
        query = select(RejectedRow).where(RejectedRow.execution_id == execution_id, RejectedRow.sequence > last)
        rows = list(session.scalars(query.order_by(RejectedRow.sequence).limit(CSV_CHUNK)))
        yield heading + "".join(joined(_written(row, layout), layout.delimiter) for row in rows)
        heading = ""
        if len(rows) < CSV_CHUNK:
            return
        last = rows[-1].sequence
        for row in rows:
            session.expunge(row)


def _written(row: RejectedRow, layout: _Layout) -> list[str]:
    own = ["" if cell == HIDDEN else cell for cell in row.cells]
    cells = dict(zip(layout.headers.get(row.file, ()), own, strict=False))
    reason = " ".join(_reason(fault, layout) for fault in faults_of(row, layout.feeding))
    is_ragged = row.cause in RAGGED
    if is_ragged and row.cause != UNMENDED:
        reason = f"{reason} {HOW_TO_MEND if own else NOT_KEPT}"
    if own != row.cells:
        reason = f"{reason} {HOW_TO_GIVE_AGAIN}"
    written = [*(cells.get(column, "") for column in layout.columns), row.file, str(row.line), reason]
    if layout.has_ragged:
        written.append(joined(own, layout.delimiter).removesuffix("\r\n") if is_ragged else "")
    return [harmless(cell) for cell in written]


def _own(columns: Sequence[_Column | None], names: Sequence[str]) -> list[_Column]:
    """Without those that feed nothing, where only fields are columns, and those that a download has added."""
    added = {*HUB_COLUMNS, HUB_CELLS} if is_mended(names) else set()
    return [column for column in columns if column and column[0] not in added]


def _reason(fault: dict[str, str], layout: _Layout) -> str:
    field, column = fault["field"], fault["column"]
    name = column or layout.labels.get(field, field) if layout.has_columns else field or column
    return f"{name}: {fault['message']}" if name else fault["message"]


def _delimiter(execution: Execution, recipe: dict[str, Any]) -> str:
    current = execution.import_job.delimiter if execution.import_job else None
    return str(recipe.get("delimiter") or current or DELIMITER)


def _keys(execution: Execution, recipe: dict[str, Any]) -> dict[str, list[_Column | None]]:
    """By file, the fields that its elements feed: the sheet has a column for each."""
    found: dict[str, list[_Column | None]] = {}
    for file, names in recipe.get("headers", {}).items():
        fed = {at: f"{field}[{locale}]" if locale else field for at, field, locale in bound_in(execution, file)}
        found[file] = [(fed[place], 0) if place in fed else None for place in range(len(names))]
    return found


def _headings(recipe: dict[str, Any]) -> dict[str, list[_Column | None]]:
    """By file, where each of its columns goes. What feeds the same field goes under one heading, whatever the files
    call it: two columns for one field would not be read again."""
    of_fields: dict[frozenset[tuple[str, str]], _Column] = {}
    found: dict[str, list[_Column | None]] = {}
    for file, names in recipe.get("headers", {}).items():
        own = _numbered(names)
        taken = set(own)
        columns: list[_Column | None] = []
        for place, column in enumerate(own):
            bound = [(field, locale) for at, field, locale in recipe.get("bound", {}).get(file, ()) if at == place]
            fed = frozenset((field, locale or recipe.get("main_locale", "")) for field, locale in bound)
            heading = of_fields.setdefault(fed, column) if fed else column
            columns.append(column if heading in taken else heading)
            taken.add(heading)
        found[file] = columns
    return found


def _numbered(names: Sequence[str]) -> list[_Column]:
    """A name that a file has twice is two columns."""
    return [(name, names[:position].count(name)) for position, name in enumerate(names)]
