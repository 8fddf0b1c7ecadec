"""The pages of connections: list, form, test in steps, host key, switching, deleting."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.connection import Connection
from datahub.vault import Vault
from tests import factories
from tests.servers import SshServer
from tests.statements import noted_statements
from tests.webapp.conftest import ParsingClient
from tests.webapp.test_executions import engine_of

SignIn = Callable[[str], ParsingClient]
Sessions = sessionmaker[Session]
Add = Callable[..., Connection]
FORM = {"name": "ERP", "host": "sftp.example.com", "port": "2222", "username": "hub", "password": "tell-nobody-1"}


@pytest.fixture
def add(sessions: Sessions, vault: Vault) -> Add:
    """add(sshd, jobs=2, …): a committed connection with that many jobs."""

    def add(sshd: SshServer | None = None, jobs: int = 0, **fields: Any) -> Connection:
        with sessions.begin() as session:
            connection = factories.add_connection(session, vault, sshd, **fields)
            for _ in range(jobs):
                factories.make_job(session, connection)
        return connection

    return add


def stored(sessions: Sessions, name: str = "ERP") -> Connection:
    with sessions() as session:
        return session.scalars(select(Connection).where(Connection.name == name)).one()


def test_an_empty_list_offers_the_first_connection_to_those_who_may(sign_in: SignIn) -> None:
    assert "/connections/new/sftp" in sign_in("OPERATOR").get("/connections").text
    assert "/connections/new/sftp" not in sign_in("VIEWER").get("/connections").text


def test_a_new_connection_is_stored_with_its_password_encrypted(
    sign_in: SignIn, sessions: Sessions, vault: Vault
) -> None:
    client = sign_in("OPERATOR")
    answer = client.post("/connections/new/sftp", data=FORM)
    connection = stored(sessions)
    assert answer.location == f"/connections/{connection.public_id}"
    assert (connection.host, connection.port, connection.username) == ("sftp.example.com", 2222, "hub")
    assert connection.password and vault.decrypt(connection.password) == "tell-nobody-1"
    assert "Not accepted yet" in client.get(answer.location).text


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"name": "erp"}, "name", "There is already a connection named erp."),
        ({"name": " "}, "name", "Must not be empty."),
        ({"host": "sftp://x"}, "host", "Give a host name or an IP address alone"),
        ({"port": "70000"}, "port", "Give a number between 1 and 65535."),
        ({"port": "many"}, "port", "Not a valid integer value."),
        ({"password": ""}, "password", "Give a password or a private key."),
        ({"private_key": "nonsense"}, "private_key", "Give a password or a private key, not both."),
        ({"password": "", "private_key": "nonsense"}, "private_key", "not a private key"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_stored(
    sign_in: SignIn, add: Add, sessions: Sessions, changes: dict[str, str], field: str, message: str
) -> None:
    add(name="ERP")
    answer = sign_in("OPERATOR").post("/connections/new/sftp", data=FORM | {"name": "New"} | changes)
    assert answer.status_code == 422
    assert message in answer.text.partition(f'id="{field}-errors"')[2].partition("</div>")[0]
    with sessions() as session:
        assert len(session.scalars(select(Connection)).all()) == 1


def test_secrets_are_never_sent_back(sign_in: SignIn, add: Add, sshd: SshServer) -> None:
    connection = add(sshd, name="ERP")
    client = sign_in("OPERATOR")
    key_line = sshd.private_key.splitlines()[1]
    pages = [
        client.get(f"/connections/{connection.public_id}").text,
        client.get(f"/connections/{connection.public_id}/edit").text,
        client.post("/connections/new/sftp", data=FORM | {"private_key": sshd.private_key}).text,
    ]
    assert all(key_line not in page and "tell-nobody-1" not in page for page in pages)
    assert connection.private_key and all(connection.private_key not in page for page in pages)
    assert "secrets are never sent back" in pages[2]


def test_blank_secrets_keep_the_stored_ones(sign_in: SignIn, sessions: Sessions, vault: Vault) -> None:
    client = sign_in("OPERATOR")
    address = client.post("/connections/new/sftp", data=FORM).location
    client.post(f"{address}/edit", data=FORM | {"name": "ERP 2", "password": ""})
    connection = stored(sessions, "ERP 2")
    assert connection.password and vault.decrypt(connection.password) == "tell-nobody-1"


def test_a_new_address_drops_the_host_key_and_says_so(
    sign_in: SignIn, add: Add, sessions: Sessions, sshd: SshServer
) -> None:
    connection = add(sshd, name="ERP")
    client = sign_in("OPERATOR")
    address = f"/connections/{connection.public_id}"
    same = {"name": "ERP", "host": connection.host, "port": str(connection.port), "username": "other"}
    client.post(f"{address}/edit", data=same)
    assert stored(sessions).host_key == sshd.host_key
    assert "host key is not accepted any more" not in client.get(address).text
    client.post(f"{address}/edit", data=same | {"port": "2222"})
    assert stored(sessions).host_key is None
    assert "host key is not accepted any more" in client.get(address).text


def test_a_test_shows_the_host_key_which_is_accepted_and_then_everything_works(
    sign_in: SignIn, add: Add, sessions: Sessions, sshd: SshServer
) -> None:
    (sshd.files / "out").mkdir()
    connection = add(sshd, name="ERP", host_key=None)
    client = sign_in("OPERATOR")
    address = f"/connections/{connection.public_id}"
    refused = client.post(f"{address}/test", htmx=True).text
    assert refused.lstrip().startswith('<section id="test"')
    assert "Accept this key" in refused and "SHA256:" in refused
    fields = dict(re.findall(r'name="(host_key|address)" value="([^"]+)"', refused))
    answer = client.post(f"{address}/host-key", data=fields)
    assert (answer.status_code, answer.location) == (303, address)
    assert stored(sessions).host_key == sshd.host_key
    signed_in = client.post(f"{address}/test", htmx=True).text
    assert "Everything works" not in signed_in and "No folder was looked at" in signed_in
    passed = client.post(f"{address}/test", data={"folder": "out"}, htmx=True).text
    assert "Everything works" in passed and "in out listing, writing, renaming and deleting" in passed
    assert passed.count("passed</span>") == 8
    assert list((sshd.files / "out").iterdir()) == []


def test_a_test_without_a_script_answers_the_whole_page(sign_in: SignIn, add: Add, sshd: SshServer) -> None:
    connection = add(sshd)
    page = sign_in("OPERATOR").post(f"/connections/{connection.public_id}/test", data={"folder": "missing"}).text
    assert page.lstrip().startswith("<!doctype")
    assert "The folder missing does not exist" in page
    assert page.count("passed</span>") == 4 and page.count("failed</span>") == 1


def test_a_key_that_was_shown_for_another_address_is_not_accepted(
    sign_in: SignIn, add: Add, sessions: Sessions, sshd: SshServer
) -> None:
    connection = add(sshd, name="ERP", host_key=None)
    data = {"host_key": sshd.host_key, "address": "elsewhere:22"}
    assert sign_in("OPERATOR").post(f"/connections/{connection.public_id}/host-key", data=data).status_code == 409
    assert stored(sessions).host_key is None


def test_disabling_says_what_waits_and_activating_undoes_it(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    connection = add(name="ERP")
    with sessions.begin() as session:
        job = factories.make_job(session, session.get_one(Connection, connection.id))
        factories.make_order(session, status="ACCEPTED_BY_SUPPLIER")
    client = sign_in("OPERATOR")
    client.post(f"/export-jobs/{job.public_id}/run")
    address = f"/connections/{connection.public_id}"
    assert "1 export waits for it now" in client.get(address).text
    client.post(f"{address}/disable")
    assert stored(sessions).active is False
    assert "exports over it wait until it is active again" in client.get(address).text
    client.post(f"{address}/activate")
    assert stored(sessions).active is True


def test_a_connection_in_use_is_not_deletable_and_names_its_jobs(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    used, free = add(jobs=1, name="Used"), add(name="Free")
    client = sign_in("OPERATOR")
    page = client.get(f"/connections/{used.public_id}").text
    assert "It cannot be deleted while a job uses it." in page
    assert f"/connections/{used.public_id}/delete" not in page
    refused = client.post(f"/connections/{used.public_id}/delete")
    assert refused.status_code == 409 and "is used by: Job" in refused.text
    assert client.post(f"/connections/{free.public_id}/delete").location == "/connections"
    with sessions() as session:
        assert session.scalars(select(Connection.name)).all() == ["Used"]


def test_viewers_look_and_change_nothing(sign_in: SignIn, add: Add) -> None:
    address = f"/connections/{add().public_id}"
    client = sign_in("VIEWER")
    page = client.get(address)
    assert page.status_code == 200 and 'method="post"' not in page.text.partition("<main")[2]
    assert client.get("/connections/new/sftp").status_code == 403
    for action in ("edit", "test", "host-key", "activate", "disable", "delete"):
        assert client.post(f"{address}/{action}").status_code == 403, action


def test_the_list_costs_the_same_few_statements_however_long(sign_in: SignIn, app: APIFlask, add: Add) -> None:
    client = sign_in("VIEWER")
    add(jobs=1)
    with noted_statements(engine_of(app)) as few:
        client.get("/connections")
    for _ in range(4):
        add(jobs=2)
    with noted_statements(engine_of(app)) as many:
        page = client.get("/connections").text
    assert len(many) == len(few)
    assert page.count("2 jobs") == 4


def test_an_unknown_connection_is_not_found(sign_in: SignIn) -> None:
    assert sign_in("VIEWER").get("/connections/new").status_code == 404


def test_a_connection_links_its_import_jobs(sign_in: SignIn, add: Add, sessions: Sessions) -> None:
    connection = add()
    with sessions.begin() as session:
        job = factories.add_import_job(session, session.get_one(Connection, connection.id), name="Offers of Huber")
    page = sign_in("VIEWER").get(f"/connections/{connection.public_id}").text
    assert f'href="/imports/{job.public_id}"' in page
