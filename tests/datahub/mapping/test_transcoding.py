"""Transcoding: exact after trimming, value by value where there are several, checked entry by entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.mapping.transcoding import MOST_ENTRIES, Transcoding, check, compile, distinct_values

FIELDS = {"status", "groups"}
TABLES = compile(
    [
        {"field": "status", "from": " 1 ", "to": " ACTIVE "},
        {"field": "status", "from": "n/a", "to": ""},
        {"field": " groups", "from": "adm", "to": "FOC_Admin"},
        {"field": "groups", "from": "all", "to": "FOC_Admin||FOC_User"},
        {"field": "groups", "from": "none"},
    ]
)
TRANSCODING = Transcoding(TABLES)
NO_FIELD, NO_VALUE = "Choose the field whose value is replaced.", "Give the value that is replaced, as the file has it."


def entry(field: str = "status", value: str = "1", to: str = "ACTIVE") -> dict[str, str]:
    return {"field": field, "from": value, "to": to}


def test_entries_become_a_table_per_field_with_everything_trimmed() -> None:
    assert TABLES == {
        "status": {"1": "ACTIVE", "n/a": ""},
        "groups": {"adm": "FOC_Admin", "all": "FOC_Admin||FOC_User", "none": ""},
    }


@pytest.mark.parametrize(
    ("field", "value", "becomes"),
    [
        ("status", "1", "ACTIVE"),
        ("status", " 1\t", "ACTIVE"),
        ("status", "n/a", ""),
        ("status", "N/A", "N/A"),
        ("status", "11", "11"),
        ("status", "", ""),
        ("status", "1||1", "1||1"),
        ("name", "1", "1"),
    ],
)
def test_a_value_is_looked_up_whole_and_in_its_case(field: str, value: str, becomes: str) -> None:
    assert TRANSCODING.transcode(field, value) == becomes


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("adm", "FOC_Admin"),
        (" adm || FOC_User ||ADM", "FOC_Admin|| FOC_User ||ADM"),
        ("all", "FOC_Admin||FOC_User"),
        ("none||adm", "||FOC_Admin"),
        ("none", ""),
    ],
)
def test_each_of_several_values_is_looked_up_by_itself(value: str, becomes: str) -> None:
    assert TRANSCODING.transcode("groups", value, multiple=True) == becomes


@given(st.text(), st.booleans())
def test_without_entries_every_value_stays(value: str, multiple: bool) -> None:
    assert Transcoding({}).transcode("status", value, multiple=multiple) == value
    assert Transcoding({"status": {"\0absent": ""}}).transcode("name", value, multiple=multiple) == value


def test_good_entries_have_no_faults() -> None:
    entries = [entry(), entry(value="2", to=""), entry(field="groups"), entry(value="a"), entry(value="A")]
    assert check(entries, FIELDS) == {}
    assert check([], FIELDS) == {}


def test_each_faulty_entry_is_named() -> None:
    faults = check([entry(field="colour"), entry(field=" "), entry(value="  "), entry(), {}, entry(field="")], FIELDS)
    assert faults == {
        "transcoding.0.field": ["There is no such field."],
        "transcoding.1.field": [NO_FIELD],
        "transcoding.2.from": [NO_VALUE],
        "transcoding.4.field": [NO_FIELD],
        "transcoding.4.from": [NO_VALUE],
        "transcoding.5.field": [NO_FIELD],
    }


def test_the_same_value_twice_for_one_field_is_a_fault() -> None:
    faults = check([entry(), entry(field="groups"), entry(field=" status", value="1 ", to="CLOSED")], FIELDS)
    assert faults == {"transcoding.2.from": ["'1' has an entry for status already."]}


def test_entries_are_limited() -> None:
    entries = [entry(value=str(number)) for number in range(MOST_ENTRIES)]
    assert check(entries, FIELDS) == {}
    assert check([*entries, entry(value="one more")], FIELDS) == {
        "transcoding": ["At most 10000 entries; this has 10001."]
    }


def test_distinct_values_come_most_frequent_first_then_as_they_appear() -> None:
    assert distinct_values(["b", "a", " a ", "", "  ", "c", "A"]) == [("a", 2), ("b", 1), ("c", 1), ("A", 1)]


def test_only_the_most_frequent_values_are_given() -> None:
    values = [str(number) for number in range(300)]
    assert len(distinct_values(values)) == 200
    assert distinct_values([*values, "7"], most=1) == [("7", 2)]


def test_values_of_a_list_are_counted_one_by_one() -> None:
    assert distinct_values(["a|| b", "b||", "c"], multiple=True) == [("b", 2), ("a", 1), ("c", 1)]
    assert distinct_values(["a||b"]) == [("a||b", 1)]
