"""The order in which the rows of a tree are written: parents before their children, then what goes, deepest first.

It goes by the tree as it will be in the end: wherever chunks end, what becomes of a row is the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Set
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from datahub.entities.base import Field
from datahub.jobs.import_plan import Plan
from datahub.jobs.tree_cycles import OWN_ANCESTOR
from datahub.jobs.tree_depth import depths_and_cycles
from datahub.storage import Spool

# Counted down from here, and not from the deepest, which may be gone already when a lost spool is read again.
DELETIONS = 1_000_000_000


@dataclass
class _Said:
    """Of the tree by the file. `parents` are "" for none; what goes has only the parent that is stored."""

    keys: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)


def order(path: Path, plan: Plan, connection: Connection) -> None:
    """Once for each spool, whole or not at all; nobody else may have it open. What would be its own ancestor is
    rejected. A spool that was read again in the middle gets the order that the lost one had."""
    own = [item for item in plan.root.fields if item.refers_to and item.refers_to.model is plan.entity.model]
    if not own or _is_ordered(path):
        return
    unfinished = path.with_suffix(".ordering")
    try:
        # A spool cannot be changed and survive a crash: a copy can.
        shutil.copy(path, unfinished)
        with closing(Spool(unfinished)) as spool:
            _order(spool, plan, own[0], connection)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _is_ordered(path: Path) -> bool:
    with closing(Spool(path)) as spool:
        return spool.is_ordered


def _order(spool: Spool, plan: Plan, item: Field, connection: Connection) -> None:
    said = _what_is_said(spool, plan, item)
    stored = _stored_parents(connection, plan, item, said.keys)
    depths, cyclic = depths_and_cycles(stored | said.parents)
    # Without the bad ones the tree is another: what is rejected stays where it is stored.
    while bad := {key: said.parents.pop(key) for key in cyclic if key in said.parents}:
        for key, parent in bad.items():
            fault = {"code": "cycle", "field": item.key, "value": parent[:200], "message": OWN_ANCESTOR}
            spool.reject(key, json.dumps([fault]))
        depths, cyclic = depths_and_cycles(stored | said.parents)
    places = ((DELETIONS - depths.get(key, 0) if key in said.leaving else depths.get(key, 0), key) for key in said.keys)
    spool.set_depths((depth, key) for depth, key in places if depth)


def _what_is_said(spool: Spool, plan: Plan, item: Field) -> _Said:
    """The last word counts."""
    said = _Said()
    place = plan.root.given.index(item) if item in plan.root.given else None
    for key, (remove, values, *_) in spool.each_value():
        said.keys.add(key)
        if remove is not None:
            (said.leaving.add if remove else said.leaving.discard)(key)
        if place is not None and values[place] is not None:
            said.parents[key] = values[place]
    for key in said.leaving:
        said.parents.pop(key, None)
    return said


def _stored_parents(connection: Connection, plan: Plan, item: Field, named: Set[str]) -> dict[str, str]:
    """Those of nothing are "". Of what the file names also where it is deleted: this very run may have done that."""
    target = plan.root
    child, parent = target.table.alias("child"), target.table.alias("parent")
    query = select(child.c[target.key.column], parent.c[target.key.column], child.c.deleted_at)
    query = query.select_from(child.outerjoin(parent, parent.c.id == child.c[item.column])).where(target.within(child))
    with connection.begin():
        rows = connection.execute(query)
        return {key: above or "" for key, above, deleted_at in rows if deleted_at is None or key in named}
