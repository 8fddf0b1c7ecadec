"""What keeps staged rows from being applied: conditions that the database is asked for, over a whole chunk at once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, literal, null, or_, select, true

from datahub.entities.base import Field, Part, Use
from datahub.jobs.merging.merge import ABSENT, CREATE, DELETE, NO_REFERENCE, NOTHING, REVIVE, UPDATE, Merge
from datahub.jobs.merging.problem import IN_USE, UNKNOWN_KEY, Problem, cannot_delete
from datahub.jobs.merging.target import is_reference

# Code, field, message of a rule, and when it is so.
Condition = tuple[str, Field, str, ColumnElement[bool]]


def problems(connection: Connection, merge: Merge) -> list[Problem]:
    """Of the staged rows, against what is stored now."""
    work, table = merge.work, merge.target.table
    found = [*_conditions(merge), *_broken_rules(merge)]
    if not found:
        return []
    flags = [condition.label(f"p{number}") for number, (*_, condition) in enumerate(found)]
    joined = work.outerjoin(table, table.c.id == work.c.id)
    query = (
        select(work.c.sequence, work.c.key, *flags).select_from(joined).where(or_(*(flag.element for flag in flags)))
    )
    return [
        Problem(sequence, key, code, field, message)
        for sequence, key, *is_so in connection.execute(query)
        for (code, field, message, _), holds in zip(found, is_so, strict=True)
        if holds
    ]


def _conditions(merge: Merge) -> Iterable[Condition]:
    work, target = merge.work.c, merge.target
    for field in target.fields:
        yield from _conditions_of(merge, field)
    if target.must_exist:
        yield UNKNOWN_KEY, target.key, "", work.action.in_((CREATE, REVIVE))
    if is_reference(target, target.key):
        stays = work.action.not_in((DELETE, ABSENT))
        yield "unknown_reference", target.key, "", and_(stays, ~exists(merge.referred_key()))
    uses = [(use.what, _is_used(merge, use)) for use in target.used_by]
    uses += [(use.what, _is_used(merge, use, part)) for part in target.parts for use in part.used_by]
    for what, is_used in uses:
        yield IN_USE, target.key, cannot_delete(what), and_(work.action == DELETE, is_used)


def _conditions_of(merge: Merge, field: Field) -> Iterable[Condition]:
    work = merge.work.c
    is_new, stays = work.action.in_((CREATE, REVIVE)), work.action.in_((UPDATE, NOTHING))
    is_given = field in merge.target.given
    given = work[f"v_{field.column}"] if is_given else null()
    demanded = [is_new] * field.required_on_create + [stays] * field.required_on_update
    if demanded:
        yield "required", field, "", and_(or_(*demanded), given.is_(None))
    if is_given and is_reference(merge.target, field):
        is_named = and_(given != NO_REFERENCE, given.is_not(None), work.action.not_in((DELETE, ABSENT)))
        yield "unknown_reference", field, "", and_(is_named, work[f"r_{field.column}"].is_(None))
    if is_given and not field.editable:
        known = (UPDATE, REVIVE) if field.lasting else (UPDATE,)
        yield "not_editable", field, "", and_(work.action.in_(known), work[f"d_{field.column}"])


def _broken_rules(merge: Merge) -> Iterable[Condition]:
    """Rows that change nothing are left as they are."""
    work = merge.work.c
    given = {field.column for field in merge.target.given}
    for rule in merge.target.rules:
        changing = [work[f"d_{column}"] for column in rule.about if column in given]
        is_asked = or_(false(), *changing) if rule.about else true()
        applies = or_(work.action.in_((CREATE, REVIVE)), and_(work.action == UPDATE, is_asked))
        yield rule.code, rule.field, rule.message, and_(applies, rule.broken(partial(_final, merge)))


def _final(merge: Merge, column: str) -> ColumnElement[Any]:
    """What a column comes to."""
    work, stored = merge.work.c, merge.target.table.c[column]
    if column == merge.target.key.column:
        return work.key
    (field,) = (field for field in merge.target.fields if field.column == column)
    given = work[f"v_{column}"] if field in merge.target.given else null()
    fresh = func.coalesce(given, literal(field.fresh_default(), stored.type))
    return case((work.action.in_((CREATE, REVIVE)), fresh), else_=func.coalesce(given, merge.kept(field)))


def _is_used(merge: Merge, use: Use, part: Part | None = None) -> ColumnElement[bool]:
    """Whether a live row refers to the record, or to this kind of its parts."""
    table = use.column.class_.__table__.alias()
    refers = table.c[use.column.key]
    if part is None:
        rows = select(table.c.id).where(refers == merge.work.c.id)
        if use.column.class_ is merge.target.model:
            going = merge.work.alias()
            rows = rows.where(~exists().where(going.c.id == table.c.id, going.c.action == DELETE))
    else:
        parts = part.model.__table__.alias()
        rows = select(table.c.id).join(parts, refers == parts.c.id).where(parts.c[part.owner] == merge.work.c.id)
    return exists(rows.where(table.c.deleted_at.is_(None)) if "deleted_at" in table.c else rows)
