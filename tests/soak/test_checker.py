"""The checker must be able to fail: each breach of a promise is put into the books and has to be reported."""

from __future__ import annotations

import dataclasses

import pytest

from soak.checker import (
    DISORDER,
    ERROR,
    ERRORS,
    FORGOTTEN,
    HALF,
    JOB_STOPPED,
    LOST,
    MUST_BE_NONE,
    NEVER_ENDED,
    ONCE,
    STOPPED,
    STOPPED_MAYBE,
    STOPPED_YET_ARRIVED,
    SUCCESS,
    TWICE_MARKED,
    TWICE_UNMARKED,
    UNOWED,
    Account,
    Arrival,
    Books,
    Owed,
    Sending,
    check,
)
from soak.table import format_account, format_faults

JOB, ORDER = "short-xml", "100-1"
ACCEPTED = Sending(
    number=1,
    public_id="e-1",
    job=JOB,
    order=ORDER,
    reached="ACCEPTED_BY_SUPPLIER",
    status=SUCCESS,
    file_name="100-1.xml",
    sha256="accepted",
)
SHIPPED = dataclasses.replace(ACCEPTED, number=2, public_id="e-2", reached="SHIPPED", sha256="shipped")


def owed(*sendings: Sending) -> list[Owed]:
    return [Owed(sending.job, sending.order, sending.reached) for sending in sendings]


def arrival(sending: Sending, *, sha256: str | None = "its own", is_direct: bool = False) -> Arrival:
    content = sending.sha256 if sha256 == "its own" else sha256
    return Arrival(sending.job, sending.file_name or "", content, None if is_direct else sending.public_id)


def books(*sendings: Sending, arrivals: list[Arrival]) -> Books:
    return Books(owed=owed(*sendings), sendings=list(sendings), arrivals=arrivals)


def breaches(account: Account) -> set[str]:
    return {kind for kind, told in account.faults.items() if told}


def test_books_that_agree_pass() -> None:
    account = check(books(ACCEPTED, SHIPPED, arrivals=[arrival(ACCEPTED), arrival(SHIPPED)]))
    assert account.is_good
    assert account.fates == {ONCE: 2}


def test_order_without_an_execution_is_lost() -> None:
    account = check(Books(owed=owed(ACCEPTED, SHIPPED), sendings=[ACCEPTED], arrivals=[arrival(ACCEPTED)]))
    assert account.fates == {ONCE: 1, LOST: 1}
    assert account.faults[LOST] == ["100-1 SHIPPED by short-xml: no execution at all"]


def test_success_without_a_file_is_lost() -> None:
    account = check(books(ACCEPTED, arrivals=[]))
    assert breaches(account) == {LOST}


def test_file_that_arrives_twice_unmarked_is_reported() -> None:
    account = check(books(ACCEPTED, arrivals=[arrival(ACCEPTED), arrival(ACCEPTED)]))
    assert account.fates == {TWICE_UNMARKED: 1}
    assert breaches(account) == {TWICE_UNMARKED}


def test_unmarked_double_is_reported_whatever_the_execution_says_of_itself() -> None:
    for status in (ERROR, JOB_STOPPED):
        sending = dataclasses.replace(ACCEPTED, status=status, may_have_arrived=True)
        assert TWICE_UNMARKED in breaches(check(books(sending, arrivals=[arrival(sending)] * 2)))


def test_marked_double_passes() -> None:
    sending = dataclasses.replace(ACCEPTED, is_marked_twice=True)
    account = check(books(sending, arrivals=[arrival(sending), arrival(sending)]))
    assert account.is_good
    assert account.fates == {TWICE_MARKED: 1}


def test_same_name_from_another_execution_is_no_double() -> None:
    resent = dataclasses.replace(ACCEPTED, number=3, public_id="e-3", origin="RESEND")
    account = check(
        Books(owed=owed(ACCEPTED), sendings=[ACCEPTED, resent], arrivals=[arrival(ACCEPTED), arrival(resent)])
    )
    assert account.is_good
    assert (account.fates, account.asked) == ({ONCE: 1}, {ONCE: 1})


def test_resend_that_never_arrives_is_lost() -> None:
    resent = dataclasses.replace(ACCEPTED, number=3, public_id="e-3", origin="RESEND")
    account = check(Books(owed=owed(ACCEPTED), sendings=[ACCEPTED, resent], arrivals=[arrival(ACCEPTED)]))
    assert breaches(account) == {LOST}
    assert account.asked == {LOST: 1}


@pytest.mark.parametrize("is_direct", [False, True])
def test_half_file_is_reported(is_direct: bool) -> None:
    seen = [arrival(ACCEPTED, sha256="accep", is_direct=is_direct), arrival(ACCEPTED)]
    sending = dataclasses.replace(ACCEPTED, is_marked_twice=True)
    assert breaches(check(books(sending, arrivals=seen))) == {HALF}


def test_file_that_changes_under_its_final_name_is_a_half_file() -> None:
    agreeing = books(ACCEPTED, arrivals=[arrival(ACCEPTED)])
    account = check(dataclasses.replace(agreeing, modified=["short-xml/100-1.xml"]))
    assert breaches(account) == {HALF}


def test_file_written_without_a_temporary_name_is_known_by_its_content() -> None:
    assert check(books(ACCEPTED, arrivals=[arrival(ACCEPTED, is_direct=True)])).is_good


def test_file_replaced_before_it_could_be_read_counts_as_delivered() -> None:
    account = check(books(ACCEPTED, arrivals=[arrival(ACCEPTED, sha256=None)]))
    assert account.is_good
    assert account.unread == 1


def test_execution_that_never_ends_is_reported() -> None:
    for status in ("JOB_PENDING", "JOB_STARTED"):
        sending = dataclasses.replace(ACCEPTED, status=status)
        account = check(books(sending, arrivals=[arrival(sending)]))
        assert breaches(account) == {NEVER_ENDED}


def test_error_waits_for_a_person_and_tells_its_reason() -> None:
    sending = dataclasses.replace(ACCEPTED, status=ERROR, error="The server\nis gone.", attempts=6)
    account = check(books(sending, arrivals=[]))
    assert account.is_good
    assert account.fates == {ERRORS: 1}
    assert account.errors == {"is gone.": 1}
    assert (account.attempts, account.most_attempts) == (6, 6)


def test_stopped_execution_must_not_arrive() -> None:
    sending = dataclasses.replace(ACCEPTED, status=JOB_STOPPED)
    assert check(books(sending, arrivals=[])).fates == {STOPPED: 1}
    assert breaches(check(books(sending, arrivals=[arrival(sending)]))) == {STOPPED_YET_ARRIVED}


def test_stopped_execution_that_says_it_may_have_arrived_may_arrive() -> None:
    sending = dataclasses.replace(ACCEPTED, status=JOB_STOPPED, may_have_arrived=True)
    account = check(books(sending, arrivals=[arrival(sending)]))
    assert account.is_good
    assert account.fates == {STOPPED_MAYBE: 1}


def test_file_that_nobody_owed_is_reported() -> None:
    stranger = Arrival(JOB, "999-9.xml", "anything", None)
    account = check(books(ACCEPTED, arrivals=[arrival(ACCEPTED), stranger]))
    assert breaches(account) == {UNOWED}


def test_second_execution_of_one_status_is_reported() -> None:
    again = dataclasses.replace(ACCEPTED, number=2, public_id="e-2")
    account = check(
        Books(owed=owed(ACCEPTED), sendings=[ACCEPTED, again], arrivals=[arrival(ACCEPTED), arrival(again)])
    )
    assert breaches(account) == {UNOWED}


def test_order_that_stood_in_a_status_when_its_job_was_run_is_owed_once() -> None:
    run = dataclasses.replace(ACCEPTED, origin="RUN")
    account = check(books(run, arrivals=[arrival(run)]))
    assert account.is_good
    assert (account.fates, account.asked) == ({ONCE: 1}, {})
    assert breaches(check(Books(owed=owed(run), sendings=[], arrivals=[]))) == {LOST}


def test_run_that_sends_what_was_exported_already_is_reported() -> None:
    run = dataclasses.replace(ACCEPTED, number=2, public_id="e-2", origin="RUN")
    seen = [arrival(ACCEPTED), arrival(run)]
    assert breaches(check(Books(owed=owed(ACCEPTED), sendings=[ACCEPTED, run], arrivals=seen))) == {UNOWED}


def test_execution_that_no_status_asked_for_is_reported() -> None:
    account = check(Books(owed=[], sendings=[ACCEPTED], arrivals=[arrival(ACCEPTED)]))
    assert breaches(account) == {UNOWED}


def test_file_under_the_name_of_another_execution_is_reported() -> None:
    other = dataclasses.replace(SHIPPED, order="100-2", file_name="100-2.xml")
    strayed = Arrival(JOB, "100-1.xml", other.sha256, other.public_id)
    account = check(books(ACCEPTED, other, arrivals=[arrival(ACCEPTED), arrival(other), strayed]))
    assert HALF in breaches(account)


def test_older_status_after_a_newer_one_is_out_of_order() -> None:
    assert breaches(check(books(ACCEPTED, SHIPPED, arrivals=[arrival(SHIPPED), arrival(ACCEPTED)]))) == {DISORDER}


def test_late_double_of_an_older_status_is_out_of_order_even_when_marked() -> None:
    marked = dataclasses.replace(ACCEPTED, is_marked_twice=True)
    seen = [arrival(marked), arrival(SHIPPED), arrival(marked)]
    assert breaches(check(books(marked, SHIPPED, arrivals=seen))) == {DISORDER}


def test_acknowledged_change_that_the_history_forgot_is_reported() -> None:
    agreeing = books(ACCEPTED, arrivals=[arrival(ACCEPTED)])
    history = {(ORDER, "ACCEPTED_BY_SUPPLIER")}
    answered = [(ORDER, "ACCEPTED_BY_SUPPLIER"), (ORDER, "SHIPPED")]
    account = check(dataclasses.replace(agreeing, acknowledged=answered, history=history))
    assert account.faults[FORGOTTEN] == ["100-1 to SHIPPED"]


def test_table_shows_every_row_that_must_be_none_and_tells_each_breach() -> None:
    account = check(books(ACCEPTED, arrivals=[]))
    shown = "\n".join(format_account(account, {"temporary files left": 3}))
    for kind in MUST_BE_NONE:
        assert f"{kind} (must be 0)" in shown
    assert "temporary files left" in shown
    assert next(format_faults(account)).startswith("lost: e-1 (100-1 ACCEPTED_BY_SUPPLIER by short-xml, SUCCESS")
