"""CSV as partners send it: read whole and as it stands, or refused with the place and the reason."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datahub.errors import ConfigError, SourceError
from datahub.formats import text_file
from datahub.formats.delimited import Limits, Row, check_delimiter, guess_delimiter
from datahub.formats.text_file import BLOCK, ROW_LIMIT
from tests.delimited import open_delimited

UTF_8_MARK = b"\xef\xbb\xbf"
SMALL = Limits(max_rows=3, max_columns=4, max_cell=6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "offers.csv"


def read(path: Path, content: bytes | str, delimiter: str = ",", limits: Limits | None = None) -> list[Row]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_delimited(path, delimiter, limits or Limits()) as rows:
        return list(rows)


def header(path: Path, content: bytes | str, delimiter: str = ",") -> list[str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with open_delimited(path, delimiter, Limits()) as rows:
        return rows.header


def refusal(path: Path, content: bytes | str, delimiter: str = ",", limits: Limits | None = None) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(path, content, delimiter, limits)
    return caught.value


def faults(rows: list[Row]) -> list[tuple[int, str, str | None]]:
    return [(line, fault.code, fault.column) for line, _, fault in rows if fault]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_rows_come_with_their_lines_and_cells_as_they_stand(path: Path, delimiter: str) -> None:
    content = "id,name\n1, Bolt \n2,\n".replace(",", delimiter)
    assert read(path, content, delimiter) == [(2, ["1", " Bolt "], None), (3, ["2", ""], None)]


def test_names_of_the_header_are_trimmed(path: Path) -> None:
    assert header(path, ' id ,"name\t",a b\n') == ["id", "name", "a b"]


@pytest.mark.parametrize("mark", [b"", UTF_8_MARK])
def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_first_name(path: Path, mark: bytes) -> None:
    assert header(path, mark + 'id,größe\n"1",ü\n'.encode()) == ["id", "größe"]
    assert read(path, mark + b'"id","b"\n1,2\n') == [(2, ["1", "2"], None)]


@pytest.mark.parametrize("last", ["", "\n", "\r\n"])
def test_line_ends_may_be_mixed_and_the_last_may_be_missing(path: Path, last: str) -> None:
    rows = read(path, "a,b\r\n1,2\n3,4\r\n5,6\r7,8" + last)
    assert rows == [(2, ["1", "2"], None), (3, ["3", "4"], None), (4, ["5", "6"], None), (5, ["7", "8"], None)]


def test_a_row_with_line_breaks_in_quotes_has_the_line_it_begins_at(path: Path) -> None:
    rows = read(path, 'a,b\n"1\n2\r\n3",x\n4,"say ""hi"", now"\n')
    assert rows == [(2, ["1\n2\r\n3", "x"], None), (5, ["4", 'say "hi", now'], None)]


def test_other_separators_of_unicode_end_no_line(path: Path) -> None:
    cell = "a\x0bb\x0cc\x1cd\x85e\u2028f"
    assert read(path, f"a,b\n{cell},x\n1,2\n") == [(2, [cell, "x"], None), (3, ["1", "2"], None)]


def test_blank_lines_are_skipped_and_counted(path: Path) -> None:
    rows = read(path, "\n  \na,b\n\n1,2\n \t\n\r\n3,4\n\n")
    assert rows == [(5, ["1", "2"], None), (8, ["3", "4"], None)]


def test_lines_of_delimiters_alone_are_blank(path: Path) -> None:
    rows = read(path, 'a,b\n,\n1,2\n , \t\n,,,\n"",""\n,4\n')
    assert rows == [(3, ["1", "2"], None), (7, ["", "4"], None)]


def test_a_quoted_empty_cell_in_a_single_column_is_a_row(path: Path) -> None:
    rows = read(path, 'a\n""\n\n \n')
    assert rows == [(2, [""], None), (4, [" "], None)]
    assert read(path, 'a\n""\n\n \n\0\n')[:-1] == rows


@pytest.mark.parametrize("content", [b"", UTF_8_MARK, b"\n\r\n \n"])
def test_an_empty_file_is_refused(path: Path, content: bytes) -> None:
    error = refusal(path, content)
    assert error.code == "empty_file"
    assert "column names" in str(error)


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\r\n\r\n"])
def test_a_header_alone_gives_no_rows(path: Path, content: str) -> None:
    assert read(path, content) == []


def test_column_names_that_occur_twice_are_named(path: Path) -> None:
    error = refusal(path, "\nid,price, id,Id,price\n")
    assert (error.code, error.line) == ("duplicate_column", 2)
    assert '"id" (columns 1, 3), "price" (columns 2, 5).' in str(error)


def test_column_names_may_differ_in_case_only(path: Path) -> None:
    assert header(path, "id,Id\n") == ["id", "Id"]


@pytest.mark.parametrize(("content", "places"), [("a,,b\n", "2."), ("a,b,\n", "3."), ("a, ,\n", "2, 3.")])
def test_a_column_without_a_name_is_refused_with_its_place(path: Path, content: str, places: str) -> None:
    error = refusal(path, content)
    assert (error.code, error.line) == ("empty_column_name", 1)
    assert f"at column {places}" in str(error)


def test_many_faulty_names_make_no_endless_message(path: Path) -> None:
    assert "and 1989 more" in str(refusal(path, "a" + "," * 1999))
    assert len(str(refusal(path, ",".join(["x" * 1000] * 2000)))) < 300


def test_windows_1252_is_refused_with_line_offset_and_character(path: Path) -> None:
    error = refusal(path, "a,b\r\n1,2\r\n3,5 €\r\n".encode("cp1252"))
    assert (error.code, error.line) == ("undecodable", 3)
    assert "0x80, at byte offset 14 of" in str(error)
    assert "Windows-1252, where this byte is the character €. Save the file as UTF-8" in str(error)


def test_what_may_be_latin_1_is_called_so(path: Path) -> None:
    error = refusal(path, 'a,b\n"x\ny",é\n'.encode("latin-1"))
    assert error.line == 3
    assert "Windows-1252 or Latin-1, where this byte is the character é." in str(error)


def test_a_byte_of_no_known_encoding_is_refused_without_a_guess(path: Path) -> None:
    assert "could not be guessed" in str(refusal(path, b"a,b\n\x81,1\n"))


@pytest.mark.parametrize("rest", [b"\x14\x00\x06\x00\n\n\xac\x81", b"\x14\x00only,ascii"])
def test_an_excel_workbook_is_called_so_whatever_its_bytes(path: Path, rest: bytes) -> None:
    error = refusal(path, b"PK\x03\x04" + rest)
    assert (error.code, error.line) == ("undecodable", None)
    assert str(error).startswith("This is an Excel workbook or another zip file")
    assert "Save it as CSV (UTF-8)" in str(error)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_and_named(path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    error = refusal(path, (mark + "a,b\n1,2\n").encode(encoding))
    assert (error.code, error.line) == ("undecodable", 1)
    assert "UTF-16" in str(error)
    assert "UTF-8" in str(error)


@pytest.mark.parametrize("first", [BLOCK - 6, BLOCK - 5, BLOCK - 4, BLOCK, 3 * BLOCK + 1])
def test_the_place_of_a_bad_byte_counts_through_all_blocks(path: Path, first: int) -> None:
    good = UTF_8_MARK + b"a,b\r\n" + b"1,2\r\n" * (first // 5)
    error = refusal(path, good + b"\xc3\xa9,\xe9\r\n" + b"3,4\r\n" * 10)
    assert error.line == first // 5 + 2
    assert f"byte offset {len(good) + 3} of" in str(error)


@pytest.mark.parametrize("row", ['"x"y,1', '1,"2" ', '"x', '1,"x\n\n', '"x""'])
def test_quotes_that_do_not_match_fail_the_file_with_the_first_line_of_the_row(path: Path, row: str) -> None:
    error = refusal(path, f'a,b\n1,"2\n3"\n\n{row}\n')
    assert (error.code, error.line) == ("bad_quotes", 5)
    assert "begins at line 5" in str(error)


def test_bad_quotes_in_the_header_fail_the_file(path: Path) -> None:
    error = refusal(path, '\n"a"x,b\n1,2\n')
    assert (error.code, error.line) == ("bad_quotes", 2)


def test_rows_before_the_place_of_an_error_are_handed_out(path: Path) -> None:
    path.write_text('a,b\n1,2\n"3"x,4\n')
    with open_delimited(path, ",", Limits()) as rows:
        stream = iter(rows)
        assert next(stream) == (2, ["1", "2"], None)
        with pytest.raises(SourceError):
            next(stream)


def test_an_error_of_the_source_is_one_that_a_person_must_mend(path: Path) -> None:
    assert isinstance(refusal(path, b""), ConfigError)
    assert SourceError("Gone.").code == "unreadable_source"


def test_ragged_rows_are_faulty_and_the_rest_goes_on(path: Path) -> None:
    rows = read(path, "a,b\n1\n1,2\n1,2,3\n")
    assert faults(rows) == [(2, "too_few_cells", None), (4, "too_many_cells", None)]
    assert [cells for _, cells, _ in rows] == [["1"], ["1", "2"], ["1", "2", "3"]]
    assert "This row has 3 cells; the header has 2." in str(rows[2][2])


def test_a_cell_with_nul_is_faulty_and_named(path: Path) -> None:
    rows = read(path, "a,b\n1,2\n3,\0\n\0,4\n5,6\n")
    assert faults(rows) == [(3, "nul_character", "b"), (4, "nul_character", "a")]


def test_a_cell_over_the_limit_is_faulty_and_the_limit_is_named(path: Path) -> None:
    rows = read(path, 'a,b\n123456,üüüüüü\n1,1234567\n"1\n3\n5\n7",1\n', limits=SMALL)
    assert faults(rows) == [(3, "cell_over_limit", "b"), (4, "cell_over_limit", "a")]
    assert "7 characters; at most 6 are allowed (MAX_CELL). Shorten it" in str(rows[1][2])


def test_a_cell_of_five_megabytes_costs_its_row_only(path: Path) -> None:
    rows = read(path, f"a,b\n1,2\n3,{'x' * 5_000_000}\n4,5\n")
    assert faults(rows) == [(3, "cell_over_limit", "b")]
    assert len(rows) == 3


@pytest.mark.parametrize("before", [0, BLOCK - 20, BLOCK - 1])
def test_a_long_cell_of_many_short_lines_is_found_across_blocks(path: Path, before: int) -> None:
    limits = Limits(max_cell=3 * BLOCK)
    long = "y\n" * 2 * BLOCK
    rows = read(path, f'a,b\n"{"x" * before}",1\n2,"{long}"\n3,4\n', limits=limits)
    assert faults(rows) == [(3, "cell_over_limit", "b")]
    assert rows[2] == (2 * BLOCK + 4, ["3", "4"], None)


def test_faults_are_found_on_the_first_and_last_row_and_at_the_edges_of_blocks(path: Path) -> None:
    edges = [BLOCK // 8 * block + shift for block in range(1, 4) for shift in range(-3, 4)]
    bad = {2, *edges, 40_000}
    kinds = [b"\0bc,def", b"abcdefg", b"a,b,cde"]
    lines = [kinds[line % 3] if line in bad else b"abc,def" for line in range(2, 40_001)]
    rows = read(path, b"a23,b67\n" + b"\n".join(lines))
    codes = ["nul_character", "too_few_cells", "too_many_cells"]
    assert [fault[:2] for fault in faults(rows)] == [(line, codes[line % 3]) for line in sorted(bad)]
    assert [row[0] for row in rows] == list(range(2, 40_001))


@pytest.mark.parametrize("shift", range(4))
def test_a_line_end_of_two_bytes_may_lie_across_blocks(path: Path, shift: int) -> None:
    rows = read(path, b"a,b" + b"x" * shift + b"\r\n" + b"1,\r\n" * BLOCK)
    assert rows == [(line, ["1", ""], None) for line in range(2, BLOCK + 2)]


def test_more_rows_than_allowed_fail_the_file_and_the_limit_is_named(path: Path) -> None:
    content = "a,b\n1,2\n\n3\n4,5\n"
    assert len(read(path, content, limits=SMALL)) == 3
    error = refusal(path, content + "6,7\n", limits=SMALL)
    assert (error.code, error.line) == ("too_many_rows", 6)
    assert "3 rows (MAX_ROWS)" in str(error)


def test_more_columns_than_allowed_fail_the_file_and_the_limit_is_named(path: Path) -> None:
    names = ",".join(f"column{number}" for number in range(10_000))
    error = refusal(path, f"{names}\n{names}\n")
    assert (error.code, error.line) == ("too_many_columns", 1)
    assert "10\u202f000 columns; at most 2\u202f000 are read (MAX_COLUMNS). Take out columns" in str(error)
    assert len(read(path, f"{names}\n{names}\n", limits=Limits(max_columns=10_000))) == 1


def test_a_column_name_over_the_limit_fails_the_file(path: Path) -> None:
    error = refusal(path, "a,1234567\n", limits=SMALL)
    assert error.code == "cell_over_limit"
    assert "column 2 is longer than 6 characters (MAX_CELL)" in str(error)


def test_a_line_over_the_limit_of_a_row_fails_the_file_with_memory_bounded(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"a,b\n1,2\n3,")
        file.truncate(1_000_000_000)
    error, peak = refusal_and_peak(path)
    assert (error.code, error.line) == ("row_over_limit", 3)
    assert "16 MiB" in str(error)
    assert peak < 3 * ROW_LIMIT


def test_a_quote_that_is_never_closed_fails_a_large_file_with_memory_bounded(path: Path) -> None:
    path.write_bytes(b'a,b\n1,2\n3,"' + (b"4," + b"x" * 997 + b"\n") * (ROW_LIMIT // 500))
    error, peak = refusal_and_peak(path)
    assert (error.code, error.line) == ("row_over_limit", 3)
    assert "never closed" in str(error)
    assert peak < 9 * ROW_LIMIT


def refusal_and_peak(path: Path) -> tuple[SourceError, int]:
    tracemalloc.start()
    try:
        with pytest.raises(SourceError) as caught, open_delimited(path, ",", Limits()) as rows:
            for _ in rows:
                pass
        return caught.value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("row", [b"1,%s\n", b"1,%s\r", b'1,"two\r\nlines %s"\r\n'])
def test_memory_is_flat_while_a_large_file_is_read(path: Path, row: bytes) -> None:
    path.write_bytes(b"a,b\n" + row % (b"x" * 1000) * 20_000)
    tracemalloc.start()
    try:
        with open_delimited(path, ",", Limits()) as rows:
            assert sum(1 for _ in rows) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 20 * BLOCK
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("delimiter", "right"), [(",", ";"), (";", ",")])
@pytest.mark.parametrize("content", ["a,b\n1,2\n", '"a","b"\n"1","2"\n', 'a,"b"\n'])
def test_the_wrong_delimiter_is_refused_and_the_right_one_named(
    path: Path, delimiter: str, right: str, content: str
) -> None:
    error = refusal(path, content.replace(",", right), delimiter)
    assert error.code == "wrong_delimiter"
    assert f'Choose "{right}" as delimiter' in str(error)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_tabs_between_columns_are_named(path: Path, delimiter: str) -> None:
    error = refusal(path, "id\tname\n" if delimiter == "," else "id\tname, short\n", delimiter)
    assert error.code == "wrong_delimiter" and "tabs" in str(error)


def test_a_header_of_several_columns_may_hold_the_other_delimiter(path: Path) -> None:
    check_delimiter(["a;b", "c"], ",")
    check_delimiter(["a"], ",")
    assert header(path, "a;b,c\n") == ["a;b", "c"]


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\r\n1,5;2,5\r\n", ";"),
        ('"a";"b"\n"1;x";"2"\n', ";"),
        ("a;b", ";"),
        ('\na;b\n\n"1\n2";3\n', ";"),
        ("\ufeffa,b\n", ","),
        ("a\n1\n", None),
        ("a,b;c\n1,2;3\n", None),
        ("a,b\n1\n", None),
        ("", None),
        ('a,b\n"1,2\n', None),
        ("a,b\n" + "1,2\n" * 30 + "3\n", ","),
        ("a;b\n" + '"' + "x;\n" * BLOCK + '";2\n', ";"),
        ('a;b\n"' + "x;\n" * 10 * BLOCK, None),
    ],
)
def test_the_delimiter_is_guessed_only_where_one_alone_fits(path: Path, content: str, guess: str | None) -> None:
    path.write_text(content, newline="")
    with path.open("rb") as file:
        assert guess_delimiter(file) == guess


def test_no_delimiter_is_guessed_for_other_encodings(path: Path) -> None:
    path.write_text("a;b\n1;2\n", encoding="utf-16")
    with path.open("rb") as file:
        assert guess_delimiter(file) is None


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text('a",;\n\r\ufeff ')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)),
    st.sampled_from(",;"),
    st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r"), (csv.QUOTE_MINIMAL, "\r\n")]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.sampled_from([1, 2, 7, 64, BLOCK]),
)
def test_whatever_is_written_is_read_back_with_its_lines(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: list[list[str]],
    delimiter: str,
    style: tuple[Literal[0, 1], str],
    encoding: str,
    block: int,
) -> None:
    monkeypatch.setattr(text_file, "BLOCK", block)
    quoting, line_end = style
    names = [f"column {number}" for number in range(len(written[0]))]
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
        writer.writerows([names, *written])
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        ends = [reader.line_num for _ in reader]
    with open_delimited(path, delimiter, Limits()) as rows:
        assert rows.header == names
        kept = [(end, cells) for end, cells in zip(ends[:-1], written, strict=True) if any(map(str.strip, cells))]
        assert list(rows) == [(end + 1, cells, None) for end, cells in kept]
