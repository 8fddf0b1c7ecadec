"""The tables of docs/fields.md, from the registry: every field of every entity as partners need to know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType, Field, Part, Rule

HEAD = """\
# Fields

Made by `bin/datahub fields > docs/fields.md`; do not edit it by hand.

What can be imported, in the order in which to import it: each entity after what it refers to. A column of a file is
matched by the key or the label of a field. A value that is required at creation may be left out for a record that
exists. A file without a column for one that is always required fails as a whole, unless it has the column that deletes
records: rows that delete need nothing but the key. Where a field does not change, another value for a record that
exists rejects the row. A text per locale comes in columns such as `productNames[fr-FR]`; a column without a locale
counts for the main one. Lists are joined by `||`. Texts have at most 255 characters where no other limit is named.
"""
COLUMNS = ("Key", "Label", "Type", "Required", "Changes", "Default", "Refers to")
TYPES = {
    "TEXT": "text",
    "LOCALISED": "text per locale",
    "LOCALISED_LIST": "list of texts per locale",
    "BOOLEAN": "TRUE or FALSE",
    "NUMBER": "number",
    "INTEGER": "whole number",
    "TEXT_LIST": "list of texts",
    "PLAIN_ID": "text without spaces and accents",
    "EMAIL": "e-mail address, kept in small letters",
    "PASSWORD": "8 to 255 characters, among them a small letter, a capital letter and a digit",
    "CURRENCY": "currency, a code of ISO 4217 such as EUR",
    "PRICE_RANGES": "`quantity:price` pairs, joined by `||`",
}


def in_markdown() -> str:
    return "\n".join([HEAD, *(line for entity in ENTITIES.values() for line in _entity(entity))])


def _entity(entity: EntityType) -> Iterator[str]:
    yield f"## {entity.name}: {entity.label}"
    yield ""
    yield " ".join(_facts(entity))
    yield ""
    always = f"always, or `{entity.other_key.key}`" if entity.other_key else "always"
    own = [_row(entity.key, required=always, changes="never")]
    own += [_row(item, changes="never" if item.column == entity.scoped_by else "") for item in entity.fields]
    if entity.deleted_by is not None:
        own.append(_row(entity.deleted_by, changes="TRUE deletes the record"))
    if entity.emptied_by is not None:
        emptied = ", ".join(f"`{item.key}`" for item in entity.emptied)
        own.append(_row(entity.emptied_by, changes=f"TRUE empties {emptied} first"))
    yield from _table(own)
    yield from _rules(entity.rules)
    for part in entity.parts:
        yield from _part(part)


def _facts(entity: EntityType) -> Iterator[str]:
    if entity.after:
        yield f"Import {', '.join(entity.after)} first."
    yield f"The key is `{entity.key.key}`."
    if entity.has_custom_fields:
        yield "Takes custom fields in columns `CF_<external id>`."
    if entity.has_attributes:
        yield "Takes attributes in columns `attribute-<external id>`."
    yield "Has a Full mode." if entity.has_full_mode else "Has no Full mode."
    yield from _facts_of_deletion(entity)
    if entity.replaced_whole:
        yield "A file is taken as a whole: what it does not name is deleted, and one bad row refuses it."
    if entity.scoped_by:
        yield "Each store has its own: a job imports for one store, and its rows name that one or none."
    if entity.must_exist:
        yield "Imports change records that exist and make none."
    yield from _facts_of_acts(entity)
    yield from _facts_of_fields(entity.fields)


def _facts_of_deletion(entity: EntityType) -> Iterator[str]:
    if entity.used_by:
        yield f"Cannot be deleted while it has {' or '.join(use.what for use in entity.used_by)}."
    if entity.held_by:
        holds = "name it" if entity.held_by[0].is_list else "have a value of it"
        yield f"Cannot be deleted while {' or '.join(holder.what for holder in entity.held_by)} {holds}."
    yield from (f"Its links in {other} go with it." for other in dict.fromkeys(link.entity for link in entity.links))
    for listed in entity.listed_in:
        yield f"Once deleted it is in no `{listed.field}` of {listed.entity} any more."


def _facts_of_acts(entity: EntityType) -> Iterator[str]:
    if entity.acts_on:
        yield f"Rows act on records of {entity.acts_on}."
    if entity.other_key:
        yield f"Where a row gives both, `{entity.key.key}` names the record and not `{entity.other_key.key}`."


def _facts_of_fields(fields: Sequence[Field]) -> Iterator[str]:
    for item in fields:
        if item.unique:
            yield f"No two records have the same `{item.key}`."
        if item.erased_when_absent:
            yield f"`{item.key}` is erased where no row of the record gives it, with a warning."
        if item.lasting:
            yield f"One that was deleted comes back with the `{item.key}` that it had."
    if personal := [f"`{item.key}`" for item in fields if item.personal]:
        yield f"{', '.join(personal)} and custom fields are blanked when the record is deleted."
    if secret := [f"`{item.key}`" for item in fields if item.type.secret]:
        yield f"What is given as {', '.join(secret)} is never kept, only a hash of it; cells of unused columns neither."


def _part(part: Part) -> Iterator[str]:
    yield f"### {part.label}"
    yield ""
    keys = ", ".join(f"`{item.key}`" for item in (part.key_field, *part.more_keys))
    takes_several = part.more_keys or part.key_field.type.name == "TEXT_LIST"
    facts = [f"Several per row; their keys are in {keys}." if takes_several else f"One per row; the key is {keys}."]
    if part.most:
        facts.append(f"A record may have {part.most} at most.")
    facts.append("It is taken once, whatever the record." if part.global_key else "It is taken once per record.")
    if part.required_on_create:
        facts.append("A new record needs one.")
    if part.in_each_row:
        facts.append("Every row needs one, unless it deletes the record.")
    if part.used_by:
        facts.append(f"It cannot be removed while it has {' or '.join(use.what for use in part.used_by)}.")
    facts += [f"Its links in {link.entity} go with it." for link in part.links]
    for item, other in product(part.fields, part.fields):
        if item.depends_on == other.column:
            facts.append(f"The value of `{item.key}` goes when `{other.key}` changes and the row gives no other.")
    yield " ".join(facts)
    yield ""
    named = (part.key_field, *part.more_keys)
    required = "with the fields below" if part.fields else ""
    rows = [_row(item, required=required, changes="never") for item in named]
    rows += map(_row, part.fields)
    if part.removed_by.key:
        taken = "takes all away, before other rows add theirs" if part.removes_all else "takes it away"
        rows.append(_row(part.removed_by, changes=f"TRUE {taken}"))
    yield from _table(rows)
    yield from _rules(part.rules)


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("||", r"\|\|")
    yield ""


def _rules(rules: Iterable[Rule]) -> Iterator[str]:
    lines = [f"- `{rule.field.key}`: {rule.message}" for rule in rules]
    if lines:
        yield from ("A row is rejected where this does not hold once it is applied:", "", *lines, "")


def _row(field: Field, *, required: str = "", changes: str = "") -> tuple[str, ...]:
    return (
        f"`{field.key}`",
        ", or ".join([field.label, *(f"`{name}`" for name in field.spellings)]),
        _type(field),
        required or _required(field),
        changes or ("yes" if field.editable else "no"),
        _default(field.default),
        _refers_to(field),
    )


def _type(field: Field) -> str:
    if field.choices:
        return f"{'some' if field.type.name == 'CHOICES' else 'one'} of {', '.join(field.choices)}"
    limit = f", at most {field.length} characters" if field.length != Field.length else ""
    words = TYPES[field.type.name]
    if field.least is not None:
        return f"{words}, at least {field.least}"
    if field.more_than is not None:
        return f"{words}, more than {field.more_than}"
    return f"{words}{limit}" if "text" in words else words


def _required(field: Field) -> str:
    if field.required_on_update:
        return "always"
    return "at creation" if field.required_on_create else ""


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, list):
        return "||".join(map(str, value))
    return "" if value in (None, {}) else str(value)


def _refers_to(field: Field) -> str:
    if field.refers_to is None:
        return ""
    return " or ".join([field.refers_to.name, *(f"the word {_word(word)}" for word in field.root)])


def _word(root: str) -> str:
    return root.replace("{store}", "<external id of the store>")
