"""What an import tells of itself while it fetches and reads: the files that it takes, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from datahub.jobs import lifecycle
from datahub.jobs.context import Context
from datahub.jobs.import_hold import Hold
from datahub.jobs.lifecycle import Claim
from datahub.models.execution import JOB_STARTED
from datahub.models.import_run import ImportFile

# Servers have no longer names, and an index holds no name of any length.
NAME_LENGTH = 255


def keep_names(session: Session, execution_id: int, files: Iterable[Mapping[str, Any]]) -> None:
    """What a search by a file's name finds the execution by, in place of what it was found by so far."""
    session.execute(delete(ImportFile).where(ImportFile.execution_id == execution_id))
    names = dict.fromkeys(file["name"][:NAME_LENGTH] for file in files)
    session.add_all(ImportFile(execution_id=execution_id, name=name) for name in names)


class Progress:
    """Of one step. `check` may raise, and is called between batches of rows.

    How many bytes and rows have come is written by the beat of the lease, not with each block."""

    def __init__(self, context: Context, held: Claim, hold: Hold, check: Callable[[], None]) -> None:
        self._context, self._held, self._hold, self._check = context, held, hold, check
        self._fetched = 0
        self._read = (0, 0)

    def take(self, files: list[dict[str, Any]]) -> None:
        """In place of what was known of them before. Raises LostClaimError."""
        with self._context.sessions.begin() as session:
            lifecycle.save(session, self._held, worker=self._held.worker)
            self._hold.update_run(session, {"files": files, "bytes_fetched": self._fetched})
            keep_names(session, self._held.execution_id, files)

    def fetched(self, size: int) -> None:
        """So many bytes more."""
        self._fetched += size

    def read(self, rows: int, size: int) -> None:
        """So many in all."""
        self._read = (rows, size)
        self._check()

    def keep(self, session: Session, _: Claim) -> None:
        """Called by the beat. What is read a second time, for writing, is known already."""
        rows, size = self._read
        if (rows or self._fetched) and self._hold.status == JOB_STARTED:
            told = {"rows": rows, "bytes_read": size, "bytes_fetched": self._fetched}
            self._hold.update_run(session, told)
