"""What changed a record comes from the ledger, newest first, with the import that did it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from datahub.jobs.record_history import changes_page, find_changes
from tests.catalogue import make_import, record_change

ID = "22222222-2222-4222-8222-222222222222"


def test_changes_come_newest_first_with_the_import_that_made_them(session: Session) -> None:
    execution = make_import(session, ID)
    record_change(session, "SUPPLIER", "S-1", "created", execution_id=execution.id, file="a.csv", line=2)
    record_change(session, "SUPPLIER", "S-1", changes={"name": ["A", "B"]})
    record_change(session, "SUPPLIER", "S-2")
    record_change(session, "ACCOUNT", "S-1")
    newest, oldest = find_changes(session, "SUPPLIER", "S-1").items
    assert (newest.change.changes, newest.execution_id, newest.job_name) == ({"name": ["A", "B"]}, None, None)
    assert (oldest.execution_id, oldest.job_name) == (ID, "Suppliers from ERP")
    assert (oldest.change.action, oldest.change.file, oldest.change.line) == ("created", "a.csv", 2)
    assert find_changes(session, "SUPPLIER", "S-1", descending=False).items == [oldest, newest]


def test_changes_are_paged_by_number_and_by_cursor(session: Session) -> None:
    made = [record_change(session, "SUPPLIER", "S-1").id for _ in range(5)]
    last = find_changes(session, "SUPPLIER", "S-1", page=2, size=2)
    assert ([row.change.id for row in last.items], last.has_more) == (made[:1], False)
    page = changes_page(session, "SUPPLIER", "S-1", size=3)
    rest = changes_page(session, "SUPPLIER", "S-1", size=3, **page.following or {})
    assert [row.change.id for row in [*page.items, *rest.items]] == made[::-1]
    assert changes_page(session, "SUPPLIER", "S-1", size=3, **rest.previous or {}) == page
