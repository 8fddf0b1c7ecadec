"""API tokens: shown once, kept as a hash, revocable."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from datahub.access import tokens, users
from datahub.errors import InvalidError, NotFoundError
from datahub.models.access import User


@pytest.fixture
def user(session: Session) -> User:
    return users.create(session, name="ada", password="correct horse", role="ADMIN")


def test_a_token_is_found_by_its_text_and_only_the_hash_is_stored(session: Session, user: User) -> None:
    row, text = tokens.create(session, user=user, name="ERP")
    assert text.startswith("dh_") and len(text) > 40
    assert tokens.find(session, text) is row
    stored = [str(getattr(row, column.name)) for column in row.__table__.columns]
    assert not any(text in value for value in stored)
    assert tokens.find(session, row.token_hash) is None


def test_a_revoked_token_is_refused_at_once_and_stays_listed(session: Session, user: User) -> None:
    row, text = tokens.create(session, user=user, name="ERP")
    revoked_at = tokens.revoke(session, user=user, public_id=row.public_id).revoked_at
    assert tokens.find(session, text) is None
    assert tokens.revoke(session, user=user, public_id=row.public_id).revoked_at == revoked_at
    assert tokens.list(session, user=user) == [row]


def test_a_token_of_a_deactivated_user_is_refused(session: Session, user: User) -> None:
    _, text = tokens.create(session, user=user, name="ERP")
    user.active = False
    session.flush()
    assert tokens.find(session, text) is None


def test_nobody_revokes_or_sees_the_token_of_somebody_else(session: Session, user: User) -> None:
    row, text = tokens.create(session, user=user, name="ERP")
    other = users.create(session, name="eve", password="correct horse", role="ADMIN")
    with pytest.raises(NotFoundError):
        tokens.revoke(session, user=other, public_id=row.public_id)
    assert tokens.find(session, text) is row
    assert tokens.list(session, user=other) == []


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 101])
def test_a_bad_name_is_refused(session: Session, user: User, name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        tokens.create(session, user=user, name=name)
    assert set(caught.value.fields) == {"name"}


def test_use_is_noted_at_most_once_a_minute(session: Session, user: User) -> None:
    row, _ = tokens.create(session, user=user, name="ERP")
    assert tokens.needs_touch(session, row)
    tokens.touch(session, row.id)
    session.refresh(row)
    assert row.last_used_at is not None
    assert not tokens.needs_touch(session, row)
