"""What becomes of the rows of a tree does not depend on where chunks end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, aliased, sessionmaker

from datahub.jobs.rows import tree_order
from datahub.jobs.rows.plan import Plan
from datahub.models.catalogue import Category
from datahub.models.change import Change
from datahub.storage import Spool
from tests.importer import Importer, category, causes, counts

Sessions = sessionmaker[Session]
TREE = "CLASSIFICATION_CATEGORY"
PARENT = "classificationParentExternalId"
each_chunk = pytest.mark.parametrize("chunk_rows", [1, 2, 1000])


def gone(key: str, **more: str) -> dict[str, str]:
    return {"classificationExternalId": key, "deleted": "TRUE"} | more


def tree(sessions: Sessions) -> dict[str, str | None]:
    """Parents by key, of what is there."""
    parent = aliased(Category)
    query = select(Category.external_id, parent.external_id).outerjoin(parent, parent.id == Category.parent_id)
    with sessions() as session:
        return {row[0]: row[1] for row in session.execute(query.where(Category.deleted_at.is_(None)))}


@each_chunk
def test_a_tree_goes_from_its_deepest_branches_up(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load(TREE, category("A"), category("M", "A"), category("C", "M"), category("Z", "A"))

    rows = (gone("A"), gone("C"), gone("M"), gone("Z"))
    assert counts(load(TREE, *rows, chunk_rows=chunk_rows)) == {"deleted": 4}
    assert tree(sessions) == {}


def test_a_tree_of_more_rows_than_a_chunk_goes(load: Importer, sessions: Sessions) -> None:
    keys = [f"k{number:03}" for number in range(300)]
    load(TREE, category("A"), *(category(key, "A") for key in keys))

    assert counts(load(TREE, gone("A"), *map(gone, keys), chunk_rows=100)) == {"deleted": 301}
    assert tree(sessions) == {}


@each_chunk
def test_what_goes_is_as_deep_as_the_file_leaves_it(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load(TREE, category("A"), category("B"), category("Z", "B"))

    # Where it would have been itself is of no interest.
    outcome = load(TREE, gone("B", **{PARENT: "Z"}), category("Z", "A"), chunk_rows=chunk_rows)
    assert counts(outcome) == {"updated": 1, "deleted": 1}
    assert tree(sessions) == {"A": None, "Z": "A"}


@each_chunk
def test_a_parent_moves_under_what_was_stored_below_it(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load(TREE, category("A"), category("B", "A"), category("C", "B"))

    assert counts(load(TREE, category("A", "C"), category("B"), chunk_rows=chunk_rows)) == {"updated": 2}
    assert tree(sessions) == {"A": "C", "B": None, "C": "B"}


@each_chunk
def test_only_the_last_word_makes_a_parent_go(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    rows = (category("P", deleted="TRUE"), category("P", deleted="FALSE"), category("K", "P"))
    assert counts(load(TREE, *rows, chunk_rows=chunk_rows))["created"] == 2
    assert tree(sessions) == {"P": None, "K": "P"}


@each_chunk
def test_a_cycle_by_way_of_what_is_stored_costs_each_move(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load(TREE, category("A"), category("B", "A"), category("C"), category("D", "C"))

    outcome = load(TREE, category("A", "D"), category("C", "B"), category("E", "B"), chunk_rows=chunk_rows)
    assert sorted(causes(outcome)) == [(2, "cycle", PARENT), (3, "cycle", PARENT)]
    assert tree(sessions) == {"A": None, "B": "A", "C": None, "D": "C", "E": "B"}


@each_chunk
def test_what_is_rejected_for_a_cycle_stays_where_it_is_stored(
    load: Importer, sessions: Sessions, chunk_rows: int
) -> None:
    load(TREE, category("U"), category("S", "U"), category("T"))

    outcome = load(TREE, category("S", "T"), category("T", "S"), category("U", "S"), chunk_rows=chunk_rows)
    assert sorted(causes(outcome)) == [(2, "cycle", PARENT), (3, "cycle", PARENT), (4, "cycle", PARENT)]
    assert tree(sessions) == {"S": "U", "T": None, "U": None}


def test_a_spool_that_is_read_again_in_the_middle_has_the_order_of_the_lost_one(
    load: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (gone("A"), gone("Z"), category("C", "B"), category("B"))
    load(TREE, category("A"), category("Z", "A"), category("B", "A"), category("C"))
    orders: list[list[tuple[int, str]]] = []

    def note(path: Path, plan: Plan, connection: Connection) -> None:
        order(path, plan, connection)
        with closing(Spool(path)) as spool:
            assert spool.is_ordered
            after: tuple[int, str] | None = None
            orders.append([])
            while found := spool.chunk(after, 1):
                after = (found[-1].depth, found[-1].key)
                orders[-1].append(after)

    order = tree_order.order
    monkeypatch.setattr(tree_order, "order", note)
    load(TREE, *rows)
    load(TREE, *rows)
    assert orders[0] == orders[1]
    assert [key for _, key in orders[0]] == ["B", "C", "Z", "A"]


def test_a_crash_meanwhile_leaves_the_spool_as_it_was(
    load: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(spool: Spool, depths: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "set_depths", crash)
        with pytest.raises(MemoryError):
            load(TREE, category("A", "B"), category("B", "A"))
    with closing(Spool(tmp_path / "rows.spool")) as spool:
        assert not spool.is_ordered
        assert [row.faults for row in spool.chunk(None, 9)] == ["", ""]
    assert list(tmp_path.glob("*.ordering")) == []


def test_the_history_of_a_move_to_the_top_names_no_parent(load: Importer, sessions: Sessions) -> None:
    load(TREE, category("A"), category("B", "A"))
    load(TREE, category("B"))
    load(TREE, category("B", "A"))
    with sessions() as session:
        moves = session.scalars(select(Change.changes).where(Change.action == "updated").order_by(Change.id)).all()
    assert [it[PARENT] for it in moves if it] == [["A", None], [None, "A"]]


@each_chunk
def test_a_cycle_that_others_made_possible_after_the_file_was_looked_through_is_found_too(
    load: Importer, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    load(TREE, category("A"), category("B"), category("C"), category("D", "C"))
    order = tree_order.order

    def then_move(path: Path, plan: Plan, connection: Connection) -> None:
        order(path, plan, connection)
        with sessions.begin() as session:
            a, b, c = (session.scalar(select(Category).where(Category.external_id == key)) for key in "ABC")
            assert a and b and c
            b.parent_id, c.parent_id = a.id, b.id

    monkeypatch.setattr(tree_order, "order", then_move)
    outcome = load(TREE, category("A", "D"), category("E", "D"), chunk_rows=chunk_rows)
    assert (counts(outcome), causes(outcome)) == ({"created": 1, "rejected": 1}, [(2, "cycle", PARENT)])
    assert tree(sessions) == {"A": None, "B": "A", "C": "B", "D": "C", "E": "D"}
