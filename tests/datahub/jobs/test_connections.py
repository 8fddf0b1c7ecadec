"""What a connection accepts, keeps, hides and forgets."""

from __future__ import annotations

from typing import Any

import asyncssh
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.errors import ConflictError, FieldConflictError, InvalidError, NotFoundError
from datahub.jobs import connections
from datahub.models.connection import Connection
from datahub.models.export_job import SHORT, XML, ExportJob
from datahub.vault import Vault
from tests.settings import ENCRYPTION_KEY

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
OTHER_HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
PRIVATE_KEY = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
LOCKED_KEY = asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="right").decode()


def create(session: Session, vault: Vault, **fields: Any) -> Connection:
    values = {"name": "ERP", "host": "sftp.example.com", "username": "hub"}
    if "private_key" not in fields:
        values["password"] = "s3cret"
    return connections.create(session, vault, **values | fields)


def update(session: Session, vault: Vault, connection: Connection, **fields: Any) -> None:
    values = {name: getattr(connection, name) for name in ("name", "host", "port", "username", "active")}
    connections.update(session, vault, connection, **values | fields)


def use(session: Session, connection: Connection, name: str) -> None:
    now = database_now(session)
    job = ExportJob(
        public_id=name,
        name=name,
        entity="ORDER",
        method="SFTP",
        connection=connection,
        output_folder="out",
        export_format=XML,
        file_name_format=SHORT,
        trigger_statuses=[],
        created_at=now,
        updated_at=now,
    )
    session.add(job)
    session.flush()


def test_a_new_connection_is_active_on_port_22_and_found_by_its_id(session: Session, vault: Vault) -> None:
    connection = create(session, vault, name="  ERP ")
    assert (connection.name, connection.port, connection.active, connection.host_key) == ("ERP", 22, True, None)
    assert connections.get(session, connection.public_id) is connection
    assert connections.list_connections(session) == [connection]
    with pytest.raises(NotFoundError, match="no connection with the id nope"):
        connections.get(session, "nope")


def test_a_password_is_taken_with_its_space_and_nothing_may_turn_the_text_beside_it(
    session: Session, vault: Vault
) -> None:
    stored = create(session, vault, password="   ").password
    assert stored is not None and vault.decrypt(stored) == "   "
    for field in ("name", "username", "password"):
        for mark in ("\u2028", "\u202e", "\u2066", "\x7f", "\n"):
            with pytest.raises(InvalidError) as refused:
                create(session, vault, **{"name": "B", field: f"a{mark}b"})
            assert list(refused.value.fields) == [field], repr(mark)


def test_no_secret_is_readable_in_the_database(session: Session, vault: Vault) -> None:
    create(session, vault)
    create(session, vault, name="B", private_key=LOCKED_KEY, private_key_passphrase="right")
    rows = str(session.execute(text("select * from connections")).all())
    assert "s3cret" not in rows
    assert "PRIVATE KEY" not in rows
    assert "right" not in rows


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 101),
        ("name", "a\nb"),
        ("host", ""),
        ("host", "sftp://example.com"),
        ("host", "example.com/out"),
        ("host", "exa mple.com"),
        ("host", "example.com:22"),
        ("host", "a\x00b"),
        ("host", "-example.com"),
        ("host", "a..b"),
        ("host", "fe80::1%eth0"),
        ("host", "x" * 254),
        ("port", 0),
        ("port", 65536),
        ("username", ""),
        ("username", "a\tb"),
        ("username", "x" * 101),
        ("password", ""),
        ("password", "a\nb"),
        ("private_key", "no key"),
        ("private_key", PRIVATE_KEY.replace("A", "B")),
        ("host_key", "no key"),
        ("host_key", PRIVATE_KEY),
        ("type", "FTP"),
    ],
)
def test_a_fault_is_shown_at_its_field(session: Session, vault: Vault, field: str, value: object) -> None:
    with pytest.raises(InvalidError) as caught:
        create(session, vault, **{field: value})
    assert list(caught.value.fields) == [field]


def test_all_faults_are_shown_together(session: Session, vault: Vault) -> None:
    with pytest.raises(InvalidError) as caught:
        create(session, vault, name="", host="", port=0, username="", password="")
    assert set(caught.value.fields) == {"name", "host", "port", "username", "password"}


@pytest.mark.parametrize("host", ["example", "sftp.example.com", "xn--bcher-kva.example", "10.1.2.3", "2001:db8::1"])
def test_host_names_and_addresses_are_accepted(session: Session, vault: Vault, host: str) -> None:
    assert create(session, vault, host=f" {host} ").host == host


@pytest.mark.parametrize("passphrase", ["", "wrong"])
def test_a_locked_private_key_needs_its_passphrase(session: Session, vault: Vault, passphrase: str) -> None:
    with pytest.raises(InvalidError) as caught:
        create(session, vault, private_key=LOCKED_KEY, private_key_passphrase=passphrase)
    assert list(caught.value.fields) == ["private_key_passphrase"]


def test_a_private_key_pasted_in_a_browser_is_read(session: Session, vault: Vault) -> None:
    connection = create(session, vault, private_key="\r\n" + PRIVATE_KEY.replace("\n", "\r\n") + "  ")
    assert vault.decrypt(connection.private_key or "") == PRIVATE_KEY


def test_a_password_and_a_private_key_together_are_refused(session: Session, vault: Vault) -> None:
    with pytest.raises(InvalidError, match="private_key"):
        create(session, vault, password="x", private_key=PRIVATE_KEY)


def test_a_name_is_taken_whatever_its_case(session: Session, vault: Vault) -> None:
    create(session, vault, name="ERP")
    second = create(session, vault, name="Second")
    with pytest.raises(FieldConflictError) as caught:
        create(session, vault, name="erp")
    assert caught.value.field == "name"
    with pytest.raises(FieldConflictError):
        update(session, vault, second, name="eRP")
    assert second.name == "Second"
    update(session, vault, second, name="SECOND")
    assert second.name == "SECOND"


def test_a_blank_secret_keeps_the_stored_one(session: Session, vault: Vault) -> None:
    connection = create(session, vault)
    update(session, vault, connection, username="other", password="")
    assert vault.decrypt(connection.password or "") == "s3cret"


def test_a_password_replaces_a_private_key_and_the_other_way_round(session: Session, vault: Vault) -> None:
    connection = create(session, vault)
    update(session, vault, connection, private_key=LOCKED_KEY, private_key_passphrase="right")
    assert connection.password is None
    update(session, vault, connection, password="again")
    assert connection.private_key is connection.private_key_passphrase is None


def test_a_wrong_passphrase_for_the_stored_key_is_refused(session: Session, vault: Vault) -> None:
    connection = create(session, vault, private_key=LOCKED_KEY, private_key_passphrase="right")
    with pytest.raises(InvalidError, match="private_key_passphrase"):
        update(session, vault, connection, private_key_passphrase="wrong")
    assert vault.decrypt(connection.private_key_passphrase or "") == "right"


@pytest.mark.parametrize("change", [{"host": "other.example.com"}, {"port": 2222}])
def test_another_host_or_port_drops_the_accepted_host_key(
    session: Session, vault: Vault, change: dict[str, object]
) -> None:
    connection = create(session, vault, host_key=HOST_KEY)
    update(session, vault, connection, username="other")
    assert connection.host_key == HOST_KEY
    update(session, vault, connection, **change)
    assert connection.host_key is None


def test_another_host_may_bring_its_host_key(session: Session, vault: Vault) -> None:
    connection = create(session, vault, host_key=HOST_KEY)
    update(session, vault, connection, host="other.example.com", host_key=f"{OTHER_HOST_KEY} root@other")
    assert connection.host_key == OTHER_HOST_KEY


def test_a_host_key_is_accepted(session: Session, vault: Vault) -> None:
    connection = create(session, vault)
    connections.accept_host_key(session, connection, HOST_KEY)
    assert connection.host_key == HOST_KEY
    with pytest.raises(InvalidError):
        connections.accept_host_key(session, connection, "nonsense")


def test_a_connection_is_disabled_and_activated(session: Session, vault: Vault) -> None:
    connection = create(session, vault)
    connections.disable(session, connection)
    assert not connection.active
    connections.activate(session, connection)
    assert connection.active


def test_a_connection_in_use_is_not_deleted_and_its_jobs_are_named(session: Session, vault: Vault) -> None:
    connection = create(session, vault)
    use(session, connection, "Orders to ERP")
    with pytest.raises(ConflictError, match="used by: Orders to ERP"):
        connections.delete(session, connection)
    assert connections.list_connections(session) == [connection]


def test_an_unused_connection_is_deleted(session: Session, vault: Vault) -> None:
    connections.delete(session, create(session, vault))
    assert connections.list_connections(session) == []


def test_after_rotation_the_old_key_is_not_needed(session: Session, vault: Vault) -> None:
    connection = create(session, vault, private_key=LOCKED_KEY, private_key_passphrase="right")
    new_key = Fernet.generate_key().decode()
    both = Vault({"new": new_key, "test": ENCRYPTION_KEY})
    assert connections.rotate_secrets(session, both) == 2
    assert connections.rotate_secrets(session, both) == 0
    only_new = Vault({"new": new_key})
    assert only_new.decrypt(connection.private_key or "") == LOCKED_KEY
    assert only_new.decrypt(connection.private_key_passphrase or "") == "right"


def test_a_password_belongs_to_the_address_it_was_entered_for(session: Session, vault: Vault) -> None:
    connection = create(session, vault)
    assert connection.password_origin == "sftp.example.com:22"
    update(session, vault, connection, host="elsewhere.example.com")
    assert (connection.password_origin, connection.origin) == ("sftp.example.com:22", "elsewhere.example.com:22")
    update(session, vault, connection, password="again")
    assert connection.password_origin == "elsewhere.example.com:22"
    update(session, vault, connection, private_key=PRIVATE_KEY)
    assert connection.password_origin is None
