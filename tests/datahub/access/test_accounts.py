"""What administrators do to users, and what they cannot."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import accounts, password_links, sessions, store_limits, tokens, users
from datahub.errors import ConflictError, FieldConflictError, InvalidError
from datahub.logs import API_TOKEN
from datahub.models.access import PasswordLink, User, UserSession

PASSWORD = "correct horse battery"
LIMITS = {"idle_seconds": 3600.0, "max_seconds": 3600.0}


def make(session: Session, name: str, role: str = "ADMIN") -> User:
    return users.create(session, name=name, password=PASSWORD, role=role)


def open_session(session: Session, user: User) -> str:
    return sessions.open(session, user=user, source="192.0.2.1", agent="", max_seconds=3600)


def find_session(session: Session, token: str) -> UserSession | None:
    return sessions.find(session, token, **LIMITS)


@pytest.mark.parametrize(("name", "other"), [("Ärger", "äRGER"), ("straße", "STRASSE"), ("Ada", "\uff21\uff44\uff41")])
def test_names_are_one_without_regard_to_case_in_any_script(session: Session, name: str, other: str) -> None:
    user = make(session, name)
    with pytest.raises(FieldConflictError):
        accounts.invite(session, name=other, role="VIEWER")
    assert users.check_password(session, name=other, password=PASSWORD) is user


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\u202eb", "a\u200bb", "x" * 101])
def test_names_that_could_deceive_are_refused(session: Session, name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        accounts.invite(session, name=name, role="VIEWER")
    assert set(caught.value.fields) == {"name"}


def test_an_invited_user_signs_in_after_the_link_set_a_password_and_not_before(session: Session) -> None:
    user, secret = accounts.invite(session, name="ada", role="OPERATOR")
    assert users.check_password(session, name="ada", password="") is None
    assert password_links.redeem(session, secret, password=PASSWORD) is user
    assert users.check_password(session, name="ada", password=PASSWORD) is user


def test_only_the_digest_of_a_link_is_stored_and_it_works_once(session: Session) -> None:
    _, secret = accounts.invite(session, name="ada", role="OPERATOR")
    assert len(secret) > 40 and secret not in str(session.scalars(select(PasswordLink.secret_hash)).one())
    password_links.redeem(session, secret, password=PASSWORD)
    assert password_links.redeem(session, secret, password="another horse") is None
    assert users.check_password(session, name="ada", password=PASSWORD)


def test_logs_hide_the_secret_of_a_link(session: Session) -> None:
    _, secret = accounts.invite(session, name="ada", role="OPERATOR")
    assert API_TOKEN.sub("", f"GET /set-password/{secret}") == "GET /set-password/"


def test_a_link_ends_after_72_hours_by_a_newer_one_and_with_disabling(session: Session) -> None:
    admin, (user, first) = make(session, "root"), accounts.invite(session, name="ada", role="OPERATOR")
    second = accounts.reset_password(session, user, by=admin)
    assert (password_links.find(session, first), password_links.find(session, second)) == (None, user)
    session.scalars(select(PasswordLink)).one().expires_at -= timedelta(hours=72, seconds=1)
    session.flush()
    assert password_links.find(session, second) is None
    third = accounts.reset_password(session, user, by=admin)
    accounts.disable(session, user, by=admin)
    accounts.enable(session, user)
    assert password_links.find(session, third) is None


def test_a_password_too_short_leaves_the_link_usable(session: Session) -> None:
    user, secret = accounts.invite(session, name="ada", role="OPERATOR")
    with pytest.raises(InvalidError):
        password_links.redeem(session, secret, password="short")
    assert password_links.find(session, secret) is user


def test_resetting_voids_the_old_password_and_ends_sessions_at_once(session: Session) -> None:
    admin, user = make(session, "root"), make(session, "ada", "VIEWER")
    cookie, (_, token) = open_session(session, user), tokens.create(session, user=user, name="ERP")
    accounts.reset_password(session, user, by=admin)
    assert users.check_password(session, name="ada", password=PASSWORD) is None
    assert find_session(session, cookie) is None
    assert tokens.find(session, token)


def test_disabling_refuses_sessions_and_tokens_at_once_and_enabling_brings_the_tokens_back(session: Session) -> None:
    admin, user = make(session, "root"), make(session, "ada", "VIEWER")
    cookie, (_, token) = open_session(session, user), tokens.create(session, user=user, name="ERP")
    assert accounts.disable(session, user, by=admin) == 1
    assert (find_session(session, cookie), tokens.find(session, token)) == (None, None)
    accounts.enable(session, user)
    assert find_session(session, cookie) is None
    assert tokens.find(session, token)


def test_locking_out_leaves_nothing_that_a_leaked_account_could_use_even_after_enabling(session: Session) -> None:
    admin, user = make(session, "root"), make(session, "ada")
    cookie, (_, token) = open_session(session, user), tokens.create(session, user=user, name="ERP")
    assert accounts.lock_out(session, user, by=admin) == accounts.LockOut(sessions=1, tokens=1)
    accounts.enable(session, user)
    assert (find_session(session, cookie), tokens.find(session, token)) == (None, None)
    assert users.check_password(session, name="ada", password=PASSWORD) is None


def test_the_last_administrator_who_can_sign_in_stays_one(session: Session) -> None:
    admin, other = make(session, "root"), make(session, "ada", "OPERATOR")
    accounts.invite(session, name="not yet", role="ADMIN")
    for refused in (
        lambda: accounts.change_role(session, admin, role="OPERATOR"),
        lambda: accounts.disable(session, admin, by=other),
        lambda: accounts.lock_out(session, admin, by=other),
        lambda: accounts.reset_password(session, admin, by=other),
    ):
        with pytest.raises(ConflictError, match="only administrator"):
            refused()
    assert (admin.role, admin.active) == ("ADMIN", True)
    assert users.check_password(session, name="root", password=PASSWORD)


def test_nobody_disables_or_resets_themselves(session: Session) -> None:
    admin = make(session, "root")
    make(session, "ada")
    for refused in (accounts.disable, accounts.lock_out, accounts.reset_password):
        with pytest.raises(ConflictError):
            refused(session, admin, by=admin)


def test_two_administrators_who_demote_each_other_at_once_leave_one(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        ids = [make(session, name).id for name in ("root", "ada")]
    refused: list[str] = []

    def demote(user_id: int) -> None:
        try:
            with sessions.begin() as session:
                accounts.change_role(session, session.get_one(User, user_id), role="VIEWER")
        except ConflictError as error:
            refused.append(str(error))

    threads = [Thread(target=demote, args=(user_id,)) for user_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        assert session.scalars(select(User.role).order_by(User.role)).all() == ["ADMIN", "VIEWER"]
    assert len(refused) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda session, user: store_limits.choose(session, user, ["default_store"]),
        lambda session, user: password_links.create(session, user=user),
    ],
    ids=["stores", "link"],
)
def test_a_form_that_is_sent_twice_at_once_is_taken_twice(
    sessions: sessionmaker[Session], change: Callable[[Session, User], object]
) -> None:
    with sessions.begin() as session:
        user_id = make(session, "ada", "VIEWER").id
    answered = Event()

    def again() -> None:
        with sessions.begin() as session:
            change(session, accounts.get(session, user_id))
        answered.set()

    with ThreadPoolExecutor(1) as thread:
        with sessions.begin() as session:
            change(session, accounts.get(session, user_id))
            second = thread.submit(again)
            assert not answered.wait(0.3)
        second.result()


def test_the_list_counts_what_is_valid_and_shows_when_somebody_was_last_seen(session: Session) -> None:
    admin, user = make(session, "root"), make(session, "ada", "VIEWER")
    open_session(session, user)
    tokens.create(session, user=user, name="ERP")
    gone, _ = tokens.create(session, user=user, name="old")
    tokens.revoke(session, user=user, public_id=gone.public_id)
    accounts.invite(session, name="bob", role="VIEWER")
    accounts.disable(session, admin, by=make(session, "zoe"))
    found = {account.user.name: account for account in accounts.list(session, **LIMITS)}
    assert list(found) == ["ada", "bob", "zoe", "root"]
    assert (found["ada"].sessions, found["ada"].tokens, found["bob"].sessions) == (1, 1, 0)
    assert found["bob"].link_until and not found["ada"].link_until
    assert found["ada"].user.last_seen_at and not found["bob"].user.last_seen_at
