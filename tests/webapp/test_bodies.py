"""While the bytes of a request come in, no transaction is open; who may send them, and how many at once."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.access import User, UserSession
from datahub.models.execution import Execution
from datahub.models.export_job import ExportJob
from datahub.models.import_job import RUN_IMMEDIATELY
from tests.factories import add_import_job, make_order
from tests.webapp.api.conftest import Script, assert_error, job, script, script_of
from tests.webapp.conftest import PASSWORD, ParsingClient
from webapp.bodies import MOST_FILES
from webapp.database import db

__all__ = ["job", "script", "script_of"]
Sessions = sessionmaker[Session]
SignIn = Callable[[str], ParsingClient]
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nStock Id\nS-1\n\r\n--b--\r\n'
FORM, JSON, FILES = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b"


class Body(io.BytesIO):
    """Comes in small pieces; `meanwhile` is called before each."""

    def __init__(self, data: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(data)
        self._meanwhile = meanwhile
        self.pieces = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.pieces += 1
        self._meanwhile()
        return super().read(min(size or -1, 20) if size != -1 else 20)

    def readinto(self, buffer: Any, /) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def send(client: Any, path: str, body: Body, kind: str, method: str = "POST") -> Any:
    length = len(body.getvalue())
    return client.open(path, method=method, input_stream=body, content_type=kind, content_length=length)


@pytest.fixture
def import_path(sessions: Sessions, job: ExportJob) -> str:
    with sessions.begin() as session:
        made = add_import_job(session, job.connection, simultaneous_execution=RUN_IMMEDIATELY)
        return f"/imports/{made.public_id}"


@pytest.fixture
def order_path(sessions: Sessions) -> str:
    with sessions.begin() as session:
        return f"/orders/{make_order(session).reference}"


@pytest.fixture
def no_transaction(app: APIFlask) -> Callable[[], None]:
    def no_transaction() -> None:
        with app.app_context():
            pool: Any = db.engine.pool
            assert pool.checkedout() == 0, "a transaction waits for the sender"

    return no_transaction


def test_no_transaction_waits_for_what_a_script_sends(
    script: Script, import_path: str, order_path: str, no_transaction: Callable[[], None]
) -> None:
    change, file = Body(b'{"status": "ACCEPTED_BY_SUPPLIER"}', no_transaction), Body(FILE, no_transaction)
    assert send(script, f"/v1{order_path}", change, JSON, "PATCH").status_code == 200
    assert send(script, f"/v1/mapper/jobs{import_path.removeprefix('/imports')}/run", file, FILES).status_code == 202
    assert change.pieces > 1 and file.pieces > 1


def test_no_transaction_waits_for_the_form_of_a_page(
    sign_in: SignIn, import_path: str, order_path: str, no_transaction: Callable[[], None]
) -> None:
    client = sign_in("OPERATOR")
    move, file = Body(b"status=ACCEPTED_BY_SUPPLIER&seen=", no_transaction), Body(FILE, no_transaction)
    assert send(client, f"{order_path}/status", move, FORM).status_code == 303
    assert send(client, f"{import_path}/upload", file, FILES).status_code == 303
    door = Body(f"name=operator&password={PASSWORD}".encode(), no_transaction)
    assert send(client, "/sign-in", door, FORM).status_code == 303
    assert min(move.pieces, file.pieces, door.pieces) > 1


def test_whoever_is_shut_out_while_they_send_changes_nothing(
    script: Script, sign_in: SignIn, import_path: str, sessions: Sessions
) -> None:
    def shut_out() -> None:
        with sessions.begin() as session:
            session.execute(update(User).values(active=False))

    client = sign_in("ADMIN")
    answer = send(client, f"{import_path}/upload", Body(FILE, shut_out), FILES)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    with sessions.begin() as session:
        session.execute(update(User).values(active=True))
    run = f"/v1/mapper/jobs{import_path.removeprefix('/imports')}/run"
    assert_error(send(script, run, Body(FILE, shut_out), FILES), 401)
    with sessions() as session:
        assert session.scalars(select(Execution)).all() == []
        assert session.scalars(select(UserSession)).all()


def test_nothing_is_read_from_a_stranger(script: Script, order_path: str) -> None:
    def fail() -> None:
        raise AssertionError("read")

    script.token = "dh_unknown"
    assert_error(send(script, f"/v1{order_path}", Body(b"{}", fail), JSON, "PATCH"), 401)


def test_so_many_files_come_in_at_once_and_everything_else_beside_them(
    script: Script, import_path: str, order_path: str
) -> None:
    run = f"/v1/mapper/jobs{import_path.removeprefix('/imports')}/run"
    answers: list[int] = []

    def one_more() -> None:
        """Each begins while all before it are under way."""
        if len(begun) <= MOST_FILES:
            begun.append(True)
            answers.append(send(script, run, Body(FILE, one_more), FILES).status_code)
            change = b'{"externalReference": "X"}'
            assert send(script, f"/v1{order_path}", Body(change, lambda: None), JSON, "PATCH").status_code < 500

    begun: list[bool] = []
    one_more()
    assert answers == [503] + [202] * MOST_FILES
    assert send(script, run, Body(FILE, lambda: None), FILES).status_code == 202, "places are given back"
