"""No secret that somebody gave or got can be read in the database, whatever was done with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import asyncssh
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import Base
from datahub.models.connection import Connection
from tests.webapp.conftest import ParsingClient

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
PASSWORDS = ("sftp-password-one", "sftp-password-two", "own-password-of-bob", "changed-password-of-bob")


def dump(sessions: Sessions) -> str:
    """Every value of every table."""
    with sessions() as session:
        return "\n".join(
            f"{table.name} {list(row)!r}"
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        )


def test_a_dump_holds_no_password_key_token_link_or_cookie(
    client: ParsingClient, sign_in: SignIn, sessions: Sessions
) -> None:
    admin = sign_in("ADMIN")
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    sftp = {"name": "ERP", "host": "sftp.example.com", "port": "22", "username": "hub", "active": "y"}
    assert admin.post("/connections/new/sftp", data=sftp | {"password": PASSWORDS[0]}).status_code == 303
    with sessions() as session:
        url = f"/connections/{session.scalars(select(Connection.public_id)).one()}/edit"
    assert admin.post(url, data=sftp | {"private_key": key}).status_code == 303
    assert admin.post(url, data=sftp | {"password": PASSWORDS[1]}).status_code == 303
    invited = admin.post("/settings/users/new", data={"name": "bob", "role": "OPERATOR"}).text
    link = re.search(r"/set-password/(dh_[\w-]+)", invited)
    given = {"password": PASSWORDS[2], "again": PASSWORDS[2]}
    assert client.post(link[0], data=given).status_code == 303
    client.post("/sign-in", data={"name": "the-password-in-the-wrong-box", "password": "x"})
    assert client.post("/sign-in", data={"name": "bob", "password": PASSWORDS[2]}).status_code == 303
    token = re.search(r"dh_[\w-]{40,}", client.post("/settings/tokens", data={"name": "ERP"}).text)
    changed = {"current": PASSWORDS[2], "password": PASSWORDS[3], "again": PASSWORDS[3]}
    assert client.post("/settings/password", data=changed).status_code == 303
    with client.session_transaction() as cookie:
        session_token = cookie["_user_id"]
    again = re.search(r"/set-password/(dh_[\w-]+)", admin.post("/settings/users/2/link").text)
    found = dump(sessions)
    assert all(name in found for name in ("sftp.example.com", "bob", "sign-in failed", "password reset"))
    secrets = {*PASSWORDS, key.splitlines()[1], link[1], again[1], token[0], session_token}
    secrets.add("the-password-in-the-wrong-box")
    assert {secret for secret in secrets if secret in found} == set()
