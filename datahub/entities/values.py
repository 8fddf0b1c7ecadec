"""How given values become stored ones: one function per type of field. Their errors are words for a person."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from datahub import currencies
from datahub.entities.base import LONG_TEXT, Field, FieldType

WORDS = {"true": True, "false": False}
# What XML 1.0 cannot carry: exports and imports of partners would fail on it.
UNCARRIABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
A_COLOUR = re.compile(r"#([0-9A-Fa-f]{6})\|(\S.*)")
# As browsers have it, but with a dot in the domain.
AN_EMAIL = re.compile(
    r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])"
)
LEAST_OF_A_PASSWORD = 8
# Stands where a secret was.
HIDDEN = "••••••••"
A_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


def parse_text(field: Field, value: object) -> str | None:
    text = _trimmed(value)
    if len(text) > field.length:
        raise ValueError(f"At most {field.length} characters; this has {len(text)}.")
    return text or None


def parse_boolean(field: Field, value: object) -> bool | None:
    """Booleans, and the words true and false in any case."""
    if isinstance(value, bool):
        return value
    text = _trimmed(value)
    if text and text.lower() not in WORDS:
        raise ValueError("Must be TRUE or FALSE.")
    return WORDS.get(text.lower())


def parse_number(field: Field, value: object) -> Decimal | None:
    text = _digits(value) if isinstance(value, Decimal) else _trimmed(value)
    if not text:
        return None
    if not A_NUMBER.fullmatch(text):
        raise ValueError(
            "Must be a number such as 1234.50: a dot before the decimals, no sign between thousands, "
            "at most 12 digits before the dot and 6 after it."
        )
    number = Decimal(text)
    if field.least is not None and number < field.least:
        raise ValueError(f"Must be at least {field.least}.")
    if field.more_than is not None and number <= field.more_than:
        raise ValueError(f"Must be more than {field.more_than}.")
    return number


def parse_integer(field: Field, value: object) -> int | None:
    number = parse_number(field, value)
    if number is not None and number != number.to_integral_value():
        raise ValueError("Must be a whole number.")
    return None if number is None else int(number)


def parse_list(field: Field, value: object) -> list[str] | None:
    """A list of texts, or one text with `||` between the values. Repeated values count once."""
    return list(dict.fromkeys(text for text in parse_labels(field, value) or () if text)) or None


def parse_labels(field: Field, value: object) -> list[str] | None:
    """Each at its place, as labels pair across locales by position: repeats too, and "" where there is none."""
    values = value if isinstance(value, list) else _trimmed(value).split("||")
    labels = [parse_text(field, item) or "" for item in values]
    return labels if any(labels) else None


def parse_choice(field: Field, value: object) -> str | None:
    """One of the field's words, in any case."""
    text = _trimmed(value).upper()
    if text and text not in field.choices:
        raise ValueError(f"Must be one of {', '.join(field.choices)}.")
    return text or None


def parse_choices(field: Field, value: object) -> list[str] | None:
    """A list of the field's words, in any case."""
    words = {word.casefold(): word for word in field.choices}
    given = parse_list(field, value) or []
    if strange := [text for text in given if text.casefold() not in words]:
        raise ValueError(f"Must be of {', '.join(field.choices)}; {strange[0]} is not.")
    return list(dict.fromkeys(words[text.casefold()] for text in given)) or None


def parse_plain_id(field: Field, value: object) -> str | None:
    """Without white space and accents."""
    text = parse_text(field, value)
    letters = unicodedata.normalize("NFD", text or "")
    if any(letter.isspace() or unicodedata.combining(letter) for letter in letters):
        raise ValueError("May have neither spaces nor accents.")
    return text


def parse_email(field: Field, value: object) -> str | None:
    """In small letters: addresses that differ in case alone are the same."""
    text = parse_text(field, value)
    if text and not AN_EMAIL.fullmatch(text):
        raise ValueError("Must be an e-mail address such as ada@example.com, without accents.")
    return text.lower() if text else None


def parse_password(field: Field, value: object) -> str | None:
    """As it is given. The errors never tell it."""
    text = _trimmed(value)
    if text and not LEAST_OF_A_PASSWORD <= len(text) <= field.length:
        raise ValueError(f"Must have {LEAST_OF_A_PASSWORD} to {field.length} characters; this has {len(text)}.")
    kinds = (str.islower, str.isupper, str.isdecimal)
    if text and not all(any(map(is_of, text)) for is_of in kinds):
        raise ValueError("Must have a small letter, a capital letter and a digit.")
    return text or None


def parse_localised(field: Field, value: object) -> dict[str, str] | None:
    """A text per locale, as scripts give it; the columns of a file give one text each."""
    if not isinstance(value, dict):
        raise ValueError("Must be an object with a text per locale.")
    texts = {locale: parse_text(field, text) for locale, text in value.items()}
    return {locale: text for locale, text in texts.items() if text} or None


def parse_localised_list(field: Field, value: object) -> dict[str, list[str]] | None:
    """A list of labels per locale."""
    if not isinstance(value, dict):
        raise ValueError("Must be an object with a list of texts per locale.")
    lists = {locale: parse_labels(field, labels) for locale, labels in value.items()}
    return {locale: labels for locale, labels in lists.items() if labels} or None


def parse_unit(field: Field, value: object) -> str | None:
    """In its own case: m is not M. Which units there are depends on the unit type, so rules look at it."""
    return parse_text(field, value)


def parse_currency(field: Field, value: object) -> str | None:
    text = _trimmed(value).upper()
    if text and (fault := currencies.fault(text)):
        raise ValueError(fault)
    return text or None


def parse_price_ranges(field: Field, value: object) -> list[list[str]] | None:
    """`quantity:price` pairs joined by `||`, by rising quantity. Equal prices are stored alike, however written."""
    ranges = []
    text = _trimmed(value)
    for item in text.split("||") if text else []:
        quantity, separator, price = item.partition(":")
        if not separator:
            raise ValueError("Must read quantity:price||quantity:price, such as 10:4.50||100:4.20.")
        whole, money = parse_integer(field, quantity), parse_number(field, price)
        if whole is None or whole < 1 or money is None or money < 0:
            raise ValueError("Each range needs a quantity of at least 1 and a price of at least 0.")
        ranges.append([str(whole), plain_number(money)])
    quantities = [int(quantity) for quantity, _ in ranges]
    if quantities != sorted(set(quantities)):
        raise ValueError("The quantities must rise from range to range.")
    return ranges or None


def parse_custom_value(value: object) -> str | list[str] | None:
    """Text or a list of texts; numbers and booleans become text. None means that the stored value stays."""
    if isinstance(value, list):
        texts = (_scalar(item) for item in value)
        return [text for text in texts if text] or None
    return _scalar(value) or None


def _scalar(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _digits(value)
    text = _trimmed(value)
    if len(text) > LONG_TEXT:
        raise ValueError(f"At most {LONG_TEXT} characters; this has {len(text)}.")
    return text


def plain_number(value: Decimal) -> str:
    """Without zeros that say nothing: equal numbers are equal texts."""
    return f"{value.normalize() + 0:f}"


def _digits(value: Decimal) -> str:
    """Without an exponent, which a few bytes could make a million digits of."""
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise ValueError("This number is too large or too small.")
    return format(value, "f")


def _trimmed(value: object) -> str:
    """Whole numbers count as text: many systems send ids so."""
    if isinstance(value, str):
        # All that is printable can be carried, and is told so much faster.
        if not value.isprintable() and UNCARRIABLE.search(value):
            raise ValueError("Holds a control character that no XML file can carry.")
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("Must be text." if value is not None else "This field is required.")


TEXT = FieldType("TEXT", parse_text)
LOCALISED = FieldType("LOCALISED", parse_localised)
LOCALISED_LIST = FieldType("LOCALISED_LIST", parse_localised_list)
BOOLEAN = FieldType("BOOLEAN", parse_boolean)
NUMBER = FieldType("NUMBER", parse_number)
INTEGER = FieldType("INTEGER", parse_integer)
TEXT_LIST = FieldType("TEXT_LIST", parse_list)
CHOICE = FieldType("CHOICE", parse_choice)
CHOICES = FieldType("CHOICES", parse_choices)
PLAIN_ID = FieldType("PLAIN_ID", parse_plain_id)
EMAIL = FieldType("EMAIL", parse_email)
PASSWORD = FieldType("PASSWORD", parse_password, secret=True)
UNIT = FieldType("UNIT", parse_unit)
CURRENCY = FieldType("CURRENCY", parse_currency)
PRICE_RANGES = FieldType("PRICE_RANGES", parse_price_ranges)
# For parts that nothing takes away.
NEVER = Field("", "", "", BOOLEAN)
