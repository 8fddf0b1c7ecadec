"""Reading the source of an import to its end: fetched, parsed strictly, converted row by row into the spool."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.orm import Session

from datahub.entities import ENTITIES
from datahub.errors import SourceError
from datahub.formats.delimited import Delimited, Fault, Limits, open_delimited
from datahub.jobs import import_definitions
from datahub.jobs.import_history import HUB_COLUMNS, as_it_was
from datahub.jobs.import_plan import Converted, Plan
from datahub.jobs.import_targets import mapping_targets
from datahub.jobs.tree_depth import depths_and_cycles
from datahub.mapping.columns import Matched, Missing, match
from datahub.mapping.transcoding import Transcoding, compile
from datahub.models.import_job import ImportJob
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from datahub.storage import Spool, SpooledRow, in_pieces

BATCH = 500
KEYLESS = "\0"


@dataclass
class Source:
    """One file on this machine. `name` is what people know it by."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass
class Read:
    """What reading found. `warnings` are those of the whole file."""

    recipe: dict[str, Any]
    rows: int
    files: list[dict[str, Any]]
    warnings: list[Missing] = field(default_factory=list)


def recipe_of(session: Session, job: ImportJob) -> dict[str, Any]:
    """The job's configuration as this run uses it, to its end and whatever is edited meanwhile."""
    general = session.get_one(GeneralSettings, 1)
    entity = ENTITIES[job.entity]
    return {
        "entity": job.entity,
        "full_mode": job.import_full_mode,
        "extras": import_definitions.definitions_of(session, entity, general.main_locale),
        "delimiter": job.delimiter,
        "mapping": job.mapping,
        "transcoding": job.transcoding,
        "main_locale": general.main_locale,
        "locales": general.locales,
    }


def plan_of(recipe: dict[str, Any]) -> Plan:
    """For a recipe that `read` has completed."""
    (header,) = recipe["headers"].values()
    bound = [(column, key, locale) for column, key, locale in recipe["bound"]]
    transcoding = Transcoding(compile(recipe["transcoding"]))
    extras = import_definitions.extras_of(recipe)
    return Plan(ENTITIES[recipe["entity"]], header, bound, transcoding, recipe["main_locale"], extras)


def read(source: Source, recipe: dict[str, Any], spool: Spool, settings: Settings, check: Callable[[], None]) -> Read:
    """Fills the spool. Raises SourceError for a file that cannot be used as a whole; `check` is called between batches
    and may raise to end it."""
    entity = ENTITIES[recipe["entity"]]
    limits = Limits(settings.max_rows, settings.max_columns, settings.max_cell)
    spool.begin()
    with open_delimited(source.path, recipe["delimiter"], limits) as rows:
        matched = match(rows.header, mapping_targets(entity), recipe["mapping"])
        refuse(matched, recipe)
        recipe = recipe | import_definitions.bind(matched, recipe, entity)
        # What comes back mended was cleared of nothing the first time, and says less than the whole file did.
        recipe["clears"] = recipe["full_mode"] and not set(HUB_COLUMNS) <= set(rows.header)
        bound = [(binding.column, binding.field, binding.locale) for binding in matched.bindings]
        recipe = recipe | {"headers": {source.name: rows.header}, "bound": bound}
        plan = plan_of(recipe)
        spooled = _spooled(plan, source.name, rows)
        for piece in in_pieces(spooled, BATCH):
            spool.add(piece)
            check()
    _order(spool, plan)
    spool.finish()
    count = spool.count()
    files = [{"name": source.name, "size": source.size, "sha256": source.sha256, "rows": count}]
    return Read(recipe, count, files, list(matched.missing_optional))


def refuse(matched: Matched, recipe: dict[str, Any]) -> None:
    """Raises SourceError for columns that no run takes."""
    if matched.faults:
        raise SourceError(" ".join(fault.message for fault in matched.faults), code=matched.faults[0].code)
    if matched.missing_required:
        names = ", ".join(f'"{missing.source}"' for missing in matched.missing_required)
        raise SourceError(f"The file lacks a column that the import needs: {names}.", code="missing_column")
    named = {found.locale for found in matched.bindings if found.locale}
    named |= {found.locale for found in (*matched.custom_fields, *matched.attributes) if found.locale}
    unknown = sorted(named - set(recipe["locales"]))
    if unknown:
        raise SourceError(
            f"The file has columns in languages that are not set up: {', '.join(unknown)}. "
            "Add them to the locales in the settings, or take the columns out.",
            code="unknown_locale",
        )


def _spooled(plan: Plan, name: str, rows: Delimited) -> Iterator[SpooledRow]:
    is_mended = set(HUB_COLUMNS) <= set(rows.header)
    for sequence, (line, cells, fault) in enumerate(rows, 1):
        if is_mended:
            cells = [as_it_was(cell) for cell in cells]
        row = plan.convert(cells) if fault is None else _faulty(plan, cells, fault)
        yield SpooledRow(
            sequence=sequence,
            key=row.key or f"{KEYLESS}{sequence:012}",
            file=name,
            line=line,
            values=orjson.dumps(row.packed(), default=str),
            cells=orjson.dumps(cells),
            faults=orjson.dumps(row.faults) if row.faults else None,
        )


def _faulty(plan: Plan, cells: list[str], fault: Fault) -> Converted:
    """A row whose cells may not be under their columns is not looked into."""
    told = {"code": fault.code, "field": "", "column": fault.column or "", "value": "", "message": fault.message}
    return Converted(values=[None] * len(plan.root.given), faults=[told])


def _order(spool: Spool, plan: Plan) -> None:
    """Parents before their children; what is its own ancestor is no good."""
    own = [
        place
        for place, item in enumerate(plan.root.given)
        if item.refers_to is not None and item.refers_to.model is plan.entity.model
    ]
    if not own:
        return
    parents: dict[str, str] = {}
    for key, values in spool.each_value():
        if values[1][own[0]] is not None:
            parents[key] = values[1][own[0]]
    depths, cyclic = depths_and_cycles(parents)
    item = plan.root.given[own[0]]
    message = "It would be its own ancestor. Give one of them another parent."
    for key in cyclic:
        fault = {"code": "cycle", "field": item.key, "value": parents[key][:200], "message": message}
        spool.reject(key, json.dumps([fault]).encode())
    spool.set_depths((depth, key) for key, depth in depths.items() if depth)
