"""Workers whose own settings are wrong: what is theirs to do waits for others, and says which setting it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select, update

from datahub.db import database_now
from datahub.jobs import export_run, history, home, import_run, unfit
from datahub.jobs.context import Context
from datahub.jobs.import_executions import MOST_TRIES
from datahub.models.connection import Connection
from datahub.models.execution import (
    INTEGRATION_DONE,
    JOB_FAILED,
    JOB_INITIALIZING,
    JOB_PENDING,
    SUCCESS,
    Event,
    Execution,
)
from datahub.vault import Vault
from tests.datahub.jobs.test_import_run import Start, importing, look, start, suppliers
from tests.datahub.jobs.test_import_tries import make_due

__all__ = ["importing", "start"]

Spoil = Callable[[Context], Context]


def with_an_old_key(context: Context) -> Context:
    return dataclasses.replace(context, vault=Vault({"old": Fernet.generate_key().decode()}))


def with_nothing_allowed(context: Context) -> Context:
    return dataclasses.replace(context, settings=dataclasses.replace(context.settings, outbound_allow=()))


WRONG = [(with_an_old_key, "ENCRYPTION_KEYS"), (with_nothing_allowed, "OUTBOUND_ALLOW")]


def states(context: Context) -> set[tuple[str, int]]:
    with context.sessions() as session:
        return {(row[0], row[1]) for row in session.execute(select(Execution.status, Execution.attempts))}


@pytest.mark.parametrize(("spoil", "setting"), WRONG)
def test_exports_wait_for_a_worker_that_is_set_up_rightly_and_lose_no_attempt(
    context: Context, owe: Callable[..., list[int]], folder: Path, spoil: Spoil, setting: str
) -> None:
    ids = owe(40)
    for _ in range(2):
        export_run.run(spoil(context), ids[0], 1)
    assert states(context) == {(JOB_PENDING, 0)}
    with context.sessions() as session:
        (held,) = home.read(session).held_up
        assert (held.waiting, setting in held.reason) == (40, True)
        for execution_id in (ids[0], ids[-1]):
            assert setting in history.read(session, session.get_one(Execution, execution_id)).waits_for
        told = session.scalars(select(Event.reason).where(Event.execution_id == ids[0], Event.reason.contains(setting)))
        assert len(told.all()) == 1, "not with each message"
    export_run.run(context, ids[0], 1)
    assert states(context) == {(SUCCESS, 1)}
    with context.sessions() as session:
        assert home.read(session).held_up == []
        kept = Execution.error.is_not(None) | Execution.unfit_reason.is_not(None)
        assert session.scalar(select(func.count()).where(kept, Execution.id == ids[0])) == 0


def test_a_failed_try_keeps_its_error_beside_what_workers_note_and_each_note_is_logged_once(
    context: Context, owe: Callable[..., list[int]], folder: Path
) -> None:
    (execution_id,) = owe()
    folder.rmdir()
    export_run.run(context, execution_id, 1)
    with context.sessions.begin() as session:
        failed = session.get_one(Execution, execution_id)
        error, failed.next_attempt_at = failed.error, database_now(session)
        session.execute(update(Connection).values(paused_until=None))
    for _ in range(3):
        for spoil, _setting in WRONG:
            export_run.run(spoil(context), execution_id, 2)
    with context.sessions() as session:
        waiting = session.get_one(Execution, execution_id)
        assert (waiting.attempts, waiting.error) == (1, error)
        (held,) = home.read(session).held_up
        assert "OUTBOUND_ALLOW" in held.reason, "the newest"
        assert "OUTBOUND_ALLOW" in history.read(session, waiting).waits_for
        told = [event.reason for event in waiting.events]
    assert [sum(setting in reason for reason in told) for _, setting in WRONG] == [1, 1]
    folder.mkdir()
    export_run.run(context, execution_id, 2)
    assert states(context) == {(SUCCESS, 2)}


@pytest.mark.parametrize(("spoil", "setting"), WRONG)
def test_an_attempt_that_meets_a_wrong_setting_after_all_is_followed_by_others(
    context: Context,
    owe: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
    spoil: Spoil,
    setting: str,
) -> None:
    """The secret, or the answer of the name server, is another one by then."""

    async def well(*_: object) -> str:
        return ""

    monkeypatch.setattr(unfit, "why", well)
    (execution_id,) = owe()
    export_run.run(spoil(context), execution_id, 1)
    assert states(context) == {(JOB_PENDING, 1)}
    with context.sessions() as session:
        (refused,) = home.read(session).refused
        assert setting in refused.reason
        paused_until = session.scalars(select(Connection.paused_until)).one()
        assert paused_until is not None and paused_until > database_now(session)


@pytest.mark.parametrize(("spoil", "setting"), WRONG)
def test_an_import_is_tried_again_by_others_and_then_fails_with_the_name_of_the_setting(
    importing: Context, start: Start, folder: Path, spoil: Spoil, setting: str
) -> None:
    (folder / "suppliers.csv").write_text(suppliers(15))
    number = start()
    import_run.run(spoil(importing), number, 1)
    assert look(importing.sessions, number)[0] == JOB_INITIALIZING
    make_due(importing)
    import_run.run(importing, number, 2)
    assert look(importing.sessions, number)[0] == INTEGRATION_DONE
    number = start()
    for attempt in range(1, MOST_TRIES + 1):
        import_run.run(spoil(importing), number, attempt)
        make_due(importing)
    with importing.sessions() as session:
        failed = session.get_one(Execution, number)
        assert failed.status == JOB_FAILED
        assert setting in (failed.error or "")
