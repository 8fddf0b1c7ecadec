"""The chunks of a spool, each read while the one before it is written: then the database works, and Python waits."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from datahub.jobs.import_fold import Chunk
from datahub.jobs.import_plan import Plan
from datahub.storage import Spool, place_of


def read_ahead(path: Path, plan: Plan, after: tuple[int, str] | None, size: int) -> Generator[Chunk, None, None]:
    """Those that come after a place, of some `size` rows each. Holds two of them; to be closed."""
    with closing(Spool(path)) as spool, ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as beside:

        def read(after: tuple[int, str] | None) -> Chunk | None:
            rows = spool.chunk(after, size)
            return Chunk(rows, plan) if rows else None

        coming = beside.submit(read, after)
        while chunk := coming.result():
            coming = beside.submit(read, place_of(chunk.rows[-1]))
            yield chunk
