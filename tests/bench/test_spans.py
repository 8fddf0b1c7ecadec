"""The profile of bin/bench import knows the parts of an import by name."""

from __future__ import annotations

from bench.spans import SPANS


def test_each_part_that_is_timed_is_still_there() -> None:
    gone = [f"{owner.__name__}.{name}" for _, owner, names in SPANS for name in names if not hasattr(owner, name)]
    assert gone == []
