"""How texts for people write whole numbers, in messages as on pages; the JSON API has plain numbers."""

from __future__ import annotations

NARROW_SPACE = "\u202f"


def grouped(number: int) -> str:
    """Thousands apart: 12 000."""
    return f"{number:,}".replace(",", NARROW_SPACE)


def counted(number: int, what: str) -> str:
    """What is counted, in the singular: 12 000 rows, 1 row."""
    return f"{grouped(number)} {what}{'' if number == 1 else 's'}"
