"""A file of delimited rows, opened as a run opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datahub.formats.delimited import Delimited, Limits


@contextmanager
def open_delimited(path: Path, delimiter: str, limits: Limits) -> Iterator[Delimited]:
    """Raises SourceError at once for a header that cannot be used."""
    with path.open("rb") as file:
        yield Delimited(file, delimiter, limits)
