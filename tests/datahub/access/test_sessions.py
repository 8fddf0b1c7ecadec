"""Browser sessions: found by their token, ended on the server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.access import sessions, users
from datahub.models.access import User, UserSession

LIMITS = {"idle_seconds": 100.0, "max_seconds": 1000.0}


@pytest.fixture
def user(session: Session) -> User:
    return users.create(session, name="ada", password="correct horse", role="ADMIN")


def begin(session: Session, user: User) -> str:
    return sessions.open(session, user=user, source="192.0.2.1", agent="Browser" * 100, max_seconds=1000.0)


def test_a_session_is_found_by_its_token_and_only_the_hash_is_stored(session: Session, user: User) -> None:
    token = begin(session, user)
    found = sessions.find(session, token, **LIMITS)
    assert found is not None and found.user is user
    assert token not in (found.token_hash, found.agent)
    assert sessions.find(session, found.token_hash, **LIMITS) is None


@pytest.mark.parametrize(("column", "seconds"), [("last_seen_at", 101), ("created_at", 1001)])
def test_an_idle_and_an_old_session_are_over(session: Session, user: User, column: str, seconds: int) -> None:
    token = begin(session, user)
    row = session.scalars(select(UserSession)).one()
    setattr(row, column, getattr(row, column) - timedelta(seconds=seconds))
    session.flush()
    assert sessions.find(session, token, **LIMITS) is None
    assert sessions.of_user(session, user=user, **LIMITS) == []


def test_a_deactivated_user_has_no_session(session: Session, user: User) -> None:
    token = begin(session, user)
    user.active = False
    session.flush()
    assert sessions.find(session, token, **LIMITS) is None


def test_closing_ends_one_session_and_closing_the_others_all_but_one(session: Session, user: User) -> None:
    tokens = [begin(session, user) for _ in range(3)]
    sessions.close(session, tokens[0])
    sessions.close(session, tokens[0])
    assert [bool(sessions.find(session, token, **LIMITS)) for token in tokens] == [False, True, True]
    sessions.close_others(session, user=user, token=tokens[1])
    assert [bool(sessions.find(session, token, **LIMITS)) for token in tokens] == [False, True, False]


def test_use_is_noted_at_most_once_a_minute(session: Session, user: User) -> None:
    begin(session, user)
    row = session.scalars(select(UserSession)).one()
    assert not sessions.needs_touch(session, row)
    row.last_seen_at -= timedelta(seconds=61)
    session.flush()
    assert sessions.needs_touch(session, row)
    sessions.touch(session, row.id)
    session.refresh(row)
    assert not sessions.needs_touch(session, row)


def test_signing_in_clears_away_what_is_too_old(session: Session, user: User) -> None:
    begin(session, user)
    session.scalars(select(UserSession)).one().created_at -= timedelta(seconds=1001)
    session.flush()
    begin(session, user)
    session.expire_all()
    assert len(session.scalars(select(UserSession)).all()) == 1
