"""The sample of an import file as a job would read it: converted, and held against what is stored, by the same code as
in a run. Nothing is stored here."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.entities.values import HIDDEN
from datahub.errors import InvalidError, SourceError
from datahub.formats.delimited import Limits, Row
from datahub.jobs import general_settings, import_read, import_trial
from datahub.jobs.import_forecast import Cause, FieldPreview, Reading, Replaced
from datahub.jobs.import_jobs import Configuration
from datahub.jobs.import_sample import Sample, table_of
from datahub.jobs.import_targets import mapping_targets
from datahub.jobs.rows import definitions
from datahub.jobs.rows.cells import MULTIPLE
from datahub.jobs.rows.full_mode import full_mode_effect
from datahub.jobs.rows.plan import NO_EXTRAS, Converted, Extras, Plan
from datahub.jobs.rows.secret_values import harmless, named_like_secrets
from datahub.mapping.columns import NO_MATCH, Binding, Matched, match
from datahub.mapping.proposals import propose
from datahub.mapping.transcoding import Transcoding, compile, distinct_values
from datahub.models.party import Store

SAMPLE_ROWS = 10_000
CAUSES_SHOWN = 8
VALUES_SHOWN = 50
NOT_TOLD = "This value cannot be taken. Its column is named like a secret, so it is not told why."


def matched_by(header: Sequence[str], entity: EntityType, mapping: Sequence[Mapping[str, str]] | None) -> Matched:
    """Nothing is matched by a mapping with faults: the form names them."""
    try:
        return match(header, mapping_targets(entity), mapping)
    except InvalidError:
        return NO_MATCH


class Reader:
    def __init__(
        self, session: Session, given: Configuration, entity: EntityType, sample: Sample, limits: Limits
    ) -> None:
        self._session, self._given, self._entity = session, given, entity
        self._sample, self._limits = sample, limits
        general = general_settings.get(session)
        self._main_locale = general.main_locale
        defined = definitions.definitions_of(session, entity, general.main_locale)
        self._recipe = {"extras": defined, "locales": general.locales}
        self._store = _store_of(session, given, entity)

    def read(self, record: int) -> Reading:
        header, rows, problem = self._parse()
        if not header:
            return Reading(problem)
        proposals = propose(header, mapping_targets(self._entity))
        matched = matched_by(header, self._entity, self._given.mapping)
        if matched is NO_MATCH:
            shown = [] if self._entity.has_secrets else rows
            return Reading(problem, header=header, rows=shown, proposals=proposals, unused=header)
        extras, refusal = self._extras(matched)
        plan = self._plan(header, matched, extras)
        converted = [plan.convert(cells) if fault is None else None for _, cells, fault in rows]
        unchecked = "" if problem or refusal else self._try(plan, rows, converted)
        hidden = named_like_secrets(plan)
        shown = [(line, harmless(plan, cells, hidden), fault) for line, cells, fault in rows]
        veiled = _fed_by(hidden - plan.secret_columns, plan, matched)
        _veil(converted, veiled)
        record = max(0, min(record, len(rows) - 1))
        current = converted[record] if rows else None
        causes = _causes(rows, converted)
        return Reading(
            problem=problem or refusal,
            header=header,
            rows=shown,
            proposals=proposals,
            fields=self._fields(header, rows, plan, matched, current, veiled),
            unused=matched.unused,
            extras=self._extra_fields(header, rows, plan, current, veiled),
            missing=[one.source for one in (*matched.missing_required, *matched.missing_optional)],
            record=record,
            record_fault=_of_whole_row(rows[record], current) if rows else "",
            lacks=_lacks(current, matched),
            unchecked=unchecked,
            rejected=sum(1 for row in converted if row is None or row.faults),
            causes=causes[:CAUSES_SHOWN],
            other_causes=max(0, len(causes) - CAUSES_SHOWN),
            values=self._values(shown, matched, plan.secret_columns | hidden),
            keyless=next((rows[at][0] for at, row in enumerate(converted) if row is None or not row.key), None),
            cleared=full_mode_effect(self._session, plan, filter(None, converted)) if plan.extras.clearing else None,
            replaced=self._replaced(row.key for row in converted if row is not None),
        )

    def _try(self, plan: Plan, rows: list[Row], converted: Sequence[Converted | None]) -> str:
        """Gives the rows the faults that a run would find now, and says which ones only a run can find."""
        if self._entity.scoped_by and self._store is None:
            return "The rows are held against what is stored once a store is chosen."
        name, is_cut = self._sample.name, self._sample.is_cut or len(rows) == SAMPLE_ROWS
        found = import_trial.find_faults(self._session, plan, name, rows, converted, is_cut=is_cut)
        for place, row in enumerate(converted):
            if row:
                row.faults = found.get(place, [])
        if self._entity.acts_on:
            records = ENTITIES[self._entity.acts_on].label.lower()
            return f"Whether {records} that are stored take these changes is found when it runs."
        return ""

    def _parse(self) -> tuple[list[str], list[Row], str]:
        """The header, the rows until something is wrong, and what that is."""
        header: list[str] = []
        rows: list[Row] = []
        try:
            parsed = table_of(self._sample, self._entity, self._given.delimiter, self._limits)
            header = parsed.header
            for row in islice(parsed, SAMPLE_ROWS):
                rows.append(row)
        except SourceError as error:
            if not (self._sample.is_cut and rows and _ended_in_quotes(error)):
                return header, rows, str(error)
        return header, rows, ""

    def _plan(self, header: list[str], matched: Matched, extras: Extras) -> Plan:
        keys = {target.key for target in mapping_targets(self._entity)}
        entries = [entry for entry in self._given.transcoding if entry["field"] in keys and entry["from"]]
        bound = [(binding.column, binding.field, binding.locale) for binding in matched.bindings]
        return Plan(
            self._entity, header, bound, Transcoding(compile(entries)), self._main_locale, extras, store=self._store
        )

    def _replaced(self, keys: Iterable[str]) -> Replaced | None:
        if not self._entity.replaced_whole or self._store is None:
            return None
        model = self._entity.model
        theirs = (getattr(model, self._entity.scoped_by) == self._store[0], model.deleted_at.is_(None))
        stored = set(self._session.scalars(select(model.external_id).where(*theirs)))
        return Replaced(self._store[1], len(stored), len(stored.difference(keys)))

    def _extras(self, matched: Matched) -> tuple[Extras, str]:
        """With why a run would not take a file with these columns."""
        try:
            import_read.refuse(matched, self._recipe, self._entity)
            columns = definitions.bind(matched, self._recipe, self._entity)
        except SourceError as error:
            return NO_EXTRAS, str(error)
        name = self._sample.name
        clearing = [name] if self._given.import_full_mode else []
        recipe = self._recipe | {"extra_columns": {name: columns}, "clearing": clearing}
        recipe["extras"] = definitions.named(recipe, self._entity)
        return definitions.extras_of(recipe, name), ""

    def _fields(
        self,
        header: list[str],
        rows: list[Row],
        plan: Plan,
        matched: Matched,
        row: Converted | None,
        veiled: Collection[str],
    ) -> dict[str, FieldPreview]:
        values = _values_by_key(plan, row) if row else {}
        faults = {fault["field"]: fault["message"] for fault in row.faults} if row else {}
        return {
            _place(binding): FieldPreview(
                column=header[binding.column],
                share=_share(rows, binding.column),
                value=_shown(
                    _text(values.get(binding.field), binding.locale or self._main_locale), binding.field in veiled
                ),
                fault=faults.get(binding.field, ""),
            )
            for binding in matched.bindings
        }

    def _extra_fields(
        self, header: list[str], rows: list[Row], plan: Plan, row: Converted | None, veiled: Collection[str]
    ) -> dict[str, FieldPreview]:
        keys = {definition.external_id: definition.key for definition in plan.extras.definitions}
        faults = {fault["field"]: fault["message"] for fault in row.faults} if row else {}
        return {
            header[column]: FieldPreview(
                column=header[column],
                share=_share(rows, column),
                value=_shown(
                    _text(row.extras.get(external_id), locale or self._main_locale), keys[external_id] in veiled
                )
                if row
                else "",
                fault=faults.get(keys[external_id], ""),
            )
            for column, external_id, locale in plan.extras.columns
        }

    def _values(self, rows: list[Row], matched: Matched, hidden: Collection[int]) -> dict[str, list[str]]:
        """What the columns hold that are to be transcoded, the most frequent first."""
        wanted = {entry["field"] for entry in self._given.transcoding}
        lists = {known.key for known in _all_fields(self._entity) if known.type in MULTIPLE}
        found: dict[str, list[str]] = {}
        for binding in matched.bindings:
            if binding.field in wanted and binding.column not in hidden:
                cells = (cells[binding.column] for _, cells, fault in rows if fault is None)
                counted = distinct_values(cells, VALUES_SHOWN, multiple=binding.field in lists)
                found.setdefault(binding.field, []).extend(text for text, _ in counted)
        return found


def _store_of(session: Session, given: Configuration, entity: EntityType) -> tuple[int, str] | None:
    """Id and external id of the store that is chosen, where one must be."""
    if not entity.scoped_by:
        return None
    named = Store.external_id.in_(given.store_external_ids)
    row = session.execute(select(Store.id, Store.external_id).where(named)).first()
    return (row[0], row[1]) if row else None


def _ended_in_quotes(error: SourceError) -> bool:
    """The cut of a sample may lie between the quotes of a cell."""
    return isinstance(error.__cause__, csv.Error) and "unexpected end of data" in str(error.__cause__)


def _share(rows: Sequence[Row], column: int) -> float:
    whole = [cells for _, cells, fault in rows if fault is None]
    return sum(1 for cells in whole if cells[column].strip()) / len(whole) if whole else 0.0


def _place(binding: Binding) -> str:
    return f"{binding.field}[{binding.locale}]" if binding.locale else binding.field


def _all_fields(entity: EntityType) -> list[Any]:
    return [entity.key, *entity.fields, *(known for part in entity.parts for known in (part.key_field, *part.fields))]


def _values_by_key(plan: Plan, row: Converted) -> dict[str, Any]:
    values = {
        known.key: HIDDEN if known.type.secret and value else value
        for known, value in zip(plan.root.given, row.values, strict=True)
    }
    values[plan.entity.key.key] = "" if row.by_other else row.key
    if plan.entity.deleted_by:
        values[plan.entity.deleted_by.key] = row.remove
    for part, target, mention in zip(plan.entity.parts, plan.parts, row.parts, strict=True):
        values |= {known.key: value for known, value in zip(target.given, mention.values, strict=True)}
        values |= {part.key_field.key: list(mention.keys), part.removed_by.key: mention.remove}
    return values


def _fed_by(columns: Collection[int], plan: Plan, matched: Matched) -> set[str]:
    """Keys of the fields and custom fields that take something from these columns."""
    fed = {binding.field for binding in matched.bindings if binding.column in columns}
    return fed | {definition.key for column, definition, _ in plan.extra_cells if column in columns}


def _veil(converted: Iterable[Converted | None], fields: Collection[str]) -> None:
    for row in converted:
        for fault in row.faults if row else ():
            if fault["field"] in fields:
                fault["message"] = NOT_TOLD


def _shown(text: str, is_veiled: bool) -> str:
    return HIDDEN if is_veiled and text else text


def _text(value: Any, locale: str) -> str:
    if isinstance(value, dict):
        value = value.get(locale)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " || ".join(":".join(item) if isinstance(item, list) else str(item) for item in value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _of_whole_row(row: Row, converted: Converted | None) -> str:
    if fault := row[2]:
        return fault.message
    return next((it["message"] for it in converted.faults if not it["field"]), "") if converted else ""


def _lacks(row: Converted | None, matched: Matched) -> dict[str, str]:
    fed = {binding.field for binding in matched.bindings}
    return {it["field"]: it["message"] for it in (row.faults if row else ()) if it["field"] not in fed}


def _causes(rows: Sequence[Row], converted: Sequence[Converted | None]) -> list[Cause]:
    messages: dict[tuple[str, str], Counter[str]] = {}
    count: Counter[tuple[str, str]] = Counter()
    for (_, _, fault), row in zip(rows, converted, strict=True):
        told = [("", fault.code, fault.message)] if fault else []
        told += [(it["field"], it["code"], it["message"]) for it in (row.faults if row else ())]
        for name, code, message in told:
            messages.setdefault((name, code), Counter())[message] += 1
        count.update(dict.fromkeys(((name, code) for name, code, _ in told), 1))
    return [
        Cause(key[0], messages[key].most_common(1)[0][0], rows_of_it, len(messages[key]))
        for key, rows_of_it in count.most_common()
    ]
