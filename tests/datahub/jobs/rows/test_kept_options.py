"""Labels of options pair across locales by position, whatever a row gives or leaves out; units change with a word."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.catalogue import Attribute, Product
from tests.importer import Importer, category, causes, counts, product

Sessions = sessionmaker[Session]
FRENCH = "attributeValues[fr-FR]"


def sizes(main: str = "", french: str = "", kind: str = "LIST_TEXT") -> dict[str, str]:
    row = {"attributeExternalId": "size", "attributeNames": "Size", "attributeType": kind, "attributeValues": main}
    return row | {FRENCH: french}


def options(sessions: Sessions) -> dict[str, list[str]]:
    with sessions() as session:
        return session.scalars(select(Attribute)).one().options


def use(load: Importer, label: str, column: str = "attribute-size", key: str = "P-1") -> None:
    load("CLASSIFICATION_CATEGORY", category("TOOLS", attrCode="size"))
    assert counts(load("PRODUCT", product(key, f"V-{key}") | {column: label})) == {"created": 1}


def test_an_option_without_a_translation_keeps_its_place(load: Importer, sessions: Sessions) -> None:
    row = sizes("S||M||L||XL", "P||||G||TG")
    assert counts(load("ATTRIBUTE", row)) == {"created": 1}
    assert options(sessions) == {"en-GB": ["S", "M", "L", "XL"], "fr-FR": ["P", "", "G", "TG"]}
    assert counts(load("ATTRIBUTE", row)) == {"unchanged": 1}
    use(load, "TG", "attribute-size[fr-FR]")
    with sessions() as session:
        assert session.scalars(select(Product.attributes)).one() == {"size": ["XL"]}


@pytest.mark.parametrize(
    ("kind", "main", "french", "label", "stored"),
    [
        ("LIST_METRIC", "10||20||30", "10||||30", "30", "30"),
        ("LIST_COLOR", "#000000|Black||#FFFFFF|White", "||#FFFFFF|Blanc", "#ffffff|Blanc", "#FFFFFF|White"),
    ],
)
def test_numbers_and_colours_may_lack_a_label_too(
    load: Importer, sessions: Sessions, kind: str, main: str, french: str, label: str, stored: str
) -> None:
    unit = {"attributeUnitType": "LENGTH_METRIC", "attributeUnit": "cm"}
    load("ATTRIBUTE", sizes(main, french, kind) | (unit if kind == "LIST_METRIC" else {}))
    use(load, label, "attribute-size[fr-FR]")
    with sessions() as session:
        assert session.scalars(select(Product.attributes)).one() == {"size": [stored]}


def test_empty_and_repeated_options_go_with_their_translations(load: Importer, sessions: Sessions) -> None:
    load("ATTRIBUTE", sizes("S||||M||S||L", "P||rien||M||P2||G"))
    assert options(sessions) == {"en-GB": ["S", "M", "L"], "fr-FR": ["P", "M", "G"]}


def test_more_translations_than_options_cost_the_row(load: Importer, sessions: Sessions) -> None:
    assert causes(load("ATTRIBUTE", sizes("S||M", "P||M||G"))) == [(2, "unpaired_option", "attributeValues")]
    load("ATTRIBUTE", sizes("S||M", "P||M||||"))
    assert options(sessions) == {"en-GB": ["S", "M"], "fr-FR": ["P", "M"]}
    outcome = load("ATTRIBUTE", sizes("", "P||M||G"))
    assert causes(outcome) == [(2, "unpaired_option", "attributeValues")], "the stored options count"
    assert "there are 2" in outcome.rejected[0][1][0]["message"]


def test_stored_translations_go_along_with_the_options_that_they_are_of(load: Importer, sessions: Sessions) -> None:
    load("ATTRIBUTE", sizes("Red||Blue||Green", "Rouge||Bleu||Vert"))
    row = sizes("Green||Black||Red")
    assert counts(load("ATTRIBUTE", row)) == {"updated": 1}
    assert options(sessions) == {"en-GB": ["Green", "Black", "Red"], "fr-FR": ["Vert", "", "Rouge"]}
    assert counts(load("ATTRIBUTE", row)) == {"unchanged": 1}


@pytest.mark.parametrize(
    ("french", "then"),
    [("", ["", "Vert", "Rouge"]), ("Noir", ["Noir", "", "Rouge"]), ("Noir||Sapin", ["Noir", "Sapin", "Rouge"])],
)
def test_an_option_in_use_stays_with_its_translation(
    load: Importer, sessions: Sessions, french: str, then: list[str]
) -> None:
    load("ATTRIBUTE", sizes("Red||Blue||Green", "Rouge||Bleu||Vert"))
    use(load, "Rouge", "attribute-size[fr-FR]")
    outcome = load("ATTRIBUTE", sizes("Black||Green", french))
    assert [warned.code for warned in outcome.warnings] == ["option_in_use"]
    assert options(sessions) == {"en-GB": ["Black", "Green", "Red"], "fr-FR": then}


@pytest.mark.parametrize("is_held", [True, False])
def test_a_new_unit_of_numbers_that_products_hold_is_warned_of(load: Importer, is_held: bool) -> None:
    row = sizes(kind="METRIC") | {"attributeUnitType": "LENGTH_METRIC"}
    load("ATTRIBUTE", row | {"attributeUnit": "m"})
    if is_held:
        use(load, "5")
    assert load("ATTRIBUTE", row | {"attributeUnit": "m"}).warnings == []
    outcome = load("ATTRIBUTE", row | {"attributeUnit": "cm"}, row | {"attributeExternalId": "bad"})
    assert counts(outcome) == {"updated": 1, "rejected": 1}
    told = [(warned.row.line, warned.code, warned.field) for warned in outcome.warnings]
    assert told == ([(2, "unit_changed", "attributeUnit")] if is_held else [])
