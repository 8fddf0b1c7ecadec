"""Why staged rows cannot be applied."""

from __future__ import annotations

from dataclasses import dataclass

from datahub.entities.base import Field

IN_USE, UNKNOWN_KEY = "in_use", "unknown_key"


@dataclass(frozen=True)
class Problem:
    """`key` is that of the row's record or part; the message is that of a broken rule."""

    sequence: int
    key: str
    code: str
    field: Field
    message: str = ""


def cannot_delete(what: str) -> str:
    return f"It cannot be deleted: {what} still refer to it."
