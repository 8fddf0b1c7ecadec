"""Makes the plan's troubles come true: each on its own thread, those of one target one after the other."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import redis

from soak import people
from soak.plan import Trouble
from soak.stage import DATABASE, Stage
from tests.servers import postgres_admin

Act = Callable[[Trouble], str | None]


class Driver:
    """`counts` tells how often each kind happened and, for what people do, what came of it."""

    def __init__(self, stage: Stage, troubles: tuple[Trouble, ...]) -> None:
        self._stage = stage
        self._troubles = troubles
        self._locks = {trouble.target: threading.Lock() for trouble in troubles}
        self._threads: list[threading.Thread] = []
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._acts: dict[str, Act] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "flush": self._flush,
            "kill and restart": self._kill_and_restart,
            "restart": lambda trouble: self._restart_postgres(trouble, crash=False),
            "crash and restart": lambda trouble: self._restart_postgres(trouble, crash=True),
            "cut connections": self._cut_connections,
            "cut sessions": self._cut_sessions,
            "freeze sessions": self._freeze_sessions,
            "make unwritable": self._make_unwritable,
            "stop": self._ask,
            "retry": self._ask,
            "resend": self._ask,
            "edit": self._edit,
            "disable": self._disable,
            "run": self._run,
        }

    def run(self) -> None:
        """Returns when the last trouble is over and everything was put right again."""
        started = time.monotonic()
        for trouble in self._troubles:
            time.sleep(max(0.0, started + trouble.at - time.monotonic()))
            thread = threading.Thread(target=self._make, args=(trouble,), daemon=True)
            thread.start()
            self._threads.append(thread)
        for thread in self._threads:
            thread.join()

    def _make(self, trouble: Trouble) -> None:
        name = f"{trouble.kind} {_family(trouble.target)}"
        try:
            # People do not wait for each other; only the connection has one at a time who disables it.
            if trouble.kind in people.DOINGS:
                outcome = self._acts[trouble.kind](trouble)
            else:
                with self._locks[trouble.target]:
                    outcome = self._acts[trouble.kind](trouble)
        except Exception as error:  # noqa: BLE001 - reported at the end: a trouble that did not happen proves nothing
            self.failures.append(f"{name}: {type(error).__name__}: {error}")
            return
        self.counts[f"{name}: {outcome}" if outcome else name] += 1

    def _kill(self, trouble: Trouble) -> None:
        if trouble.target == "web":
            # The master starts another; killing it would take the address away for seconds.
            process = self._stage.hub.processes[trouble.target]
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        else:
            self._stage.hub.crash(trouble.target)

    def _freeze(self, trouble: Trouble) -> None:
        self._stage.hub.freeze(trouble.target)
        time.sleep(trouble.seconds)
        self._stage.hub.signal(trouble.target, signal.SIGCONT)

    def _flush(self, _: Trouble) -> None:
        with redis.Redis.from_url(self._stage.redis.url) as client:
            client.flushall()

    def _kill_and_restart(self, trouble: Trouble) -> None:
        server = self._stage.redis if trouble.target == "redis" else self._stage.sshd
        server.stop(kill=True)
        time.sleep(trouble.seconds)
        if trouble.target == "redis":
            self._stage.start_redis()
        else:
            self._stage.start_sshd()

    def _restart_postgres(self, trouble: Trouble, *, crash: bool) -> None:
        self._stage.stop_postgres(crash=crash)
        time.sleep(trouble.seconds)
        self._stage.start_postgres()

    def _cut_connections(self, trouble: Trouble) -> None:
        """Again and again for a moment: some of them in the middle of a COMMIT."""
        until = time.monotonic() + trouble.seconds
        with postgres_admin(self._stage.postgres) as admin:
            while time.monotonic() < until:
                admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [DATABASE])
                time.sleep(0.005)

    def _cut_sessions(self, _: Trouble) -> None:
        self._stage.sshd.cut_sessions()

    def _freeze_sessions(self, trouble: Trouble) -> None:
        """Silent for a while, then as if nothing had been: what was asked meanwhile still happens."""
        sshd = self._stage.sshd
        sshd.freeze_sessions()
        time.sleep(trouble.seconds)
        sshd.thaw_sessions()

    def _make_unwritable(self, trouble: Trouble) -> None:
        folder = self._stage.outbox(trouble.target)
        folder.chmod(0o555)
        time.sleep(trouble.seconds)
        folder.chmod(0o755)

    def _ask(self, trouble: Trouble) -> str:
        with self._stage.hub.api as api:
            return people.act(api, trouble.kind, trouble.pick)

    def _edit(self, trouble: Trouble) -> str:
        with self._stage.hub.api as api:
            return people.edit(api, trouble.target, trouble.pick)

    def _run(self, trouble: Trouble) -> str:
        with self._stage.hub.api as api:
            return people.run(api, trouble.target)

    def _disable(self, trouble: Trouble) -> None:
        with self._stage.hub.api as api:
            people.switch_connection(api, active=False)
            time.sleep(trouble.seconds)
            people.switch_connection(api, active=True)


def _family(target: str) -> str:
    """What the target is, without its number."""
    return target.rstrip("-0123456789")
