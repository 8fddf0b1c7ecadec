"""The currencies that prices, orders and settings may name: the codes of ISO 4217 in force."""

from __future__ import annotations

from iso4217 import Currency

CODES = frozenset(currency.code for currency in Currency)


def fault(text: str) -> str | None:
    """What is wrong with a code, and what is right, for a person."""
    if text in CODES:
        return None
    shown = repr(text) if len(text) <= 20 else f"{text[:20]!r}…"
    return f"{shown} is not a currency of ISO 4217. Give a code in force in three capital letters, such as EUR."
