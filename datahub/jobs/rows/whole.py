"""Entities that a file replaces as a whole, such as a tree: all of it is applied and what it does not name goes, or
nothing changes. The caller's transaction is the only one, so files must be such as fit into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from datahub.jobs.rows.chunk import ChunkWriter, Outcome
from datahub.jobs.rows.faults import REFUSED, RowFaults
from datahub.storage import SpooledRow

REFUSED_WORDS = (
    "Nothing was changed: the file is taken as a whole, and was refused. Its rejected rows say why. Their file has all "
    "rows: mend it and upload it."
)
OTHERS_ARE_WRONG = "Nothing is wrong with this row, but others of its file are, which is taken as a whole."


class RefusedError(Exception):
    """What was done must be rolled back. `faults` are by sequence of the rows that have some of their own; the words
    are for the others."""

    def __init__(self, why: str, faults: RowFaults) -> None:
        super().__init__(why)
        self.faults = faults


def replace_all(writer: ChunkWriter, chunks: Iterable[Sequence[SpooledRow]], now: datetime) -> tuple[Outcome, int]:
    """With the number of records that went because no row names them. Raises RefusedError."""
    total, named = Outcome(), set[str]()
    for rows in chunks:
        total.add(writer.write(rows, now))
        named |= {row.key for row in rows}
    if total.rejected:
        raise RefusedError(OTHERS_ARE_WRONG, {row.sequence: faults for row, faults in total.rejected})
    removed, kept = writer.remove_others(named, now)
    if kept:
        raise RefusedError(f"The file, which is taken as a whole, does not name {kept[0].key}. {kept[0].message}", {})
    return total, removed


def reject_all(rows: Iterable[SpooledRow], refused: RefusedError) -> Outcome:
    """Each row of the file with its own faults, or that of being among them."""
    outcome = Outcome()
    others = {"code": REFUSED, "field": "", "value": "", "message": str(refused)}
    outcome.rejected = [(row, refused.faults.get(row.sequence, [others])) for row in rows]
    outcome.counts["rejected"] = len(outcome.rejected)
    return outcome
