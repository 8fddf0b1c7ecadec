"""The sheet of rejected rows: what a download adds to them, and how it is known when it comes back mended."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from datahub.formats.delimited import DELIMITERS
from datahub.formats.text_file import BLOCK

HUB_COLUMNS = ("hub_file", "hub_line", "hub_reason")
# The whole row, where its cells do not fit the columns; only in files that have such rows.
HUB_CELLS = "hub_cells"
# Where the source has none.
DELIMITER = ","
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def is_mended(header: Iterable[str]) -> bool:
    """It is a download of rejected rows that comes back, though somebody may have taken out columns that it added."""
    return not {*HUB_COLUMNS, HUB_CELLS}.isdisjoint(name.strip().lower() for name in header)


def delimiter_of(file: BinaryIO) -> str | None:
    """Of a sheet that comes back mended, whatever a spreadsheet has made of the delimiter; None for any other file,
    which is left at its start."""
    file.seek(0)
    # Lines may end with a lone CR, which readline does not know.
    first = file.readline(BLOCK).decode("utf-8-sig", "replace").splitlines()[:1]
    file.seek(0)
    found = (it for it in DELIMITERS if is_mended(next(csv.reader(first, delimiter=it), ())))
    return next(found, None)


def joined(cells: Sequence[str], delimiter: str) -> str:
    """One line of the sheet, with its end."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def harmless(cell: str) -> str:
    """A spreadsheet takes the cell for text, never for a formula."""
    return f"'{cell}" if _begins_formula(cell) and not NUMBER.fullmatch(cell) else cell


def as_it_was(cell: str) -> str:
    """Undoes `harmless`."""
    return cell[1:] if cell.startswith("'") and _begins_formula(cell) else cell


def _begins_formula(cell: str) -> bool:
    """Behind any apostrophes: those that a source has itself must not be taken for ours."""
    return cell.lstrip("'").startswith(FORMULA_STARTS)
