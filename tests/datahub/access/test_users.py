"""Users and their passwords."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from datahub.access import users
from datahub.errors import FieldConflictError, InvalidError

PASSWORD = "correct horse battery"


def test_the_right_password_finds_the_user_in_any_spelling_of_the_name(session: Session) -> None:
    user = users.create(session, name=" Ada ", password=PASSWORD, role="ADMIN")
    assert (user.name, user.active) == ("Ada", True)
    assert users.check_password(session, name="ada", password=PASSWORD) is user


def test_only_an_argon2_hash_is_stored(session: Session) -> None:
    user = users.create(session, name="ada", password=PASSWORD, role="ADMIN")
    assert user.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong horse"), ("nobody", PASSWORD), ("ada", "x" * 5000)])
def test_wrong_password_unknown_name_and_endless_password_find_nobody(
    session: Session, name: str, password: str
) -> None:
    users.create(session, name="ada", password=PASSWORD, role="VIEWER")
    assert users.check_password(session, name=name, password=password) is None


def test_a_deactivated_user_cannot_sign_in(session: Session) -> None:
    users.create(session, name="ada", password=PASSWORD, role="VIEWER").active = False
    session.flush()
    assert users.check_password(session, name="ada", password=PASSWORD) is None


def test_a_name_is_taken_in_any_spelling(session: Session) -> None:
    users.create(session, name="ada", password=PASSWORD, role="VIEWER")
    with pytest.raises(FieldConflictError) as caught:
        users.create(session, name="ADA", password=PASSWORD, role="VIEWER")
    assert caught.value.field == "name"


def test_every_faulty_field_is_named_at_once(session: Session) -> None:
    with pytest.raises(InvalidError) as caught:
        users.create(session, name="a\nb", password="short", role="KING")
    assert set(caught.value.fields) == {"name", "password", "role"}


def test_a_password_changes_only_with_the_current_one(session: Session) -> None:
    user = users.create(session, name="ada", password=PASSWORD, role="VIEWER")
    with pytest.raises(InvalidError) as caught:
        users.change_password(session, user=user, current="a guess", password="another horse")
    assert set(caught.value.fields) == {"current"}
    with pytest.raises(InvalidError):
        users.change_password(session, user=user, current=PASSWORD, password="short")
    users.change_password(session, user=user, current=PASSWORD, password="another horse")
    assert users.check_password(session, name="ada", password="another horse")
    assert not users.check_password(session, name="ada", password=PASSWORD)


def test_a_hash_with_old_parameters_is_renewed(session: Session) -> None:
    user = users.create(session, name="ada", password=PASSWORD, role="VIEWER")
    user.password_hash = old = PasswordHasher(time_cost=1).hash(PASSWORD)
    users.renew_hash(session, user_id=user.id, password=PASSWORD)
    renewed = user.password_hash
    assert renewed != old
    users.renew_hash(session, user_id=user.id, password=PASSWORD)
    assert user.password_hash == renewed
