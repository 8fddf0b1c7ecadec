"""XML of records, read as a stream into rows: a column for each element of a record, named by its path.

Parsed by expat, which alone of the parsers at hand knows the line of an element in a file of any length and keeps
nothing of what it has read. Namespaces are passed over. A document type is refused, and with it every entity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from datahub.errors import SourceError
from datahub.formats.delimited import Fault, Limits, Row
from datahub.formats.text_file import BLOCK, ROW_LIMIT, ZIP_MARK
from datahub.grouping import grouped

# Elements inside one another, below a record.
DEEPEST = 32
JOIN = "||"
# What each element counts for beside its path and its text, in characters.
ELEMENT_SIZE = 100
_Cells = dict[str, str]


class Elements:
    """One pass for the names of the columns, which may appear anywhere, and one for the rows. `root` and `record` are
    the names of the elements; a file may also be a single record. Of a sample that is cut, the whole records are read.

    Raises SourceError as Delimited does. A file without records has no columns."""

    def __init__(self, file: BinaryIO, root: str, record: str, limits: Limits, *, is_cut: bool = False) -> None:
        self._file, self._names, self._limits, self._is_cut = file, (root, record), limits, is_cut
        self.characters_read = 0
        self.header = self._read_header()

    @property
    def bytes_read(self) -> int:
        return self._file.tell()

    def __iter__(self) -> Iterator[Row]:
        self.characters_read = 0
        for line, cells in self._records():
            yield line, [cells.get(name, "") for name in self.header], self._find_fault(cells)

    def _read_header(self) -> list[str]:
        paths: dict[str, None] = {}
        for count, (line, cells) in enumerate(self._records(), 1):
            paths |= dict.fromkeys(cells)
            if len(paths) > self._limits.max_columns:
                most = grouped(self._limits.max_columns)
                message = f"The records have more than {most} different elements (MAX_COLUMNS)."
                raise SourceError(message, code="too_many_columns", line=line)
            if count > self._limits.max_rows:
                most = grouped(self._limits.max_rows)
                message = f"The file has more than {most} rows (MAX_ROWS). Send it in parts, or raise the limit."
                raise SourceError(message, code="too_many_rows", line=line)
        return list(paths)

    def _records(self) -> Iterator[tuple[int, _Cells]]:
        self._file.seek(0)
        parsing = _Parsing(*self._names)
        while block := self._file.read(BLOCK):
            if not parsing.fed and block.startswith(ZIP_MARK):
                message = "This is an Excel workbook or another zip file, not XML."
                raise SourceError(message, code="undecodable")
            parsing.feed(block)
            self.characters_read += len(block)
            yield from parsing.take()
        if not self._is_cut:
            parsing.end()
            yield from parsing.take()

    def _find_fault(self, cells: _Cells) -> Fault | None:
        for name, cell in cells.items():
            if len(cell) > self._limits.max_cell:
                message = (
                    f"Has {grouped(len(cell))} characters; at most {grouped(self._limits.max_cell)} are allowed "
                    "(MAX_CELL). Shorten it, or raise the limit."
                )
                return Fault("cell_over_limit", message, name)
        return None


class _Parsing:
    """What expat has found so far, record by record."""

    def __init__(self, root: str, record: str) -> None:
        self._root, self._record = root, record
        self._open: list[str] = []
        # How many elements are open around the record, itself included; 0 outside of any.
        self._depth = 0
        self._begun, self._cells, self._size = 0, _Cells(), 0
        # What stands at a path that comes several times; only at the end of the record is it joined.
        self._again: dict[str, list[str]] = {}
        self._text: list[str] = []
        self._is_leaf = False
        self._done: list[tuple[int, _Cells]] = []
        self.fed = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._hear

    def feed(self, block: bytes) -> None:
        self.fed += len(block)
        self._parse(block, is_last=False)
        if self.fed - max(self._parser.CurrentByteIndex, 0) > ROW_LIMIT:
            self._too_long(self._parser.CurrentLineNumber)

    def end(self) -> None:
        self._parse(b"", is_last=True)

    def take(self) -> list[tuple[int, _Cells]]:
        done, self._done = self._done, []
        return done

    def _parse(self, data: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(data, is_last)
        except expat.ExpatError as error:
            raise self._broken(error) from error

    def _broken(self, error: expat.ExpatError) -> SourceError:
        what, line = expat.ErrorString(error.code), error.lineno
        if not self.fed:
            return SourceError(f"The file is empty. It must be a <{self._root}>.", code="empty_file")
        if self._depth:
            what = f"{what}, inside the <{self._record}> that begins at line {self._begun}"
        return SourceError(f"Line {line} is not XML as it should be: {what}.", code="bad_xml", line=line)

    def _refuse(self, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        message = f"Line {line} has a DOCTYPE, which is not taken: leave it out, and all entities with it."
        raise SourceError(message, code="doctype", line=line)

    def _start(self, tag: str, _: object) -> None:
        name = tag.rpartition(" ")[2]
        around = len(self._open)
        self._open.append(name)
        if self._depth:
            self._begin_inside(around)
        elif name == self._record and around <= 1:
            self._depth, self._begun = around + 1, self._parser.CurrentLineNumber
            self._cells, self._size = _Cells(), 0
        elif around or name != self._root:
            wanted = f"<{self._record}>" if around else f"<{self._root}> or a single <{self._record}>"
            line = self._parser.CurrentLineNumber
            message = f"Line {line} has <{name[:80]}> where only {wanted} may stand."
            raise SourceError(message, code="strange_element", line=line)

    def _begin_inside(self, around: int) -> None:
        if around - self._depth >= DEEPEST:
            line = self._parser.CurrentLineNumber
            message = f"Line {line} has more than {DEEPEST} elements inside one another."
            raise SourceError(message, code="bad_xml", line=line)
        self._text, self._is_leaf = [], True

    def _end(self, _: str) -> None:
        around = len(self._open) - 1
        if self._depth and around >= self._depth:
            if self._is_leaf:
                self._keep("/".join(self._open[self._depth :]), "".join(self._text))
            self._text, self._is_leaf = [], False
        elif self._depth:
            for path, values in self._again.items():
                self._cells[path] = JOIN.join([self._cells[path], *values])
            self._done.append((self._begun, self._cells))
            self._again, self._depth = {}, 0
        self._open.pop()

    def _keep(self, path: str, value: str) -> None:
        """Names count as texts do, and empty elements count too: a file can hold more of them than of anything else."""
        self._size += len(path) + ELEMENT_SIZE
        if self._size > ROW_LIMIT:
            self._too_long(self._begun)
        if path in self._cells:
            self._again.setdefault(path, []).append(value)
        else:
            self._cells[path] = value

    def _hear(self, text: str) -> None:
        if self._depth:
            self._size += len(text)
            if self._size > ROW_LIMIT:
                self._too_long(self._begun)
            if self._is_leaf:
                self._text.append(text)

    def _too_long(self, line: int) -> None:
        message = f"What begins at line {line} is longer than {ROW_LIMIT // 1024**2} MiB, the limit for one record."
        raise SourceError(message, code="row_over_limit", line=line)
