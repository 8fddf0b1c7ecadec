"""Names of order files: the three patterns, and safety for any reference."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.errors import RenderError
from datahub.formats.file_names import file_name

AT = datetime(2024, 6, 4, 10, 30, tzinfo=UTC)
HOSTILE = [
    "../../etc/passwd",
    "a/b",
    ".",
    "..",
    "x" * 300,
    "é" * 150,
    "a\nb",
    "a\0b",
    ".hidden",
    "\x1b[2J",
    "a\\b",
    "c:d",
]

references = st.text(min_size=1) | st.sampled_from(HOSTILE) | st.from_regex(r"[A-Za-z0-9_.~/-]{1,12}", fullmatch=True)
ids = st.none() | st.text() | st.from_regex(r"[A-Za-z0-9_~-]{1,12}", fullmatch=True)


def name(reference: str | None, supplier: str | None = "123", **changes: Any) -> str:
    document = {"reference": reference, "supplierSnapshot": {"externalId": supplier}}
    settings: dict[str, Any] = {
        "job_format": "STANDARD",
        "extension": "json",
        "prefix": "DJUST",
        "multi_store": False,
        "at": AT,
        "store_external_id": "default_store",
    }
    return file_name(document, **settings | changes)


def test_short_name_is_the_reference() -> None:
    assert name("172-189-1896838-1", job_format="SHORT", extension="xml") == "172-189-1896838-1.xml"


def test_long_name_holds_supplier_and_time() -> None:
    assert name("172-189-1896838-1") == "DJUST_172-189-1896838-1_123_20240604T103000_orders.json"


def test_long_name_holds_the_store_where_there_are_several() -> None:
    expected = "HUB_172-189-1896838-1_123_default_store_20240604T103000_orders.json"
    assert name("172-189-1896838-1", multi_store=True, prefix="HUB") == expected


def test_time_of_the_name_is_utc() -> None:
    assert "_20240604T103000_" in name("1", at=AT.astimezone(timezone(timedelta(hours=5))))


@pytest.mark.parametrize("supplier", [None, ""])
def test_missing_supplier_id_is_na(supplier: str | None) -> None:
    assert name("172-1", supplier) == "DJUST_172-1_NA_20240604T103000_orders.json"


@pytest.mark.parametrize("reference", [None, ""])
@pytest.mark.parametrize("job_format", ["SHORT", "STANDARD"])
def test_order_without_reference_is_refused(reference: str | None, job_format: str) -> None:
    with pytest.raises(RenderError, match="no reference"):
        name(reference, job_format=job_format)


@pytest.mark.parametrize("reference", ["172-189-1896838-1", "ORD_1", "v1.2", "A", "x" * 140, "7"])
def test_ordinary_reference_is_kept_in_the_short_name(reference: str) -> None:
    assert name(reference, job_format="SHORT") == f"{reference}.json"


@pytest.mark.parametrize("reference", ["con", "NUL", "com1.x"])
def test_name_of_a_windows_device_is_changed(reference: str) -> None:
    assert "~" in name(reference, job_format="SHORT")


def test_an_underscore_in_a_reference_is_kept() -> None:
    assert name("A_1", "B") == "DJUST_A_1_B_20240604T103000_orders.json"


def is_one_safe_part(text: str) -> bool:
    inside = PurePosixPath(text).name == text and PureWindowsPath(text).name == text
    return inside and len(text.encode()) <= 200 and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._~-]*", text) is not None


@pytest.mark.parametrize("job_format", ["SHORT", "STANDARD"])
def test_hostile_references_get_safe_and_distinct_names(job_format: str) -> None:
    names = [name(reference, job_format=job_format) for reference in HOSTILE]
    assert all(is_one_safe_part(text) for text in names)
    assert len(set(names)) == len(HOSTILE)


@given(references, ids, st.text(min_size=1), st.booleans(), st.sampled_from(["SHORT", "STANDARD"]))
def test_any_name_is_one_safe_part_of_a_path(
    reference: str, supplier: str | None, store: str, multi_store: bool, job_format: str
) -> None:
    assert is_one_safe_part(
        name(reference, supplier, store_external_id=store, multi_store=multi_store, job_format=job_format)
    )


@given(references, references, ids, ids, st.booleans(), st.sampled_from(["SHORT", "STANDARD"]))
def test_different_references_never_share_a_name(
    first: str, second: str, one: str | None, other: str | None, multi_store: bool, job_format: str
) -> None:
    changes = {"multi_store": multi_store, "job_format": job_format}
    assert (name(first, one, **changes) == name(second, other, **changes)) <= (first == second)


@given(
    st.text("ab_~/", min_size=1, max_size=5), st.text("ab_~/", min_size=1, max_size=5), st.text("ab_~"), st.text("ab_~")
)
def test_similar_references_never_share_a_name(first: str, second: str, one: str, other: str) -> None:
    assert (name(first, one) == name(second, other)) <= (first == second)
