"""Lines of the change ledger: as the page of a record shows them, and all those of one import execution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import render_template, request, url_for

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.entities.extras import EXTRA_KEYS
from datahub.errors import NotFoundError
from datahub.jobs import executions, record_history, record_reads
from datahub.jobs.record_history import Recorded
from datahub.models.change import ACTIONS
from datahub.models.execution import IMPORT
from webapp import pager
from webapp.database import db
from webapp.permissions import MAPPER_READ, permission
from webapp.records import shown
from webapp.records.addresses import address_of
from webapp.records.blueprint import blueprint
from webapp.records.extras import names_of

# Of what has no parts of its own in the registry.
PARTS = {"orderLines": "Line"}


@blueprint.get("/executions/<execution_id>/changes")
@permission(MAPPER_READ)
def of_execution(execution_id: str) -> str:
    """What one import created, updated or deleted, in the order of writing."""
    execution = executions.get(db.session(), execution_id)
    if execution.kind != IMPORT:
        raise NotFoundError("This execution is an export, which changes no records.")
    action = request.args.get("action") if request.args.get("action") in ACTIONS else None
    found = record_history.changes_of(db.session(), execution, action=action or "", **pager.asked())
    address = partial(url_for, "records.of_execution", execution_id=execution_id)
    tabs = [("All", address(), action is None)]
    tabs += [(name.capitalize(), address(action=name), name == action) for name in ACTIONS]
    return render_template(
        "records/execution_changes.html",
        execution=execution,
        tabs=tabs,
        changes=shown_changes(found.items),
        called=_called(found.items),
        **pager.neighbours(found, partial(address, action=action)),
    )


def _called(found: list[Recorded]) -> dict[tuple[str, str], str]:
    """What others call the records that files may name so, by entity and key."""
    keys: dict[str, set[str]] = {}
    for it in found:
        keys.setdefault(it.change.entity, set()).add(it.change.record_key)
    names = {entity: record_reads.other_names(db.session(), ENTITIES[entity], own) for entity, own in keys.items()}
    return {(entity, key): name for entity, own in names.items() for key, name in own.items()}


def shown_changes(found: list[Recorded]) -> list[dict[str, Any]]:
    """Also of several entities: what is deleted takes links of others along."""
    kinds = {it.change.entity: ENTITIES[it.change.entity] for it in found}
    names = {entity: names_of(kind, _extras_in(entity, found)) for entity, kind in kinds.items()}
    return [
        {
            "change": it.change,
            "url": address_of(it.change.entity, it.change.record_key, it.store),
            "execution_id": it.execution_id,
            "job_name": it.job_name,
            "part": _part_words(kinds[it.change.entity], it.change.part),
            "differences": list(_differences(kinds[it.change.entity], it.differences or {}, names[it.change.entity])),
        }
        for it in found
    ]


def _extras_in(entity: str, found: list[Recorded]) -> set[str]:
    changes = [it.differences or {} for it in found if it.change.entity == entity]
    return {
        name for fields in changes for key in EXTRA_KEYS & fields.keys() for side in fields[key] for name in side or ()
    }


def _part_words(kind: EntityType, part: str) -> str:
    return {part.shown_as: part.label for part in kind.parts}.get(part) or PARTS.get(part, part)


def _differences(kind: EntityType, changes: dict[str, list[Any]], names: shown.Names) -> Iterator[shown.Difference]:
    labels = shown.labels_of(kind)
    for key, (old, new) in changes.items():
        if key in EXTRA_KEYS:
            yield from shown.differing_extras(old, new, names)
        else:
            yield from shown.differences(labels.get(key, key), old, new)
