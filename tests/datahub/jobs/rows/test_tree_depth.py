"""How deep records lie, and circles."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from datahub.jobs.rows.tree_depth import DELETIONS, Tree

KEYS = st.sampled_from("abcdefgh")
TREES = st.dictionaries(KEYS, st.sampled_from(["", *"abcdefgh"]))


@contextmanager
def tree(said: dict[str, str], stored: dict[str, str], *rows: tuple[str, bool | None, str | None]) -> Iterator[Tree]:
    with tempfile.TemporaryDirectory() as folder, closing(Tree(Path(folder) / "tree")) as made:
        made.say([*((key, None, parent) for key, parent in said.items()), *rows])
        made.store((key, parent, True) for key, parent in stored.items())
        made.measure()
        yield made


def test_parents_come_before_their_children_whatever_the_order_of_rows() -> None:
    with tree({"c": "b", "b": "a", "a": ""}, {}) as found:
        assert list(found.take_back()) == []
        assert sorted(found.places()) == [(1, "b"), (2, "c")]


def test_a_circle_is_told_apart_from_what_hangs_below_it() -> None:
    with tree({"a": "b", "b": "a", "below": "a", "lower": "below", "self": "self"}, {}) as found:
        assert list(found.take_back()) == [("a", "b"), ("b", "a"), ("self", "self")]
        assert list(found.places()) == [(1, "lower")]


def test_what_is_taken_back_lies_where_it_is_stored() -> None:
    with tree({"s": "t", "t": "s", "u": "s"}, {"s": "u", "t": "", "u": ""}) as found:
        assert list(found.take_back()) == [("s", "t"), ("t", "s"), ("u", "s")]
        assert list(found.places()) == [(1, "s")]


def test_the_last_word_of_a_file_counts_and_what_it_leaves_out_stays() -> None:
    rows = (("a", True, None), ("a", False, "b"), ("a", None, "c"), ("c", None, "d"), ("d", None, ""))
    with tree({}, {}, *rows) as found:
        assert sorted(found.places()) == [(1, "c"), (2, "a")]
    with tree({"a": ""}, {"a": "", "b": "a", "c": "b"}, ("c", None, None)) as found:
        assert list(found.places()) == [(2, "c")]


def test_what_goes_comes_last_and_deepest_first_by_where_it_is_stored() -> None:
    rows = (("a", True, "x"), ("b", True, ""), ("c", True, "a"))
    with tree({}, {"a": "", "b": "a", "c": "b"}, *rows) as found:
        assert list(found.take_back()) == []
        assert sorted(found.places()) == [(DELETIONS - 2, "c"), (DELETIONS - 1, "b"), (DELETIONS, "a")]


@given(TREES)
def test_every_record_is_below_its_parent_once_the_circles_are_taken_back(said: dict[str, str]) -> None:
    with tree(said, {}) as found:
        bad = {key for key, _ in found.take_back()}
        depths = dict.fromkeys(said, 0) | {key: depth for depth, key in found.places()}
    left = {key: parent for key, parent in said.items() if key not in bad}
    assert all(depths[key] == depths[parent] + 1 for key, parent in left.items() if parent in left)
    assert all(said[key] in bad for key in bad)


@given(TREES)
def test_no_way_up_comes_round_again(said: dict[str, str]) -> None:
    with tree(said, {}) as found:
        bad = {key for key, _ in found.take_back()}
    left = {key: parent for key, parent in said.items() if key not in bad}
    for start in left:
        key, steps = start, 0
        while key in left:
            key, steps = left[key], steps + 1
            assert steps <= len(left)
