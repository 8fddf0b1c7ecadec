"""XML of records as rows: paths, lines, what is refused, and memory that stays flat."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from datahub.errors import SourceError
from datahub.formats.delimited import Limits
from datahub.formats.elements import Elements
from sandbox.catalogue.xml_element import as_element

NAMES = ("Orders", "Order")


def parsed(text: str | bytes, *, is_cut: bool = False, **limits: int) -> Elements:
    content = text.encode() if isinstance(text, str) else text
    return Elements(io.BytesIO(content), *NAMES, Limits(**limits), is_cut=is_cut)


def rows(table: Elements) -> list[tuple[int, dict[str, str]]]:
    return [(line, dict(zip(table.header, cells, strict=True))) for line, cells, _ in table]


def test_each_record_is_a_row_with_its_line_and_its_elements_by_path() -> None:
    table = parsed(
        """\ufeff<?xml version="1.0" encoding="UTF-8"?>
<!-- from ERP -->
<erp:Orders xmlns:erp="http://erp.example" xmlns="http://djust.com/import/type">
  <Order><reference>A &amp; B</reference><status>SHIPPED</status></Order>
  <erp:Order>
    <erp:reference> C </erp:reference><parcel><url><![CDATA[<x>]]></url><url>2</url></parcel><note/>
  </erp:Order>
</erp:Orders>"""
    )
    assert table.header == ["reference", "status", "parcel/url", "note"]
    assert rows(table) == [
        (4, {"reference": "A & B", "status": "SHIPPED", "parcel/url": "", "note": ""}),
        (5, {"reference": " C ", "status": "", "parcel/url": "<x>||2", "note": ""}),
    ]
    assert table.bytes_read == table.characters_read > 0


def test_a_single_record_is_a_file_of_one_and_an_empty_file_has_none() -> None:
    assert rows(parsed("<Order><Order>1</Order></Order>")) == [(1, {"Order": "1"})]
    assert (parsed("<Orders/>").header, rows(parsed("<Orders/>"))) == ([], [])


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "empty_file", None),
        ("<Orders>\n<Order>\n<status>SHIP", "bad_xml", 3),
        ("<Orders>\n<Order></Orders>", "bad_xml", 2),
        ("<Orders>\n<Order/>\n", "bad_xml", 3),
        ("<Orders>\n<Ordre/></Orders>", "strange_element", 2),
        ("<Invoices/>", "strange_element", 1),
        ("<!DOCTYPE Orders [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n<Orders>&a;</Orders>", "doctype", 1),
        ("<Orders>\n<Order><a>&b;</a></Order></Orders>", "bad_xml", 2),
        ("<Orders>\n<Order>" + "<a>" * 40 + "</Order></Orders>", "bad_xml", 2),
        (b"<Orders>\n<Order><a>\xe9</a></Order></Orders>", "bad_xml", 2),
        (b"PK\x03\x04zip", "undecodable", None),
    ],
)
def test_what_cannot_be_trusted_fails_as_a_whole_with_its_line(text: str | bytes, code: str, line: int | None) -> None:
    with pytest.raises(SourceError) as caught:
        list(parsed(text))
    assert (caught.value.code, caught.value.line) == (code, line)


def test_limits_refuse_the_file_or_the_row() -> None:
    two = "<Orders>\n<Order><a>1</a></Order>\n<Order><b>22</b></Order></Orders>"
    for limits, code in (({"max_rows": 1}, "too_many_rows"), ({"max_columns": 1}, "too_many_columns")):
        with pytest.raises(SourceError) as caught:
            parsed(two, **limits)
        assert (caught.value.code, caught.value.line) == (code, 3)
    (_, _, first), (_, _, second) = parsed(two, max_cell=1)
    assert first is None and second is not None and (second.code, second.column) == ("cell_over_limit", "b")


def test_of_a_sample_that_is_cut_the_whole_records_are_read() -> None:
    text = "<Orders><Order><a>1</a></Order><Order><a>2</"
    assert [cells for _, cells, _ in parsed(text, is_cut=True)] == [["1"]]


class Endless(io.RawIOBase):
    """So many orders, made as they are read, or the end of nothing."""

    def __init__(self, orders: int, order: bytes) -> None:
        self._orders, self._order = orders, order
        self._left: Iterator[bytes] = iter(())
        self.seek(0)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._left = iter([b"<Orders>", *[self._order * 1000] * (self._orders // 1000), b"</Orders>"])
        return 0

    def tell(self) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        return next(self._left, b"")


def test_memory_stays_flat() -> None:
    tracemalloc.start()
    table = Elements(Endless(40_000, b"<Order><status>SHIPPED</status></Order>\n"), *NAMES, Limits())  # type: ignore[arg-type]
    assert sum(1 for _ in table) == 40_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize("order", [b"<Order><a>" + b"x" * 10_000, b"<Order " + b"x" * 10_000])
def test_one_record_that_never_ends_is_refused_before_it_fills_the_memory(order: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        parsed(b"<Orders>" + order + b"y" * (17 * 1024 * 1024))
    assert caught.value.code == "row_over_limit"


@pytest.mark.parametrize("is_cut", [True, False])
def test_names_and_empty_elements_fill_no_memory_either(is_cut: bool) -> None:
    around = [f"n{number}{'x' * 10_000}" for number in range(20)]
    leaves = "".join(f"<b{number}/>" for number in range(2_000))
    text = "".join(f"<{name}>" for name in around) + leaves + "".join(f"</{name}>" for name in reversed(around))
    tracemalloc.start()
    try:
        for inside in (text, "<a/>" * 400_000):
            with pytest.raises(SourceError) as refused:
                parsed(f"<Orders><Order>{inside}</Order></Orders>", is_cut=is_cut)
            assert refused.value.code == "row_over_limit"
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_row_that_is_written_is_read_again() -> None:
    cells = {"reference": "A & <B>", "parcel/url": "1||2", "parcel/by": "post", "note": "x\ny"}
    table = parsed(as_element("Order", [*cells.items(), ("empty", " ")]))
    assert rows(table) == [(1, cells)]
