"""What an import finds wrong with rows, kept for people: rejected rows and warnings."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from datahub.jobs.rows.chunk import Outcome
from datahub.jobs.rows.fold import Warned
from datahub.models.import_run import ImportWarning, RejectedRow
from datahub.storage import BY_OTHER, KEYLESS, SpooledRow


def keep_findings(session: Session, execution_id: int, outcome: Outcome) -> None:
    """In the transaction of the chunk. The caller commits."""
    if outcome.rejected:
        session.execute(insert(RejectedRow), [_rejection(execution_id, *found) for found in outcome.rejected])
    if outcome.warnings:
        session.execute(insert(ImportWarning), [_warning(execution_id, warned) for warned in outcome.warnings])


def _key(row: SpooledRow) -> str | None:
    """As the row itself says it, for who looks for it in the file."""
    if row.called:
        return row.called
    return None if row.key.startswith(KEYLESS) else row.key.removeprefix(BY_OTHER)


def _warning(execution_id: int, warned: Warned) -> dict[str, Any]:
    return {
        "execution_id": execution_id,
        "file": warned.row.file,
        "line": warned.row.line,
        "record_key": _key(warned.row),
        "code": warned.code,
        "field": warned.field,
        "message": warned.message,
    }


def _rejection(execution_id: int, row: SpooledRow, faults: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "execution_id": execution_id,
        "sequence": row.sequence,
        "file": row.file,
        "line": row.line,
        # Of a row that was not looked into, the key may be there to read, though nothing was done with it.
        "record_key": _key(row) or faults[0].get("key"),
        "cause": faults[0]["code"],
        "field": faults[0]["field"],
        "faults": faults,
        "cells": json.loads(row.cells),
    }
