"""The pages beside one of a list by key, for `ui.pager`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request

from datahub.paging import Page


def asked() -> dict[str, str]:
    """Which page the request is for; empty for the first."""
    return {name: key for name in ("before", "after") if (key := request.args.get(name))}


def neighbours(page: Page[Any], address: Callable[..., str]) -> dict[str, str]:
    """Empty where there is none. `address` makes that of the list from parameters."""
    return {
        "previous_url": address(**page.previous) if page.previous else "",
        "next_url": address(**page.following) if page.following else "",
    }
