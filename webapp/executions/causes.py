"""In a few words for each code, with the name of its field: why rows were rejected, and of what imports warn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from datahub.entities import ENTITIES
from datahub.entities.base import Field
from datahub.entities.extras import ATTRIBUTE, CUSTOM_FIELD
from webapp.filters import status_words
from webapp.records.extras import names_of

PHRASES = {
    "belongs_to_another": "{} of another record",
    "cell_over_limit": "Cell too long",
    "changed_meanwhile": "{} changed by somebody else meanwhile",
    "conflicting_rows": "{} differs between rows of the order",
    "contradicts_offer": "{} does not fit the offer",
    "cycle": "{} below itself",
    "external_order": "Order made by an import",
    "illegal_move": "{} may not become this",
    "in_use": "Still in use, so not deleted",
    "last_line": "Last line of the order",
    "malformed": "{} not understood",
    "mixed_currencies": "Offer in another currency than the order",
    "not_a_list": "{} only for lists",
    "not_applicable": "{} not for this category",
    "not_editable": "{} may not change",
    "not_indexable": "{} without Attr Indexable",
    "not_unique": "{} of another record",
    "nul_character": "NUL character in a cell",
    "own_key": "{} is the record itself",
    "other_row_invalid": "Another row of the record is wrong",
    "required": "{} missing",
    "too_few_cells": "Too few cells",
    "too_many_cells": "Too many cells",
    "too_many_parts": "More {} than a record may have",
    "tree_refused": "Others of the file are wrong, which is taken as a whole",
    "unknown_key": "No such record",
    "unknown_reference": "Unknown {}",
    "unmended_row": "Cells not yet put under their columns",
    "wrong_unit": "{} not of its unit type",
}
# Codes that say something else of a warning, or are of warnings alone.
WARNINGS = {
    "done_before": "File imported before",
    "erased": "No {} in any row of a record, so erased",
    "in_use": "{} still in use, so kept",
    "missing_column": "No column for {}",
    "no_password": "Created without a password",
    "not_applied": "Another row deletes the record, so not applied",
    "not_checked": "Moved file not looked at",
    "not_moved": "File not moved",
    "nothing_cleared": "Nothing cleared",
    "parent_differs": "{} differs from an earlier row",
    "postponed": "File left for a later run",
    "replaced": "Older file replaced",
    "superseded": "A later row names the same key and counts instead",
    "unit_changed": "{} changed, numbers are not converted",
    "unknown_column": "Column of something not defined",
    "unknown_key": "Nothing there to delete",
    "unusable_file": "File not read",
    "unusable_name": "File name not usable",
    "unused_column": "Column not used",
}


def words_for(
    entity: str, causes: Iterable[tuple[str, str]], phrases: Mapping[str, str] = PHRASES
) -> dict[tuple[str, str], str]:
    """By code and field."""
    causes, kind = list(causes), ENTITIES.get(entity)
    extras = {field: _external_id(field) for _, field in causes if _external_id(field)}
    named = names_of(kind, set(extras.values())) if kind else {}
    labels = {field: named[key].name for field, key in extras.items() if key in named}
    fields = kind.named() if kind else {}
    return {(code, field): _phrase(phrases, code, field, fields.get(field), labels) for code, field in causes}


def _phrase(phrases: Mapping[str, str], code: str, key: str, item: Field | None, labels: dict[str, str]) -> str:
    label = item.label if item else labels.get(key, key)
    if code == "unknown_reference" and item is not None and item.refers_to is not None:
        label = item.refers_to.name.replace("_", " ").lower()
    if code in phrases:
        return phrases[code].format(label or "value")
    return f"{status_words(code)} ({label})" if label else status_words(code)


def _external_id(field: str) -> str:
    """Empty for a field that every installation has."""
    return next((field.removeprefix(start) for start in (CUSTOM_FIELD, ATTRIBUTE) if field.startswith(start)), "")
