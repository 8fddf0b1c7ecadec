"""What every case needs: jobs and orders that owe files, and the check of rows against the folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from datahub.db import read_only
from datahub.formats import FORMATS
from datahub.jobs import orders
from datahub.models.connection import Connection
from datahub.models.execution import JOB_STARTED, SUCCESS, UNENDED, Event, Execution
from datahub.vault import Vault
from tests.chaos.observer import Observer
from tests.factories import add_connection, make_job, make_order
from tests.journeys.hub import Hub
from tests.servers import SshServer, wait_until

ACCEPTED, SHIPPED = "ACCEPTED_BY_SUPPLIER", "SHIPPED"


@dataclass
class Hold:
    """Makes a process wait at a crash point from `arm` (or its start) to `release`, which lets everybody pass."""

    point: str
    file: Path
    arms: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.arms = {"HOLD_POINT": self.point, "HOLD_FILE": str(self.file)}

    def arm(self) -> None:
        self.file.unlink()

    def wait(self) -> None:
        wait_until(self.file.exists, what=f"the hold {self.point}")

    def release(self) -> None:
        # A link to nowhere does not exist for who waits, and cannot be created by who comes later.
        link = self.file.with_suffix(".released")
        link.symlink_to("nowhere")
        link.replace(self.file)


@dataclass
class Scene:
    """A hub of which nothing runs yet, a server to deliver to, and somebody who watches its folder."""

    hub: Hub
    vault: Vault
    sshd: SshServer
    folder: Path
    observer: Observer

    def add_job(self, *, connection: dict[str, Any] | None = None, **job: Any) -> str:
        """Into the watched folder unless told otherwise. Returns the job's public id."""
        with self.hub.sessions.begin() as session:
            to = add_connection(session, self.vault, self.sshd, **connection or {})
            return make_job(session, to, **job).public_id

    def owe(self, count: int = 1, *, status: str = ACCEPTED, **order: Any) -> list[int]:
        """So many orders reach the status in one transaction. Returns the ids of the executions."""
        with self.hub.sessions.begin() as session:
            fired = [
                orders.change_status(session, make_order(session, **order), status, actor="ada") for _ in range(count)
            ]
            return [execution.id for executions in fired for execution in executions]

    def executions(self, ids: Sequence[int] = ()) -> list[Execution]:
        """As they are now, with their events and the names of their files; without ids all of them."""
        return self._read(ids, joinedload(Execution.payload), selectinload(Execution.events))

    def _read(self, ids: Sequence[int], *loads: ORMOption) -> list[Execution]:
        query = select(Execution).order_by(Execution.id)
        query = query.where(Execution.id.in_(ids)) if ids else query
        with self.hub.sessions() as session:
            return list(read_only(session).scalars(query.options(*loads)))

    def execution(self, execution_id: int) -> Execution:
        (found,) = self.executions([execution_id])
        return found

    def count(self, *statuses: str) -> int:
        with self.hub.sessions() as session:
            counted = select(func.count()).select_from(Execution).where(Execution.status.in_(statuses))
            return read_only(session).scalars(counted).one()

    def wait_until_all_ended(self, seconds: float = 120) -> None:
        wait_until(lambda: self.count(*UNENDED) == 0, seconds, what="the end of every execution")

    def wait_for(self, execution_id: int, status: str, seconds: float = 60) -> None:
        of_it = select(Execution.status).where(Execution.id == execution_id)

        def is_there() -> bool:
            with self.hub.sessions() as session:
                return read_only(session).scalar(of_it) == status

        wait_until(is_there, seconds, what=status)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def assert_each_delivered_once(self) -> None:
        """Every execution there is succeeded, stands in the folder under its own name with the bytes of its frozen
        order, came there once, was never seen otherwise, and left nothing behind."""
        self.observer.finish()
        expected = {}
        frozen = joinedload(Execution.snapshot), joinedload(Execution.export_job)
        found = self._read((), *frozen, joinedload(Execution.payload), selectinload(Execution.events))
        for execution in found:
            assert execution.payload and execution.snapshot and execution.export_job
            assert (execution.status, execution.token) == (SUCCESS, None), execution.error
            assert not execution.may_have_arrived_twice
            assert [event.to_status for event in execution.events].count(SUCCESS) == 1
            assert execution.events[-1].to_status == SUCCESS
            chosen = FORMATS[execution.export_job.export_format]
            expected[execution.payload.file_name] = chosen.render(execution.snapshot.document)
        assert len(expected) == len(found)
        assert {path.name: path.read_bytes() for path in self.folder.iterdir()} == expected
        assert self.observer.contents == {name: [content] for name, content in expected.items()}
        assert self.observer.deliveries == dict.fromkeys(expected, 1)

    def redirect(self, **address: Any) -> None:
        """Gives every connection another address."""
        with self.hub.sessions.begin() as session:
            session.execute(update(Connection).values(**address))


def starts(execution: Execution) -> list[Event]:
    """One per attempt."""
    return [event for event in execution.events if (event.from_status, event.to_status) == ("JOB_PENDING", JOB_STARTED)]


def ends(execution: Execution) -> list[Event]:
    """How each attempt ended, or the waiting before it."""
    return [event for event in execution.events if event.from_status is not None and event.to_status != JOB_STARTED]
