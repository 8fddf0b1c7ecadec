"""How deep records lie, and circles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from datahub.jobs.tree_depth import depths_and_cycles

KEYS = st.sampled_from("abcdefgh")


def test_parents_come_before_their_children_whatever_the_order_of_rows() -> None:
    assert depths_and_cycles({"c": "b", "b": "a", "a": ""}) == ({"a": 0, "b": 1, "c": 2}, set())


def test_a_circle_is_told_apart_from_what_hangs_below_it() -> None:
    depths, cyclic = depths_and_cycles({"a": "b", "b": "a", "below": "a", "self": "self"})
    assert (depths, cyclic) == ({"below": 0}, {"a", "b", "self"})


@given(st.dictionaries(KEYS, KEYS))
def test_every_record_is_either_below_its_parent_or_in_a_circle(parents: dict[str, str]) -> None:
    depths, cyclic = depths_and_cycles(parents)
    assert depths.keys() | cyclic == parents.keys() and not depths.keys() & cyclic
    assert all(depths[key] == depths.get(parent, -1) + 1 for key, parent in parents.items() if key in depths)
    assert all(parents[key] in cyclic for key in cyclic)
