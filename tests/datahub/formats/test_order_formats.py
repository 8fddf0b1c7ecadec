"""What XML and JSON do with single values."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from sqlalchemy.orm import Session

from datahub.errors import RenderError
from datahub.formats import FORMATS
from datahub.orders.snapshot import build_document
from tests.orders import add_parties, body_of_xml_example, make_order, parse


@pytest.fixture
def document(session: Session) -> dict[str, Any]:
    add_parties(session)
    return build_document(make_order(session, body_of_xml_example()))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("character", ["\0", "\x0b", "\ud800", "\uffff"], ids=ascii)
def test_text_that_xml_cannot_carry_is_refused_naming_the_field(
    document: dict[str, Any], name: str, character: str
) -> None:
    document["lines"][0]["orderLogisticLineProductDto"]["name"] = f"L20{character}"
    with pytest.raises(RenderError, match=r"^lines\.line\[0\]\.orderLogisticLineProductDto\.name holds .* U\+"):
        FORMATS[name].render(document)


@pytest.mark.parametrize("name", FORMATS)
def test_custom_value_that_xml_cannot_carry_is_refused_naming_the_field(document: dict[str, Any], name: str) -> None:
    document["customFieldValues"][3]["value"] = ["fine", "\0"]
    with pytest.raises(RenderError, match=r"^customFieldValues\.customField\[3\]\.listValue\.value\[1\] holds"):
        FORMATS[name].render(document)


def test_markup_and_line_breaks_in_text_come_back_as_they_were(document: dict[str, Any]) -> None:
    text = " <b>&amp;\"'\r\n\t]]> é 𝄞 "
    document["supplierSnapshot"]["name"] = text
    root = etree.fromstring(FORMATS["XML"].render(document))
    assert root.findtext("{*}supplierSnapshot/{*}name") == text
    assert parse(FORMATS["JSON"].render(document))["supplierSnapshot"]["name"] == text


@pytest.mark.parametrize("text", ["=1+1", "+33 1", "-5", "@shop", "\tx", "\rx", "'=1"], ids=ascii)
def test_what_a_spreadsheet_would_take_for_a_formula_goes_to_machines_unchanged(
    document: dict[str, Any], text: str
) -> None:
    document["supplierSnapshot"]["name"] = text
    document["lines"][0]["orderLogisticLineProductDto"]["name"] = text
    root = etree.fromstring(FORMATS["XML"].render(document))
    assert root.findtext("{*}supplierSnapshot/{*}name") == text
    assert root.findtext("{*}lines/{*}line/{*}orderLogisticLineProductDto/{*}name") == text
    sent = parse(FORMATS["JSON"].render(document))
    assert sent["supplierSnapshot"]["name"] == text
    assert sent["lines"]["line"][0]["orderLogisticLineProductDto"]["name"] == text


def test_null_is_left_out_of_xml_and_empty_text_is_an_empty_element(document: dict[str, Any]) -> None:
    document["billingAddressSnapshot"] |= {"label": None, "phone": ""}
    xml, json = FORMATS["XML"].render(document), FORMATS["JSON"].render(document)
    billing = etree.fromstring(xml).find("{*}billingAddressSnapshot")
    assert billing.find("{*}label") is None
    assert billing.findtext("{*}phone") == ""
    assert parse(json)["billingAddressSnapshot"]["label"] is None
    assert parse(json)["billingAddressSnapshot"]["phone"] == ""


@pytest.mark.parametrize(
    ("stored", "written"),
    [("117.450000", "117.45"), ("20", "20.0"), ("0.000001", "0.000001"), ("-3.10", "-3.1"), ("1E+3", "1000.0")],
)
def test_decimals_keep_one_decimal_and_no_needless_zero(document: dict[str, Any], stored: str, written: str) -> None:
    document["initialPrice"] = stored
    assert f"<initialPrice>{written}</initialPrice>".encode() in FORMATS["XML"].render(document)
    assert f'"initialPrice": {written},'.encode() in FORMATS["JSON"].render(document)


def test_snapshot_of_an_earlier_release_without_a_newer_key_is_still_written(document: dict[str, Any]) -> None:
    del document["leadTimeToShip"], document["initialPrice"], document["payments"]
    assert b"payments" not in FORMATS["XML"].render(document)
    assert parse(FORMATS["JSON"].render(document))["initialPrice"] is None


def test_formats_say_how_their_files_are_called() -> None:
    assert [(kind.name, kind.extension, kind.content_type) for kind in FORMATS.values()] == [
        ("XML", "xml", "application/xml"),
        ("JSON", "json", "application/json"),
    ]
