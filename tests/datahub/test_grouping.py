"""Numbers in texts for people."""

from __future__ import annotations

import pytest

from datahub.grouping import counted


@pytest.mark.parametrize(("number", "words"), [(0, "0 rows"), (1, "1 row"), (12_000, "12\u202f000 rows")])
def test_one_alone_is_in_the_singular(number: int, words: str) -> None:
    assert counted(number, "row") == words
