"""Names: what counts as the same, what a locale is, which of several names a column is closest to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahub.mapping.names import Names, Target, fold, locale_tag, split_brackets, split_locale

NAME = Target("name", "Supplier Name", localisable=True, spellings=("raisonSociale",))
STATUS = Target("status", "Status")
NAMES = Names([NAME, STATUS])


@pytest.mark.parametrize("name", ["Stock Id", "stockId", "STOCK_ID", " stock-id ", "stock\u00a0id", "s_t-o ck__Id"])
def test_case_spaces_underscores_and_hyphens_do_not_tell_names_apart(name: str) -> None:
    assert fold(name) == "stockid"


def test_letters_that_differ_in_case_only_are_the_same_in_any_language() -> None:
    assert fold("GRÖSSE") == fold("Größe")


def test_other_marks_do() -> None:
    assert fold("stock.id") != fold("stock id")
    assert fold("orderLines[].id") != fold("orderLines.id")


@given(st.text())
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("fr-FR", "fr-FR"),
        ("FR-fr", "fr-FR"),
        ("de", "de"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-1996", "de-1996"),
        ("sl-IT-nedis", "sl-IT-nedis"),
    ],
)
def test_language_tags_are_known_in_any_case(text: str, tag: str) -> None:
    assert locale_tag(text) == tag
    assert locale_tag(tag) == tag


@pytest.mark.parametrize(
    "text", ["fr_FR", "french", "f", "fr-", "-FR", "fr FR", "EUR/pc", "12", "", "\u017fv-SE", "fr-FR\n"]
)
def test_other_texts_are_not_language_tags(text: str) -> None:
    assert locale_tag(text) is None


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("name[fr-FR]", ("name", "fr-FR")),
        (" Product Names [ fr-fr ] ", ("Product Names", "fr-FR")),
        ("name", ("name", None)),
        ("name[fr_FR]", ("name[fr_FR]", None)),
        ("orderLines[]", ("orderLines[]", None)),
        ("orderLines[].variantName[de]", ("orderLines[].variantName", "de")),
        ("[fr-FR]", ("[fr-FR]", None)),
        ("[fr-FR] name", ("[fr-FR] name", None)),
    ],
)
def test_a_locale_stands_in_brackets_at_the_end(name: str, parts: tuple[str, str | None]) -> None:
    assert split_locale(name) == parts


def test_brackets_are_split_off_whatever_they_hold() -> None:
    assert split_brackets("name[fr_FR]") == ("name", "fr_FR")


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ("name", (NAME, None, 0)),
        ("Supplier Name", (NAME, None, 1)),
        ("SUPPLIER_NAME", (NAME, None, 2)),
        ("Name", (NAME, None, 2)),
        ("name[fr-FR]", (NAME, "fr-FR", 0)),
        ("Supplier Name [FR-fr]", (NAME, "fr-FR", 1)),
        ("supplier-name[de]", (NAME, "de", 2)),
        ("name[fr_FR]", None),
        ("status[fr-FR]", None),
        ("Raison-Sociale [de]", (NAME, "de", 2)),
        ("raison.sociale", None),
        ("surname", None),
        ("", None),
    ],
)
def test_a_column_stands_for_a_field_by_key_label_or_fold(column: str, found: tuple[object, ...] | None) -> None:
    assert NAMES.find(column) == found


def test_a_name_that_is_a_key_and_a_label_means_the_key() -> None:
    by_key, by_label = Target("name", "Other"), Target("title", "name")
    for targets in ([by_key, by_label], [by_label, by_key]):
        for column in ("name", "NAME"):
            found = Names(targets).find(column)
            assert found is not None
            assert found.target is by_key


def test_a_name_as_written_goes_before_a_folded_one() -> None:
    found = Names([Target("name", "Other"), Target("title", "Name")]).find("Name")
    assert found is not None
    assert found.target.key == "title"
