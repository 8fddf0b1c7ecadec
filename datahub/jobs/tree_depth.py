"""How deep the records of a file lie below each other, so that parents can be written first."""

from __future__ import annotations

from collections.abc import Mapping


def depths_and_cycles(parents: Mapping[str, str]) -> tuple[dict[str, int], set[str]]:
    """The number of ancestors within the file by key; those that are their own ancestor are in the set instead.

    What hangs below a cycle counts its ancestors down to it."""
    depths: dict[str, int] = {}
    cyclic: set[str] = set()
    for start in parents:
        path: list[str] = []
        seen: set[str] = set()
        key = start
        while key in parents and key not in depths and key not in cyclic and key not in seen:
            seen.add(key)
            path.append(key)
            key = parents[key]
        if key in seen:
            circle = path.index(key)
            cyclic.update(path[circle:])
            path = path[:circle]
        depth = depths.get(key, 0) if key in parents and key not in cyclic else -1
        for child in reversed(path):
            depth += 1
            depths[child] = depth
    return depths, cyclic
