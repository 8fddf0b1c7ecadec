"""A worker that is killed at a named place, for tests that stay in one process."""

from __future__ import annotations

from collections.abc import Callable


class Killed(BaseException):
    """No handler of the product catches it."""


def die(*_: object) -> None:
    raise Killed


def at(place: str, act: Callable[[], None]) -> Callable[[str], None]:
    """Stands in for `crash_points.reach`."""
    return lambda reached: act() if reached == place else None
