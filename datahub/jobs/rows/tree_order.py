"""The order in which the rows of a tree are written: parents before their children, then what goes, deepest first.

It goes by the tree as it will be in the end: wherever chunks end, what becomes of a row is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, select

from datahub.entities.base import Field
from datahub.jobs.rows.plan import Plan
from datahub.jobs.rows.tree_cycles import OWN_ANCESTOR
from datahub.jobs.rows.tree_depth import Tree
from datahub.storage import Spool, is_ordered, rewritten

AT_A_TIME = 1000


def order(path: Path, plan: Plan, connection: Connection) -> None:
    """Once for each spool, whole or not at all; nobody else may have it open. What would be its own ancestor is
    rejected. A spool that was read again in the middle gets the order that the lost one had."""
    own = [item for item in plan.root.fields if item.refers_to and item.refers_to.model is plan.entity.model]
    if not own or is_ordered(path):
        return
    scratch = path.with_suffix(".tree")
    try:
        scratch.unlink(missing_ok=True)
        with rewritten(path) as spool, closing(Tree(scratch)) as tree:
            _order(spool, tree, plan, own[0], connection)
    finally:
        scratch.unlink(missing_ok=True)


def _order(spool: Spool, tree: Tree, plan: Plan, item: Field, connection: Connection) -> None:
    tree.say(_what_is_said(spool, plan, item))
    tree.store(_stored_parents(connection, plan, item))
    tree.measure()
    for key, parent in tree.take_back():
        fault = {"code": "cycle", "field": item.key, "value": parent[:200], "message": OWN_ANCESTOR}
        spool.reject(key, json.dumps([fault]))
    spool.set_depths(tree.places())


def _what_is_said(spool: Spool, plan: Plan, item: Field) -> Iterator[tuple[str, bool | None, str | None]]:
    place = plan.root.given.index(item) if item in plan.root.given else None
    for key, (remove, values, *_) in spool.each_value():
        yield key, remove, None if place is None else values[place]


def _stored_parents(connection: Connection, plan: Plan, item: Field) -> Iterator[tuple[str, str, bool]]:
    """With what is deleted: this very run may have done that."""
    target = plan.root
    child, parent = target.table.alias("child"), target.table.alias("parent")
    query = select(child.c[target.key.column], parent.c[target.key.column], child.c.deleted_at.is_(None))
    query = query.select_from(child.outerjoin(parent, parent.c.id == child.c[item.column])).where(target.within(child))
    with connection.begin():
        for key, above, is_live in connection.execute(query.execution_options(yield_per=AT_A_TIME)):
            yield key, above or "", is_live
