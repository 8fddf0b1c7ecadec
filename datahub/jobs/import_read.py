"""Reading the source of an import to its end: fetched, parsed strictly, converted row by row into the spool."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from orjson import dumps
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub import storage
from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.errors import ConfigError, DataHubError, SourceError
from datahub.formats.delimited import Delimited, Fault, Limits, Row
from datahub.formats.rejected_sheet import DELIMITER, HUB_CELLS, HUB_COLUMNS, as_it_was, is_mended
from datahub.grouping import grouped
from datahub.jobs.import_format import Table, open_table
from datahub.jobs.import_targets import mapping_targets
from datahub.jobs.merging.json_values import canonical
from datahub.jobs.rejected_rows import HOW_TO_MEND, UNMENDED
from datahub.jobs.rows import definitions
from datahub.jobs.rows.columns import Spoolable, convert_all
from datahub.jobs.rows.plan import Converted, ExtraColumn, Plan
from datahub.jobs.rows.secret_values import Sealer, harmless
from datahub.mapping.columns import NO_MAPPED_COLUMN, NO_MATCH, Matched, Missing, match
from datahub.mapping.columns import Fault as HeaderFault
from datahub.mapping.transcoding import Transcoding, compile
from datahub.models.import_job import ImportJob
from datahub.models.party import Store
from datahub.models.setting import GeneralSettings
from datahub.settings import Settings
from datahub.storage import BY_OTHER, KEYLESS, PIECE_CHARACTERS, Spool, SpooledRow
from datahub.transports.base import Facts, clean

LOOK_AT_HEADER = " Is the delimiter right, and does the first line name the columns?"
BATCH = 500
# Hashing the secrets of more rows would take so long that nobody knew whether anything goes on.
SLOW_BATCH = 20


@dataclass
class Source:
    """One file on this machine. `name` is what people know it by; names of one run differ."""

    name: str
    path: Path
    size: int
    sha256: str
    modified_at: datetime | None = None


@dataclass(frozen=True)
class FileWarning:
    """Something that a person should know of a file as a whole."""

    file: str
    code: str
    message: str
    field: str = ""


@dataclass
class Read:
    """What reading found. The `error` of a file says why nothing of it was taken, else it is None."""

    recipe: dict[str, Any]
    rows: int
    files: list[dict[str, Any]]
    warnings: list[FileWarning] = field(default_factory=list)


def recipe_of(session: Session, job: ImportJob) -> dict[str, Any]:
    """The job's configuration as this run uses it, to its end and whatever is edited meanwhile."""
    general = session.get_one(GeneralSettings, 1)
    entity = ENTITIES[job.entity]
    return {
        "entity": job.entity,
        "store": _store_of(session, job, entity),
        "full_mode": job.import_full_mode,
        "extras": definitions.definitions_of(session, entity, general.main_locale),
        "delimiter": job.delimiter,
        "mapping": job.mapping,
        "transcoding": job.transcoding,
        "main_locale": general.main_locale,
        "locales": general.locales,
    }


def _store_of(session: Session, job: ImportJob, entity: EntityType) -> tuple[int, str] | None:
    if not entity.scoped_by and not (entity.takes_store and job.store_external_ids):
        return None
    named = Store.external_id.in_(job.store_external_ids)
    stores = [(row[0], row[1]) for row in session.execute(select(Store.id, Store.external_id).where(named))]
    if len(stores) != 1:
        raise ConfigError(f"A job for {entity.label} needs one store; this one has {len(stores)}.")
    return stores[0]


def plan_of(recipe: dict[str, Any], file: str | None = None) -> Plan:
    """How rows of this file are read, for a recipe that `read` has completed. All files give the same fields: for
    writing, any of them stands for all."""
    name = file if file is not None else next(iter(recipe["headers"]))
    bound = [(column, key, locale) for column, key, locale in recipe["bound"][name]]
    transcoding = Transcoding(compile(recipe["transcoding"]))
    extras = definitions.extras_of(recipe, name)
    spares = recipe.get("spares", False)
    mended = frozenset(name for name, header in recipe["headers"].items() if spares or is_mended(header))
    entity, header = ENTITIES[recipe["entity"]], recipe["headers"][name]
    return Plan(entity, header, bound, transcoding, recipe["main_locale"], extras, mended, recipe.get("store"))


def spool_of(folder: Path, public_id: str, recipe: dict[str, Any], files: Sequence[Mapping[str, Any]]) -> Path:
    """Named by what was read, and how: a spool that a dead worker left is never taken for another one. A recipe that
    `read` has completed, and its files."""
    source = canonical([recipe, [file["sha256"] for file in files]])
    return folder / f"{public_id}.{storage.LAYOUT}.{sha256(source.encode()).hexdigest()[:16]}.spool"


def file_of(source: Source) -> dict[str, Any]:
    """As a run keeps it, before anything of it is read."""
    return _file(source.name, source.size, source.sha256, source.modified_at)


def file_to_fetch(name: str, seen: Facts | None) -> dict[str, Any]:
    """The same before it is on this machine."""
    return _file(name, seen.size if seen else None, None, seen.modified_at if seen else None)


def _file(name: str, size: int | None, digest: str | None, modified_at: datetime | None) -> dict[str, Any]:
    facts = {"name": name, "size": size, "sha256": digest, "modified_at": modified_at and modified_at.isoformat()}
    return facts | {"rows": 0, "error": None}


def read(
    sources: Sequence[Source],
    recipe: dict[str, Any],
    spool: Spool,
    settings: Settings,
    tell: Callable[[int, int], None],
    sealer: Sealer,
) -> Read:
    """Fills the spool. A file that cannot be used as a whole leaves nothing there; `tell` is called between batches
    with the rows and bytes read so far, and may raise to end it."""
    found = _read_headers(sources, recipe, settings)
    spool.begin()
    sequence, rows, size = 0, 0, 0
    for source, file in zip(sources, found.files, strict=True):
        if file["error"]:
            continue
        plan = plan_of(found.recipe, source.name)
        try:
            with open_table(source.path, plan.entity, recipe["delimiter"], _limits(settings)) as opened:
                for batch in _spooled(plan, source.name, opened, recipe["delimiter"], sequence, sealer):
                    spool.add(batch)
                    file["rows"] += len(batch)
                    sequence = batch[-1].sequence
                    tell(rows + file["rows"], size + opened.bytes_read)
        except SourceError as error:
            spool.forget(source.name)
            file |= {"rows": 0, "error": words(error)}
        rows, size = rows + file["rows"], size + source.size
        if rows > settings.max_rows:
            raise ConfigError(f"The files have more than {grouped(settings.max_rows)} rows together (MAX_ROWS).")
    spool.finish()
    found.rows = rows
    if rows:
        _limit_records(found.recipe, spool, settings.max_record_rows)
    _require_whole(found)
    unusable = [file for file in found.files if file["error"]]
    _spare_unknown(found, spool)
    found.warnings.extend(FileWarning(file["name"], "unusable_file", file["error"]) for file in unusable)
    return found


def _require_whole(found: Read) -> None:
    """What replaces everything must be there, all of it."""
    if not ENTITIES[found.recipe["entity"]].replaced_whole:
        return
    for file in found.files:
        if file["error"]:
            raise ConfigError(file["error"])
    if not found.rows:
        raise ConfigError("The file has no rows. Taken as a whole, it would remove everything: nothing was changed.")


def _limit_records(recipe: dict[str, Any], spool: Spool, most: int) -> None:
    """All rows of one record are in memory at once."""
    key, rows = spool.largest_record()
    if rows > most:
        name = ENTITIES[recipe["entity"]].key.label
        raise ConfigError(
            f"{grouped(rows)} rows are of one record, {clean(key)}: at most {grouped(most)} can be (MAX_RECORD_ROWS). "
            f"Look which column is mapped to {name}."
        )


def _spare_unknown(found: Read, spool: Spool) -> None:
    """A row or file that cannot be told to belong to any record may belong to each: Full mode then clears nothing, and
    nothing is erased for not being there."""
    erases = any(item.erased_when_absent for item in ENTITIES[found.recipe["entity"]].fields)
    if not (found.recipe["clearing"] or erases):
        return
    lost: list[tuple[str, int | None]] = [(file["name"], None) for file in found.files if file["error"]]
    if first := spool.first_without_key():
        lost.append(first)
    for name, line in lost[:1]:
        what = f"line {grouped(line)}" if line else "the file"
        did = "Full mode cleared nothing" if found.recipe["clearing"] else "Nothing was erased"
        message = f"{did} in this run: {what} cannot be told to belong to a record. Mend it first."
        found.warnings.append(FileWarning(name, "nothing_cleared", message))
        found.recipe |= {"clearing": [], "spares": True}


def words(error: DataHubError) -> str:
    """What went wrong, and in which line of the source if it is known."""
    message, line = str(error), error.line if isinstance(error, SourceError) else None
    if line is None or re.search(rf"\bline {line}\b", message, re.IGNORECASE):
        return message
    return f"Line {grouped(line)}: {message}"


def _read_headers(sources: Sequence[Source], recipe: dict[str, Any], settings: Settings) -> Read:
    """A field that only some files have is bound in the others to a column behind their last one, where no row has
    a cell."""
    entity = ENTITIES[recipe["entity"]]
    found = Read(recipe | {"headers": {}, "bound": {}, "extra_columns": {}, "clearing": []}, 0, [])
    for source in sources:
        file = file_of(source)
        found.files.append(file)
        try:
            with open_table(source.path, entity, recipe["delimiter"], _limits(settings)) as opened:
                header = opened.header
            # The sheet of what was rejected of XML names the fields themselves.
            mapping = None if entity.elements and is_mended(header) else recipe["mapping"]
            # A file without a row may be one without a header.
            matched = match(header, mapping_targets(entity), mapping) if header else NO_MATCH
            refuse(matched, recipe, entity)
            extra_columns = definitions.bind(matched, recipe, entity)
        except SourceError as error:
            file["error"] = words(error)
            continue
        _keep_header(found.recipe, source.name, header, matched, extra_columns)
        found.warnings.extend(_warnings(source.name, matched.missing_optional, entity))
        if mapping is None:
            found.warnings.extend(_unused(source.name, matched))
    _align(found.recipe)
    found.recipe["extras"] = definitions.named(found.recipe, entity)
    return found


def _keep_header(
    recipe: dict[str, Any], name: str, header: list[str], matched: Matched, extra_columns: list[ExtraColumn]
) -> None:
    recipe["headers"][name] = header
    recipe["bound"][name] = [(binding.column, binding.field, binding.locale) for binding in matched.bindings]
    recipe["extra_columns"][name] = extra_columns
    # What comes back mended was cleared of nothing the first time, and says less than the whole file did.
    if recipe["full_mode"] and not is_mended(header):
        recipe["clearing"].append(name)


def _align(recipe: dict[str, Any]) -> None:
    keys = dict.fromkeys(key for columns in recipe["bound"].values() for _, key, _ in columns)
    for name, columns in recipe["bound"].items():
        own = {key for _, key, _ in columns}
        columns.extend((len(recipe["headers"][name]), key, None) for key in keys if key not in own)


def _warnings(file: str, missing: Iterable[Missing], entity: EntityType) -> Iterator[FileWarning]:
    erased = {item.key for item in entity.fields if item.erased_when_absent}
    for one in missing:
        becomes = "is erased from the records of the file" if one.field in erased else "is left as it is"
        message = f'The file has no column "{one.source}"; the field {becomes}.'
        yield FileWarning(file, "missing_column", message, one.field)


def _unused(file: str, matched: Matched) -> Iterator[FileWarning]:
    for one in matched.seconds:
        message = f"“{clean(one.name)}” also fits {one.field}; “{clean(one.used)}” is used."
        yield FileWarning(file, "unused_column", message, one.field)
    known = {*HUB_COLUMNS, HUB_CELLS, *(one.name for one in matched.seconds)}
    strange = [clean(name) for name in matched.unused if name not in known]
    if strange:
        message = f"No field has the name of these columns, which are not imported: {', '.join(strange)}."
        yield FileWarning(file, "unused_column", message[:1000])


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_rows, settings.max_columns, settings.max_cell)


def refuse(matched: Matched, recipe: dict[str, Any], entity: EntityType) -> None:
    """Raises SourceError for columns that no run takes. The first line of a file without a header may hold secrets."""
    if matched.faults:
        told = (_words_of(fault, entity) for fault in matched.faults)
        raise SourceError(" ".join(told), code=matched.faults[0].code)
    if matched.missing_required:
        names = ", ".join(f'"{missing.source}" for {missing.field}' for missing in matched.missing_required)
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


def _words_of(fault: HeaderFault, entity: EntityType) -> str:
    hint = LOOK_AT_HEADER if fault.code == NO_MAPPED_COLUMN and not entity.elements else ""
    return fault.message + hint + ("" if entity.has_secrets else fault.shown)


def _spooled(
    plan: Plan, name: str, opened: Table, delimiter: str | None, before: int, sealer: Sealer
) -> Iterator[list[SpooledRow]]:
    """So many at a time. `before` is the last sequence that an earlier file has used."""
    is_sheet = isinstance(opened, Delimited) and is_mended(opened.header)
    rows = _mended(opened, delimiter or DELIMITER) if is_sheet else iter(opened)
    for piece in _pieces(opened, rows, SLOW_BATCH if plan.secrets else BATCH):
        converted = convert_all(plan, [cells for _, cells, fault in piece if fault is None])
        if plan.secrets:
            converted = sealer.seal(plan, list(converted))
        spooled = []
        for sequence, (line, cells, fault) in enumerate(piece, before + 1):
            key, packed, faults = next(converted) if fault is None else unreadable(plan, cells, fault)
            values, kept = dumps(packed, default=str).decode(), dumps(harmless(plan, cells)).decode()
            key = key or f"{KEYLESS}{sequence:012}"
            spooled.append(
                SpooledRow(sequence, key, name, line, values, kept, dumps(faults).decode() if faults else "")
            )
        before += len(piece)
        yield spooled


def _pieces(opened: Table, rows: Iterator[Row], most: int) -> Iterator[list[Row]]:
    """At most so many at a time, and fewer where they are long."""
    piece: list[Row] = []
    begun_at = opened.characters_read
    for row in rows:
        piece.append(row)
        if len(piece) >= most or opened.characters_read - begun_at >= PIECE_CHARACTERS:
            yield piece
            piece, begun_at = [], opened.characters_read
    if piece:
        yield piece


def _mended(opened: Table, delimiter: str) -> Iterator[Row]:
    """Rows that were rejected once, as they were."""
    header = opened.header
    kept_at = header.index(HUB_CELLS) if HUB_CELLS in header else None
    for line, given, fault in opened:
        cells = [as_it_was(cell) for cell in given]
        if kept_at is not None and len(cells) == len(header) and cells[kept_at].strip():
            cells, fault = _unmended(cells[kept_at], delimiter)
        yield line, cells, fault


def _unmended(kept: str, delimiter: str) -> tuple[list[str], Fault]:
    """The row that was rejected for its number of cells, and is to be rejected again."""
    cells = [cell for line in csv.reader(StringIO(kept, newline=""), delimiter=delimiter) for cell in line]
    message = f"This row had {grouped(len(cells))} cells, not one for each column. {HOW_TO_MEND}"
    return cells, Fault(UNMENDED, message)


def unreadable(plan: Plan, cells: list[str], fault: Fault) -> Spoolable:
    """A row whose cells may not be under their columns is not looked into. Where rows act on a record it is one of
    that, since it may cost all others of it."""
    told = {"code": fault.code, "field": "", "column": fault.column or "", "value": "", "message": fault.message}
    group = ""
    if found := plan.key_of(cells):
        told["key"], item = found
        if plan.entity.acts_on:
            group = told["key"] if item is plan.entity.key else BY_OTHER + told["key"]
    return group, Converted(values=[None] * len(plan.root.given)).packed(), [told]
