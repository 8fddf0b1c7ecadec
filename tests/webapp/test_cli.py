"""The commands of bin/datahub, on both databases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from apiflask import APIFlask
from click.testing import Result
from cryptography.fernet import Fernet
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.access import tokens, users
from datahub.jobs import connections
from datahub.models.access import ApiToken, User
from datahub.models.connection import Connection
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection
from webapp import cli

PASSWORD = "a long enough one"


@pytest.fixture
def runner(app: APIFlask) -> FlaskCliRunner:
    return app.test_cli_runner()


def create_user(runner: FlaskCliRunner, name: str = "ada", role: str = "ADMIN", password: str = PASSWORD) -> Result:
    return runner.invoke(args=["create-user", name, "--role", role], input=password + "\n")


def test_created_user_can_sign_in(runner: FlaskCliRunner, sessions: sessionmaker[Session]) -> None:
    assert create_user(runner, role="viewer").exit_code == 0
    with sessions() as session:
        user = users.check_password(session, name="ada", password=PASSWORD)
        assert user is not None
        assert user.role == "VIEWER"


def test_short_password_is_refused_and_nothing_is_saved(
    runner: FlaskCliRunner, sessions: sessionmaker[Session]
) -> None:
    result = create_user(runner, password="short")
    assert result.exit_code == 1
    assert "password:" in result.output
    with sessions() as session:
        assert session.scalars(select(User)).all() == []


def test_taken_name_is_refused(runner: FlaskCliRunner) -> None:
    create_user(runner)
    result = create_user(runner, name="ADA")
    assert (result.exit_code, "is taken" in result.output) == (1, True)


def test_user_is_limited_to_stores_and_freed_again(runner: FlaskCliRunner, sessions: sessionmaker[Session]) -> None:
    made = runner.invoke(
        args=["create-user", "ada", "--role", "OPERATOR", "--store", "default_store"], input=PASSWORD + "\n"
    )
    assert made.exit_code == 0
    with sessions() as session:
        assert [store.external_id for store in session.scalars(select(User)).one().stores] == ["default_store"]
    freed = runner.invoke(args=["set-stores", "Ada"])
    assert (freed.exit_code, freed.output) == (0, "ada sees every store.\n")
    limited = runner.invoke(args=["set-stores", "ada", "--store", "default_store"])
    assert (limited.exit_code, limited.output) == (0, "ada sees only default_store.\n")
    with sessions() as session:
        assert [store.external_id for store in session.scalars(select(User)).one().stores] == ["default_store"]


def test_unknown_store_is_refused_and_no_user_is_made(runner: FlaskCliRunner, sessions: sessionmaker[Session]) -> None:
    made = runner.invoke(args=["create-user", "ada", "--role", "VIEWER", "--store", "WEST"], input=PASSWORD + "\n")
    assert (made.exit_code, "There is no store with the external id WEST." in made.output) == (1, True)
    with sessions() as session:
        assert session.scalars(select(User)).all() == []


def test_token_is_printed_alone_and_works_until_it_is_revoked(
    runner: FlaskCliRunner, sessions: sessionmaker[Session]
) -> None:
    create_user(runner)
    text = runner.invoke(args=["create-token", "Ada", "--name", "night run"]).output
    with sessions() as session:
        token = tokens.find(session, text.rstrip("\n"))
        assert token is not None
        assert (token.name, token.user.name) == ("night run", "ada")
    assert runner.invoke(args=["revoke-token"], input=text).exit_code == 0
    with sessions() as session:
        assert tokens.find(session, text.rstrip("\n")) is None


def test_token_of_nobody_is_refused(runner: FlaskCliRunner, sessions: sessionmaker[Session]) -> None:
    result = runner.invoke(args=["create-token", "nobody"])
    assert (result.exit_code, "no user nobody" in result.output) == (1, True)
    with sessions() as session:
        assert session.scalars(select(ApiToken)).all() == []


def test_rotated_secrets_use_the_first_key(
    runner: FlaskCliRunner,
    app: APIFlask,
    sessions: sessionmaker[Session],
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sessions.begin() as session:
        connections.create(session, vault, name="ERP", host="sftp.example.com", username="hub", password="secret")
    old_key = app.extensions["settings"].encryption_keys["test"]
    keys = {"new": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "test": old_key}
    monkeypatch.setitem(app.extensions, "vault", Vault(keys))
    assert runner.invoke(args=["rotate-keys"]).exit_code == 0
    with sessions() as session:
        stored = session.scalars(select(Connection.password)).one()
    assert stored is not None
    assert Vault({"new": keys["new"]}).decrypt(stored) == "secret"


def test_demo_without_a_sandbox_says_what_is_missing(runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_PORT", raising=False)
    result = runner.invoke(args=["demo"])
    assert (result.exit_code, "sandbox server" in result.output) == (1, True)


def test_a_wrong_key_fails_at_the_start_and_is_named(
    runner: FlaskCliRunner,
    sessions: sessionmaker[Session],
    vault: Vault,
    settings: Settings,
    start_app: Callable[[Settings], APIFlask],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The tables are there already.
    monkeypatch.setattr(cli, "upgrade", lambda: None)
    with sessions.begin() as session:
        add_connection(session, vault, password=vault.encrypt("a secret"))
    assert runner.invoke(args=["prepare"]).exit_code == 0
    key = Fernet.generate_key().decode()
    wrong, lost = {"test": key}, {"new": key}
    for keys, told in ((wrong, "The key test in ENCRYPTION_KEYS is not the one"), (lost, "needs the key test")):
        other = start_app(dataclasses.replace(settings, encryption_keys=keys)).test_cli_runner()
        result = other.invoke(args=["prepare"])
        assert (result.exit_code, told in result.output) == (1, True), result.output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_committed_table_of_permissions_is_that_of_the_routes(runner: FlaskCliRunner) -> None:
    committed = Path(__file__).parents[2] / "docs" / "permissions.md"
    printed = runner.invoke(args=["permissions"]).output
    assert printed == committed.read_text(), "bin/datahub permissions > docs/permissions.md"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_committed_tables_of_fields_are_those_of_the_registry(runner: FlaskCliRunner) -> None:
    committed = Path(__file__).parents[2] / "docs" / "fields.md"
    assert runner.invoke(args=["fields"]).output == committed.read_text(), "bin/datahub fields > docs/fields.md"
