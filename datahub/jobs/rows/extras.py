"""Custom fields and attributes of one chunk: what rows say about them, joined with what is stored.

Full mode clears what rows do not say, on records that are named by good rows only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from datahub.db import in_batches
from datahub.entities.extras import ATTRIBUTE, CUSTOM_FIELD
from datahub.jobs.merging.json_values import contradicts, newer
from datahub.jobs.rows.attribute_links import AttributeLinks, Borne
from datahub.jobs.rows.cells import as_cell
from datahub.jobs.rows.faults import REQUIRED, Fault, RowFaults, no_value_in
from datahub.jobs.rows.fold import Record, Row, differs
from datahub.jobs.rows.plan import Plan
from datahub.models.catalogue import Category, Product

NOT_APPLICABLE = "not_applicable"

# By external id, the locales that go, or None where all of it goes.
Cleared = Mapping[str, set[str] | None]


class ExtraValues:
    """Belongs to one run and one connection."""

    def __init__(self, connection: Connection, plan: Plan) -> None:
        self._connection = connection
        self._plan = plan
        self._links = AttributeLinks(connection) if plan.has_levels else None
        self._prefix = ATTRIBUTE if plan.has_levels else CUSTOM_FIELD
        self._variants = next((number for number, part in enumerate(plan.entity.parts) if part.has_attributes), 0)
        self._localised = {item.external_id for item in plan.extras.definitions if item.localised}
        # By file: another one of the run may have other columns.
        self._locales: dict[str, dict[str, set[str]]] = {}
        for file, columns in plan.extras.files.items():
            locales = self._locales.setdefault(file, {})
            for _, external_id, locale in columns:
                locales.setdefault(external_id, set()).add(locale or plan.main_locale)
        custom = {item.external_id: item.required for item in plan.extras.definitions}
        self._everywhere = Borne({} if plan.has_levels else custom)
        self._known: dict[str, Borne] = {}

    def spread(self, records: Sequence[Record]) -> RowFaults:
        """Attributes to their products or variants, by the category; the faults of rows, by sequence."""
        if self._links is None:
            return {}
        faults: RowFaults = {}
        # Those of earlier chunks are done with: a run must not keep every record in memory.
        self._known = {}
        categories = self._categories(records)
        for record in records:
            borne = self._links.of(categories.get(record.key, ""))
            # A category that is missing or unknown is a fault by itself.
            if borne is not None and not record.remove:
                self._spread(record, borne, faults)
        return faults

    def final(self, record: Record, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """The record's own values as they are to be stored. `stored` is None for a new one."""
        cleared = self._cleared(self._of(record).by_product, record.rows)
        return self._joined(record, record.values[-1], stored, cleared)

    def final_part(self, record: Record, key: str, row: Row, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        own = [other for other in record.rows if key in other.parts[self._variants].keys]
        cleared = self._cleared(self._of(record).by_variant, own)
        return self._joined(record, row.parts[self._variants].values[-1], stored, cleared)

    def missing(self, record: Record, final: Mapping[str, Any], *, of_part: bool = False) -> list[Fault]:
        """A fault for each value that is required and not there."""
        known = self._of(record)
        required = known.by_variant if of_part else known.by_product
        return [
            self._fault(REQUIRED, external_id, "", no_value_in(f"{self._prefix}{external_id}"))
            for external_id, is_required in required.items()
            if is_required and external_id not in final
        ]

    def _of(self, record: Record) -> Borne:
        return self._known.get(record.key, self._everywhere)

    def _categories(self, records: Sequence[Record]) -> dict[str, str]:
        """By key of a product, the category that it will be in."""
        places = [place for place, item in enumerate(self._plan.root.given) if item.column == "category_id"]
        found: dict[str, str] = {}
        query = select(Product.external_id, Category.external_id).join(Category, Category.id == Product.category_id)
        for keys in in_batches(record.key for record in records):
            live = query.where(Product.external_id.in_(keys), Product.deleted_at.is_(None))
            found |= {row[0]: row[1] for row in self._connection.execute(live)}
        for record in records:
            for place in places:
                found[record.key] = record.values[place] or found.get(record.key, "")
        return found

    def _spread(self, record: Record, borne: Borne, faults: RowFaults) -> None:
        self._known[record.key] = borne
        own: dict[str, Any] = {}
        record.extra_warnings = []
        for row in record.rows:
            of_variant = {}
            for external_id, value in row.extras.items():
                if external_id in borne.by_variant and row.parts[self._variants].keys:
                    of_variant[external_id] = value
                elif external_id in borne.by_product:
                    if contradicts(own.get(external_id, value), value):
                        key = f"{self._prefix}{external_id}"
                        record.extra_warnings.append(differs(row, key, key))
                    own[external_id] = newer(own.get(external_id), value)
                    record.speaker = max(record.speaker, row, key=lambda it: it.spooled.sequence)
                else:
                    message = "The category of the product has no such attribute, or only for variants."
                    fault = self._fault(NOT_APPLICABLE, external_id, as_cell(value), message)
                    if external_id in self._localised:
                        fault["locale"] = next(iter(value))
                    faults.setdefault(row.spooled.sequence, []).append(fault)
            row.parts[self._variants].values[-1] = of_variant or None
        record.values[-1] = own or None

    def _cleared(self, known: Iterable[str], rows: Sequence[Row]) -> Cleared:
        cleared: dict[str, set[str] | None] = {}
        files = [self._locales.get(file, {}) for file in {row.spooled.file for row in rows}]
        for external_id in known:
            values = [row.extras[external_id] for row in rows if external_id in row.extras]
            locales = {locale for file in files for locale in file.get(external_id, ())}
            if external_id in self._localised and locales:
                cleared[external_id] = locales - {locale for value in values for locale in value}
            elif not values:
                cleared[external_id] = None
        return cleared

    def _joined(
        self, record: Record, given: Mapping[str, Any] | None, stored: Mapping[str, Any] | None, cleared: Cleared
    ) -> dict[str, Any]:
        base = dict(stored or {})
        clearing = self._plan.extras.clearing
        if record.is_whole and all(row.spooled.file in clearing for row in record.rows):
            base = _without(base, cleared)
        joined: dict[str, Any] = newer(base, dict(given or {}))
        return joined

    def _fault(self, code: str, external_id: str, value: str, message: str) -> Fault:
        return {"code": code, "field": f"{self._prefix}{external_id}", "value": value[:200], "message": message}


def _without(stored: dict[str, Any], cleared: Cleared) -> dict[str, Any]:
    kept = {}
    for external_id, value in stored.items():
        gone = cleared.get(external_id, set())
        if gone is None:
            continue
        if isinstance(value, dict):
            value = {locale: text for locale, text in value.items() if locale not in gone}
        if value:
            kept[external_id] = value
    return kept


def what_differs(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Old and new values, without those that stay."""
    names = [name for name in old | new if old.get(name) != new.get(name)]
    return [{name: side[name] for name in names if name in side} for side in (old, new)]
