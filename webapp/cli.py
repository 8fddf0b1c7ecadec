"""Commands of bin/datahub. Each commits its own work; a fault ends it with the reason and exit code 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import Migrate, upgrade
from sqlalchemy.orm import Session

from datahub.access import store_limits, tokens, users
from datahub.db import make_sessions
from datahub.entities.tables import in_markdown
from datahub.errors import DataHubError, InvalidError, NotFoundError
from datahub.jobs import connections
from datahub.models.access import ROLES
from sandbox import demo as sandbox_demo
from sandbox import imports as sandbox_imports
from sandbox.imports import Imported
from sandbox.place import Place
from webapp import route_table
from webapp.database import db

LIMITS = "A store that the user sees; repeat it for more. Without any they see all."
MIGRATIONS = Path(__file__).parent.parent / "migrations"


def init_app(app: Flask) -> None:
    Migrate(app, db, directory=str(MIGRATIONS))
    for command in (
        create_user,
        set_stores,
        create_token,
        revoke_token,
        rotate_keys,
        demo,
        import_demo,
        prepare,
        fields,
        permissions,
    ):
        app.cli.add_command(command)


@contextmanager
def _work() -> Iterator[Session]:
    try:
        yield db.session()
        db.session.commit()
    except InvalidError as error:
        faults = (f"{field}: {message}" for field, messages in error.fields.items() for message in messages)
        raise click.ClickException("\n".join([str(error), *faults])) from error
    except DataHubError as error:
        raise click.ClickException(str(error)) from error


@click.command("create-user")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES, case_sensitive=False), required=True)
@click.option("--store", "stores", multiple=True, metavar="EXTERNAL_ID", help=LIMITS)
@with_appcontext
def create_user(name: str, role: str, stores: tuple[str, ...]) -> None:
    """Create a user. The password is read from standard input."""
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    with _work() as session:
        user = users.create(session, name=name, password=password, role=role.upper())
        store_limits.choose(session, user, stores)
    click.echo(f"Created {name} ({role.upper()}).")


@click.command("set-stores")
@click.argument("user")
@click.option("--store", "stores", multiple=True, metavar="EXTERNAL_ID", help=LIMITS)
@with_appcontext
def set_stores(user: str, stores: tuple[str, ...]) -> None:
    """Limit a user to stores, in place of those chosen before; without --store, let them see all."""
    with _work() as session:
        found = users.find(session, user)
        store_limits.choose(session, found, stores)
    seen = ", ".join(store.external_id for store in found.stores)
    click.echo(f"{found.name} sees only {seen}." if seen else f"{found.name} sees every store.")


@click.command("create-token")
@click.argument("user")
@click.option("--name", default="bin/datahub", show_default=True, help="What the token is for.")
@with_appcontext
def create_token(user: str, name: str) -> None:
    """Create an API token of a user and print it, alone: nothing can show it again."""
    with _work() as session:
        _, text = tokens.create(session, user=users.find(session, user), name=name)
    click.echo(text)


@click.command("revoke-token")
@with_appcontext
def revoke_token() -> None:
    """Revoke the API token that is read from standard input."""
    with _work() as session:
        token = tokens.find(session, sys.stdin.readline().strip())
        if token is None:
            raise NotFoundError("There is no such token, or it is revoked already.")
        tokens.revoke(session, user=token.user, public_id=token.public_id)
    click.echo(f"Revoked {token.prefix}…")


@click.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Encrypt every stored secret anew with the first key of ENCRYPTION_KEYS. Safe to repeat."""
    with _work() as session:
        changed = connections.rotate_secrets(session, current_app.extensions["vault"])
    click.echo(f"{changed} secrets were encrypted anew; every one uses the first key now.")


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Fill an empty database with the demo; do nothing to any other."""
    click.echo("Filled with the demo." if _fill() else "The database is not empty; nothing was changed.")


@click.command("import-demo")
@click.option("--twice", is_flag=True, help="Import all, then all again; fail if the second time changes anything.")
@with_appcontext
def import_demo(twice: bool) -> None:
    """Import the demo's catalogue, file by file, where that has not happened yet. The workers must run."""
    sessions = make_sessions(db.engine)
    try:
        first = _tell("Imported", sandbox_imports.run_all(sessions) if twice else sandbox_imports.run_new(sessions))
        second = _tell("Imported again", sandbox_imports.run_all(sessions)) if twice else first
    except DataHubError as error:
        raise click.ClickException(str(error)) from error
    if twice and (faults := sandbox_imports.differences(first, second)):
        raise click.ClickException("\n".join(faults))


def _tell(title: str, imports: Iterator[Imported]) -> list[Imported]:
    """A table that grows as they end."""
    names = ("created", "updated", "unchanged", "rejected")
    click.echo(f"{title:<24}{'read':>8}" + "".join(f"{name:>11}" for name in names))
    ended = []
    for found in imports:
        click.echo(f"  {found.name:<22}{found.read:>8,}" + "".join(f"{found.counts[name]:>11,}" for name in names))
        ended.append(found)
    return ended


@click.command("fields")
def fields() -> None:
    """Print docs/fields.md: the fields of every entity."""
    click.echo(in_markdown(), nl=False)


@click.command("permissions")
@with_appcontext
def permissions() -> None:
    """Print docs/permissions.md: what every route demands, and which role may."""
    click.echo(route_table.in_markdown(current_app), nl=False)


@click.command("prepare")
@click.option("--demo", "with_demo", is_flag=True, help="Fill an empty database with the demo.")
@with_appcontext
def prepare(with_demo: bool) -> None:
    """Bring the database up to date, as bin/run does at each start; print the demo's login while it is valid.

    Fails where a stored secret cannot be read with the keys that are set."""
    upgrade()
    with _work() as session:
        connections.check_secrets(session, current_app.extensions["vault"])
    if with_demo:
        _fill()
    password = os.environ.get("DEMO_PASSWORD", "")
    with _work() as session:
        is_valid = bool(password and users.check_password(session, name=sandbox_demo.DEMO_USER, password=password))
    if is_valid:
        click.echo(f"Sign in as {sandbox_demo.DEMO_USER} with the password {password}")


def _fill() -> bool:
    place, password = Place.from_env(os.environ), os.environ.get("DEMO_PASSWORD")
    if place is None or not password:
        raise click.ClickException("The demo needs the sandbox server of bin/run; use bin/run or bin/datahub demo.")
    with _work() as session:
        return sandbox_demo.fill(session, current_app.extensions["vault"], place, password=password)
