"""Lines of the change ledger: as the page of a record shows them, and all those of one import execution."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from datahub.entities import ENTITIES
from datahub.entities.base import EntityType
from datahub.errors import NotFoundError
from datahub.jobs import executions, record_history
from datahub.jobs.record_history import Recorded
from datahub.models.change import ACTIONS
from webapp.database import db
from webapp.permissions import MAPPER_READ, permission
from webapp.records import shown
from webapp.records.blueprint import blueprint


@blueprint.get("/executions/<execution_id>/changes")
@permission(MAPPER_READ)
def of_execution(execution_id: str) -> str:
    """What one import created, updated or deleted, in the order of writing."""
    execution = executions.get(db.session(), execution_id)
    if execution.entity not in ENTITIES:
        raise NotFoundError("An export changes no records.")
    action, after = request.args.get("action", ""), request.args.get("after", "")
    found = record_history.changes_of(db.session(), execution, action=action, after=after)
    address = {"execution_id": execution_id, "action": action if action in ACTIONS else None}
    chosen = [("All", None), *((name.capitalize(), name) for name in ACTIONS)]
    tabs = [
        (words, url_for("records.of_execution", execution_id=execution_id, action=name), name == address["action"])
        for words, name in chosen
    ]
    return render_template(
        "records/execution_changes.html",
        execution=execution,
        tabs=tabs,
        changes=shown_changes(ENTITIES[execution.entity], found.items),
        first_url=url_for("records.of_execution", **address) if after else "",
        next_url=url_for("records.of_execution", after=found.cursor, **address) if found.cursor else "",
    )


def shown_changes(kind: EntityType, found: list[Recorded]) -> list[dict[str, Any]]:
    labels = shown.labels_of(kind)
    parts = {part.shown_as: part.label for part in kind.parts}
    return [
        {
            "change": it.change,
            "execution_id": it.execution_id,
            "job_name": it.job_name,
            "part": parts.get(it.change.part, it.change.part),
            "differences": [
                difference
                for key, (old, new) in (it.differences or {}).items()
                for difference in shown.differences(labels.get(key, key), old, new)
            ],
        }
        for it in found
    ]
