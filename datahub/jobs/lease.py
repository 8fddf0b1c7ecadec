"""The side thread that keeps the leases of a worker alive while its event loop is busy."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from datahub.errors import LostClaimError
from datahub.jobs import lifecycle
from datahub.jobs.lifecycle import Claim
from datahub.settings import Settings

log = logging.getLogger(__name__)
LEASE_LOST = 70


class LeaseKeeper:
    """Renews every held claim each beat and tells which are lost or stopped. `on_lost` is called from the side thread.

    A process that cannot renew at all ends itself before its leases run out, and one that does not let go of a lost
    claim within a lease's time ends itself too: killing the process ends the work. `on_beat` writes what else there
    is to say of a claim, in the transaction that has just renewed it."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        settings: Settings,
        on_lost: Callable[[Claim], None],
        on_beat: Callable[[Session, Claim], None] | None = None,
    ) -> None:
        self._sessions = sessions
        self._settings = settings
        self._on_lost = on_lost
        self._on_beat = on_beat
        # With when the lease of each was last reckoned: waiting for a lock or a commit after that shortens it.
        self._held: dict[tuple[int, int], tuple[Claim, float]] = {}
        self._lost: dict[tuple[int, int], tuple[Claim, float]] = {}
        self._settled: set[tuple[int, int]] = set()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._threads = [
            threading.Thread(target=self._beat, name="lease-beat", daemon=True),
            threading.Thread(target=self._watch, name="lease-watch", daemon=True),
        ]

    def __enter__(self) -> LeaseKeeper:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def hold(self, claim: Claim) -> None:
        with self._lock:
            self._held[claim.execution_id, claim.attempt] = (claim, claim.leased_at)

    def renew(self, session: Session, claim: Claim) -> None:
        """In the transaction of the work itself, for one that keeps the claim locked: no beat comes through until its
        commit. Raises LostClaimError."""
        began = time.monotonic()
        if not lifecycle.renew(session, claim, self._settings):
            raise LostClaimError(claim.public_id)
        self._note_renewed([claim], began)

    def settle(self, claim: Claim) -> None:
        """What became of it is written next, which fails by itself where the claim is lost; once it is written the
        claim looks lost. Nothing more is told of it."""
        with self._lock:
            self._settled.add((claim.execution_id, claim.attempt))

    def release(self, claim: Claim) -> None:
        """The work on it has ended, whatever became of it."""
        with self._lock:
            self._settled.discard((claim.execution_id, claim.attempt))
            self._held.pop((claim.execution_id, claim.attempt), None)
            self._lost.pop((claim.execution_id, claim.attempt), None)

    def _beat(self) -> None:
        while not self._done.wait(self._settings.beat_seconds):
            with self._lock:
                held = [claim for claim, _ in self._held.values()]
            began = time.monotonic()
            try:
                with self._sessions.begin() as session:
                    lost = [claim for claim in held if not self._renew(session, claim)]
            except SQLAlchemyError as error:
                for claim in held:
                    with _said_of(claim):
                        log.warning("leases could not be renewed: %s", type(error).__name__)
                continue
            self._note_renewed(held, began)
            for claim in lost:
                self._let_go(claim)

    def _renew(self, session: Session, claim: Claim) -> bool:
        is_ours = lifecycle.renew(session, claim, self._settings)
        if is_ours and self._on_beat is not None:
            self._on_beat(session, claim)
        return is_ours

    def _note_renewed(self, claims: list[Claim], began: float) -> None:
        with self._lock:
            for claim in claims:
                key = (claim.execution_id, claim.attempt)
                if key in self._held:
                    self._held[key] = (claim, max(began, self._held[key][1]))

    def _let_go(self, claim: Claim) -> None:
        key = (claim.execution_id, claim.attempt)
        with self._lock:
            # Its work may have ended since this beat began.
            if key in self._settled or self._held.pop(key, None) is None:
                return
            self._lost[key] = (claim, time.monotonic())
        self._on_lost(claim)

    def _watch(self) -> None:
        # On its own thread, since a renewal can hang on a database that has gone silent.
        patience = self._settings.lease_seconds - self._settings.beat_seconds / 2
        while not self._done.wait(self._settings.beat_seconds / 4):
            now = time.monotonic()
            with self._lock:
                is_late = any(now - at > patience for _, at in self._held.values())
                late = [claim for claim, _ in self._held.values()] if is_late else []
                stuck = [claim for claim, at in self._lost.values() if now - at > self._settings.lease_seconds]
            if late or stuck:
                why = "no lease could be renewed" if late else "a lost claim was not let go"
                for claim in late or stuck:
                    with _said_of(claim):
                        log.critical("%s for %.1f s; this worker ends itself", why, patience)
                os._exit(LEASE_LOST)


def _said_of(claim: Claim) -> AbstractContextManager[None]:
    """These threads have not inherited what the claim's own task says with each line."""
    return structlog.contextvars.bound_contextvars(execution=claim.public_id, attempt=claim.attempt)
