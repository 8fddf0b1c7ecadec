"""What the preview foretells of a file is what a run then does, also where the one part of it waits for the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from datahub.jobs.import_forecast import Reading
from datahub.models.party import DEFAULT_STORE
from tests.datahub.jobs.test_import_preview import look
from tests.importer import Importer, category, navigation, product

Rows = list[dict[str, str]]
Both = Callable[..., tuple[Reading, list[int]]]
TREE = "CLASSIFICATION_CATEGORY"


def seen(session: Session, entity: str, rows: Rows, *, is_cut: bool = False) -> Reading:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    store = {"store_external_ids": [DEFAULT_STORE]} if entity == "NAVIGATION_CATEGORY" else {}
    return look(session, text.getvalue(), entity=entity, delimiter=",", cut=is_cut, **store).reading


@pytest.fixture
def both(session: Session, load: Importer) -> Both:
    """What is foretold, and the lines that a run then rejects."""

    def both(entity: str, rows: Rows) -> tuple[Reading, list[int]]:
        told = seen(session, entity, rows)
        session.rollback()
        return told, sorted(row.line for row, _ in load(entity, *rows).rejected)

    return both


@pytest.fixture
def stored_tree(session: Session, load: Importer) -> None:
    session.rollback()
    load(TREE, category("TOP"), category("OTHER"), category("SUB", "TOP"), category("SUB2", "TOP"))


LONG = "L" * 210


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([category("TOP"), category("SUB", "TOP"), category("SUB", "")], []),
        ([category("TOP"), category("SUB", "GONE"), category("SUB", "")], [3, 4]),
        ([category("TOP"), category("SUB", "TOP"), category("SUB", "", deleted="maybe")], [4]),
        ([category(f"{LONG}1"), category("SUB", f"{LONG}1")], []),
        ([category(f"{LONG}1"), category("SUB", f"{LONG}2")], [3]),
        ([category("TOP", deleted="TRUE"), category("SUB", "TOP")], [3]),
        ([category("C", "B"), category("B", "A"), category("A"), category("Z", "Y"), category("Y", "X")], [5, 6]),
        ([category("TOP", deleted="TRUE"), category("TOP", deleted="FALSE"), category("SUB", "TOP")], []),
    ],
)
def test_of_a_new_tree_as_many_rows_are_rejected_as_foretold(both: Both, rows: Rows, lines: list[int]) -> None:
    told, rejected = both(TREE, rows)
    assert (told.rejected, rejected) == (len(lines), lines)


AWAY = category("SUB", "OTHER")
GOES = category("SUB2", "TOP", deleted="TRUE")
TOP_GOES = category("TOP", deleted="TRUE")


@pytest.mark.usefixtures("stored_tree")
@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([TOP_GOES, AWAY, GOES], []),
        ([TOP_GOES, AWAY], [2]),
        ([TOP_GOES, AWAY, category("SUB2", "TOP")], [2]),
        ([TOP_GOES, AWAY, category("SUB2", "NOWHERE")], [2, 4]),
        ([TOP_GOES, category("SUB", "NEW"), category("NEW"), GOES], []),
    ],
)
def test_of_what_goes_once_others_have_left_it_as_many_rows_are_rejected_as_foretold(
    both: Both, rows: Rows, lines: list[int]
) -> None:
    told, rejected = both(TREE, rows)
    assert (told.rejected, rejected) == (len(lines), lines)


@pytest.mark.usefixtures("stored_tree")
def test_of_a_file_that_was_cut_it_is_not_said_what_stays_below_what_goes(session: Session) -> None:
    assert seen(session, TREE, [TOP_GOES], is_cut=True).rejected == 0


def test_of_a_row_that_a_later_one_takes_the_place_of_nothing_is_foretold(both: Both, load: Importer) -> None:
    load(TREE, category("TOOLS"))
    rows = [navigation("TOP"), navigation("SUB", "NOWHERE"), navigation("SUB", "TOP"), navigation("LAST", "NOWHERE")]
    told, rejected = both("NAVIGATION_CATEGORY", rows)
    assert (told.rejected, rejected) == (1, [5])


@pytest.mark.parametrize(("is_cut", "rejected"), [(False, 3), (True, 1)])
def test_of_a_file_that_was_cut_no_record_is_said_to_lack_what_may_stand_further_on(
    session: Session, load: Importer, is_cut: bool, rejected: int
) -> None:
    session.rollback()
    load(TREE, category("TOOLS"))
    rows = [product("P", "V"), product("Q", "W", productNames=""), product("Q", "W2", productNames="")]
    rows[0]["variantNames"] = ""
    told = seen(session, "PRODUCT", rows, is_cut=is_cut)
    assert told.rejected == rejected
    assert ("productNames" in [cause.field for cause in told.causes]) is not is_cut
