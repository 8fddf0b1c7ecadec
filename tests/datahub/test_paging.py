"""Pages by key, forth and back."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.models.party import Supplier
from datahub.paging import Page, read_page
from tests.factories import make_supplier

KEYS = ["a", "B", "b/c", "10", "9", "~", "Z z"]


@pytest.fixture
def keys(session: Session) -> list[str]:
    for key in KEYS:
        make_supplier(session, key)
    return list(session.scalars(select(Supplier.external_id).order_by(Supplier.external_id)))


def read(session: Session, *, descending: bool, **beside: str) -> Page[str]:
    key, query = Supplier.external_id, select(Supplier)
    return read_page(session, query, key, lambda it: str(it.external_id), size=3, descending=descending, **beside)


@pytest.mark.parametrize("descending", [False, True])
def test_pages_meet_every_item_once_on_the_way_and_again_on_the_way_back(
    session: Session, keys: list[str], descending: bool
) -> None:
    pages = [read(session, descending=descending)]
    while pages[-1].following:
        pages.append(read(session, descending=descending, **pages[-1].following))
    assert [key for page in pages for key in page.items] == (keys[::-1] if descending else keys)
    assert [len(page.items) for page in pages] == [3, 3, 1]
    back = [pages[-1]]
    while back[-1].previous:
        back.append(read(session, descending=descending, **back[-1].previous))
    assert [page.items for page in back] == [page.items for page in reversed(pages)]
    assert back[-1] == pages[0] and pages[0].previous is None


def test_the_way_back_ends_at_a_whole_first_page_also_where_items_were_added_or_deleted(
    session: Session, keys: list[str]
) -> None:
    first = read(session, descending=False)
    second = read(session, descending=False, **first.following or {})
    session.delete(session.scalars(select(Supplier).where(Supplier.external_id == first.items[0])).one())
    session.flush()
    assert second.previous
    assert read(session, descending=False, **second.previous) == read(session, descending=False)
    assert read(session, descending=False).items == keys[1:4]
    make_supplier(session, keys[1] + "!")
    make_supplier(session, keys[1] + "!!")
    there = read(session, descending=False, **second.previous)
    assert there.items == [keys[1] + "!", keys[1] + "!!", keys[2]] and there.previous == {"before": keys[1] + "!"}


def test_a_page_of_which_nothing_is_left_is_the_first_one(session: Session, keys: list[str]) -> None:
    assert read(session, descending=False, after="\U0010ffff") == read(session, descending=False)
    assert read(session, descending=True, before=" ") == read(session, descending=True)


@pytest.mark.parametrize("cursor", ["x", "-", "9" * 30, "\uff11"])
def test_a_malformed_number_counts_as_none(session: Session, keys: list[str], cursor: str) -> None:
    page = read_page(session, select(Supplier), Supplier.id, lambda it: it, size=9, before=cursor, after=cursor)
    assert len(page.items) == len(keys) and page.previous is page.following is None
