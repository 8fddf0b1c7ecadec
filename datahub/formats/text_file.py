"""A file of UTF-8 text as blocks of whole lines, flat in memory. What stands in the lines is not known here."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from datahub.errors import SourceError

BLOCK = 64 * 1024
# In bytes. No longer row is held in memory: what looks like one is nearly always a quote that nobody closed.
ROW_LIMIT = 16 * 1024 * 1024
ZIP_MARK = b"PK\x03\x04"


def read_text(file: BinaryIO) -> Iterator[str]:
    """Line ends stay as they are: LF, CR LF or CR. A byte order mark of UTF-8 is left out.

    Raises SourceError for a zip file, for bytes that are not UTF-8 and for a line longer than ROW_LIMIT."""
    offset = 0
    for line, block in _whole_lines(file):
        if offset == 0 and block.startswith(ZIP_MARK):
            message = (
                "This is an Excel workbook or another zip file, not text. Save it as CSV (UTF-8) and send it again."
            )
            raise SourceError(message, code="undecodable")
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise _undecodable(block, error.start, offset, line) from error
        yield text.removeprefix("\ufeff") if offset == 0 else text
        offset += len(block)


def _whole_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Blocks with the number of their first line."""
    held: list[bytes] = []
    line = 1
    while data := file.read(BLOCK):
        # A CR that ends the data may be half of a CR LF, so nothing is cut behind it.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
        if end:
            block = b"".join([*held, data[:end]])
            yield line, block
            line += _line_ends(block)
            held = []
        held.append(data[end:])
        if len(held) > ROW_LIMIT // BLOCK:
            message = f"Line {line} is longer than {ROW_LIMIT // 1024**2} MiB, the limit for one row."
            raise SourceError(message, code="row_over_limit", line=line)
    if rest := b"".join(held):
        yield line, rest


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _undecodable(block: bytes, start: int, offset: int, line: int) -> SourceError:
    line += _line_ends(block[:start])
    likely = _likely_encoding(block[start], block if offset == 0 else b"")
    return SourceError(
        f"Line {line} is not UTF-8: it holds the byte 0x{block[start]:02X}, at byte offset {offset + start} of the "
        f"file. {likely} Save the file as UTF-8 and send it again.",
        code="undecodable",
        line=line,
    )


def _likely_encoding(byte: int, start_of_file: bytes) -> str:
    if start_of_file.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "The file begins with the mark of UTF-16."
    try:
        character = bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return "Its encoding could not be guessed."
    # Latin-1 has only control characters below 0xA0.
    names = "Windows-1252" if byte < 0xA0 else "Windows-1252 or Latin-1"
    return f"The file is probably {names}, where this byte is the character {character}."
