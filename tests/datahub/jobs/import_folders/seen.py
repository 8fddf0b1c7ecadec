"""What an import of a folder left: its files, warnings, ledger and records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from datahub.jobs.context import Context
from datahub.models.import_job import ConsumedFile
from datahub.models.import_run import ImportRun, ImportWarning
from datahub.models.party import Supplier

Trigger = Callable[[], int]


def files_of(context: Context, execution_id: int) -> dict[str, dict[str, Any]]:
    with context.sessions() as session:
        return {file["name"]: file for file in session.get_one(ImportRun, execution_id).files}


def warnings_of(context: Context, execution_id: int) -> list[tuple[str, str]]:
    with context.sessions() as session:
        query = select(ImportWarning).where(ImportWarning.execution_id == execution_id).order_by(ImportWarning.id)
        return [(warning.file, warning.code) for warning in session.scalars(query)]


def ledger(context: Context) -> list[str]:
    with context.sessions() as session:
        return list(session.scalars(select(ConsumedFile.path).order_by(ConsumedFile.path)))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stored(context: Context) -> dict[str, tuple[str, str | None]]:
    with context.sessions() as session:
        return {one.external_id: (one.name, one.description) for one in session.scalars(select(Supplier))}
