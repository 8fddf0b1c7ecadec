"""CSV with a header, parsed strictly and as a stream. Cells come as they stand: trimming is the mapping's work."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import chain, islice
from typing import BinaryIO

from datahub.errors import SourceError
from datahub.formats.text_file import ROW_LIMIT, read_text
from datahub.grouping import grouped

DELIMITERS = (",", ";")
GUESSED_ROWS = 20
GUESSED_BLOCKS = 16

# Set for the whole process, above all that Delimited lets through: its own limits speak first, and in our words.
csv.field_size_limit(4 * ROW_LIMIT)


@dataclass(frozen=True)
class Limits:
    """`max_cell` is in characters; a longer cell costs its row only. More rows or columns refuse the file."""

    max_rows: int = 5_000_000
    max_columns: int = 2_000
    max_cell: int = 1_048_576


@dataclass(frozen=True)
class Fault:
    """Why one row cannot be taken. `column` is a name of the header, or None where the row as a whole is at fault."""

    code: str
    message: str
    column: str | None = None


# The line a row begins at, its cells, its fault: a plain tuple, since a class costs a million rows up to 0.3 s more.
Row = tuple[int, list[str], Fault | None]


class Delimited:
    """One pass over a file, from its start. Iteration raises SourceError where the rest cannot be trusted."""

    def __init__(self, file: BinaryIO, delimiter: str, limits: Limits) -> None:
        self._file, self._delimiter, self._limits = file, delimiter, limits
        self._row_line = 1
        self._checked_to = 0
        self.characters_read = 0
        self._block_line, self._block_size, self._row_size = 1, 0, 0
        lines = chain.from_iterable(map(self._open_block, read_text(file)))
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self.header = self._read_header()

    @property
    def bytes_read(self) -> int:
        return self._file.tell()

    def __iter__(self) -> Iterator[Row]:
        reader, width, max_rows = self._reader, len(self.header), self._limits.max_rows
        count = 0
        with self._naming_bad_quotes():
            for cells in reader:
                line, self._row_line = self._row_line, reader.line_num + 1
                fault = None
                # Hardly any row has nothing in its first cell, so the others are seldom looked into.
                if not (cells and cells[0].strip()) and _is_blank(cells, width):
                    continue
                if len(cells) != width or line <= self._checked_to:
                    fault = self._find_fault(cells)
                count += 1
                if count > max_rows:
                    raise SourceError(
                        f"The file has more than {grouped(max_rows)} rows (MAX_ROWS). Send it in parts, or raise "
                        "the limit.",
                        code="too_many_rows",
                        line=line,
                    )
                yield line, cells, fault

    def _open_block(self, text: str) -> StringIO:
        """Decides which rows need a look at each cell: those of blocks with a NUL or with room for a cell that is
        too long, and one that began in an earlier block."""
        read = self._reader.line_num
        if self._row_line > read:
            self._row_size = 0
        else:
            self._row_size = self._block_size + (self._row_size if self._row_line < self._block_line else 0)
        if self._row_size > ROW_LIMIT:
            raise SourceError(
                f"The row that begins at line {self._row_line} is longer than {ROW_LIMIT // 1024**2} MiB, the limit "
                "for one row. Look for a quote that is opened there and never closed.",
                code="row_over_limit",
                line=self._row_line,
            )
        self._block_line, self._block_size = read + 1, len(text)
        self.characters_read += len(text)
        suspect = "\0" in text or len(text) > self._limits.max_cell
        self._checked_to = read + len(text) if suspect else read
        return StringIO(text, newline="")

    def _read_header(self) -> list[str]:
        with self._naming_bad_quotes(in_header=True):
            for cells in self._reader:
                if not _is_blank(cells):
                    header = [name.strip() for name in cells]
                    check_delimiter(header, self._delimiter)
                    _check_header(header, self._limits, self._row_line)
                    self._row_line = self._reader.line_num + 1
                    return header
                self._row_line = self._reader.line_num + 1
        raise SourceError("The file is empty. It must begin with a line of column names.", code="empty_file")

    @contextmanager
    def _naming_bad_quotes(self, in_header: bool = False) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            other = guess_delimiter(self._file) if in_header else None
            if other not in (None, self._delimiter):
                raise _wrong_delimiter(self._delimiter, other) from error
            raise SourceError(
                f"The quotes of the row that begins at line {self._row_line} do not match. A cell that begins with a "
                f'quote must end with one, right before "{self._delimiter}" or the end of the line; write a quote '
                "inside it twice.",
                code="bad_quotes",
                line=self._row_line,
            ) from error

    def _find_fault(self, cells: list[str]) -> Fault | None:
        width, most = len(self.header), self._limits.max_cell
        if len(cells) != width:
            code = "too_few_cells" if len(cells) < width else "too_many_cells"
            return Fault(code, f"This row has {grouped(len(cells))} cells; the header has {grouped(width)}.")
        for name, cell in zip(self.header, cells, strict=True):
            if "\0" in cell:
                return Fault("nul_character", "Holds a NUL character, which no text may hold.", name)
            if len(cell) > most:
                message = (
                    f"Has {grouped(len(cell))} characters; at most {grouped(most)} are allowed (MAX_CELL). "
                    "Shorten it, take the column out of the file, or raise the limit."
                )
                return Fault("cell_over_limit", message, name)
        return None


def check_delimiter(header: list[str], delimiter: str) -> None:
    """Raises SourceError for a header of a single column that holds the other delimiter, or tabs."""
    if len(header) == 1 and "\t" in header[0]:
        message = 'The columns are parted by tabs. Send the file with "," or ";" between them: only these are read.'
        raise SourceError(message, code="wrong_delimiter")
    for other in DELIMITERS:
        if other != delimiter and len(header) == 1 and other in header[0]:
            raise _wrong_delimiter(delimiter, other)


def guess_delimiter(file: BinaryIO) -> str | None:
    """The one delimiter that parts the first rows into the same number of columns, more than one; else None."""
    fitting = [delimiter for delimiter in DELIMITERS if _fits(file, delimiter)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(file: BinaryIO, delimiter: str) -> bool:
    file.seek(0)
    blocks = islice(read_text(file), GUESSED_BLOCKS)
    lines = chain.from_iterable(StringIO(text, newline="") for text in blocks)
    rows = islice(csv.reader(lines, delimiter=delimiter, strict=True), GUESSED_ROWS)
    try:
        widths = {len(cells) for cells in rows if not _is_blank(cells)}
    except (csv.Error, SourceError):
        return False
    return len(widths) == 1 and widths != {1}


def _wrong_delimiter(delimiter: str, other: str) -> SourceError:
    return SourceError(
        f'The delimiter "{delimiter}" does not part the header into columns, but the file holds "{other}". '
        f'Choose "{other}" as delimiter, or send a file delimited by "{delimiter}".',
        code="wrong_delimiter",
    )


def _check_header(header: list[str], limits: Limits, line: int) -> None:
    if len(header) > limits.max_columns:
        message = (
            f"The header has {grouped(len(header))} columns; at most {grouped(limits.max_columns)} are read "
            "(MAX_COLUMNS). "
            "Take out columns that no field is fed from, or raise the limit."
        )
        raise SourceError(message, code="too_many_columns", line=line)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header, 1):
        if "\0" in name:
            message = f"The name of column {place} holds a NUL byte. The file is probably UTF-16: save it as UTF-8."
            raise SourceError(message, code="undecodable", line=line)
        if len(name) > limits.max_cell:
            message = f"The name of column {place} is longer than {grouped(limits.max_cell)} characters (MAX_CELL)."
            raise SourceError(message, code="cell_over_limit", line=line)
        places.setdefault(name, []).append(place)
    if "" in places:
        message = f"Columns need a name; it is missing in the header at column {_listed(places[''])}."
        raise SourceError(message, code="empty_column_name", line=line)
    twice = [f'"{name[:80]}" (columns {_listed(found)})' for name, found in places.items() if len(found) > 1]
    if twice:
        message = f"Column names must differ. More than once in the header: {_listed(twice)}."
        raise SourceError(message, code="duplicate_column", line=line)


def _listed(items: list[int] | list[str]) -> str:
    shown = ", ".join(map(str, items[:10]))
    return shown if len(items) <= 10 else f"{shown} and {len(items) - 10} more"


def _is_blank(cells: list[str], width: int = 0) -> bool:
    """A line without a character, or of white space and delimiters only, as spreadsheets write them. A single column
    may hold a blank cell."""
    return not any(map(str.strip, cells)) and not len(cells) == width == 1
