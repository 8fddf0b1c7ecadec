"""An import of offers over sshd on loopback, beside a plain load and merge of the same file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from bench import import_pass, offer_rows, plain_merge
from bench.databases import databases
from bench.import_pass import Pass
from bench.offer_rows import FIRST_LOAD, STATES, TENTH_CHANGED, UNCHANGED
from bench.spans import NAMES
from datahub.db import make_engine, make_sessions
from datahub.models.execution import INTEGRATION_DONE
from datahub.settings import Settings
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job
from tests.servers import SshServer, start_sshd
from tests.settings import ENCRYPTION_KEY, make_settings

# What production runs with; only tests hurry.
TIMERS = {"lease_seconds": 60.0, "beat_seconds": 10.0, "sweep_seconds": 1.0, "hand_out_again_seconds": 15.0}
# But for the wait before a file is fetched, which is no work.
TIMERS |= {"settle_seconds": 0.001}
MEGABYTE = 1024 * 1024
Result = TypeVar("Result")


def run(rows: int, *, profile: bool) -> None:
    rows -= rows % 20
    print(f"{rows:,} rows of offers, in no order: {rows // 2:,} stocks with two prices each")
    print(f"{'database':<12}{'state':<14}{'rows/s':>10}{'plain rows/s':>14}{'ratio':>8}{'peak MB':>9}")
    profiles: list[tuple[str, Pass]] = []
    with tempfile.TemporaryDirectory(prefix="datahub-bench-") as text:
        sshd = start_sshd(Path(text) / "sshd")
        try:
            for state, changed in ((FIRST_LOAD, False), (TENTH_CHANGED, True)):
                offer_rows.write_file(_file(sshd, state), rows, changed=changed)
            for kind, (ours, plain) in databases("ours", "plain"):
                spool = str(Path(text) / kind)
                settings = make_settings(database_url=ours, spool_folder=spool, step_seconds=60.0, **TIMERS)
                job = _prepare(sshd, settings, plain)
                for state in STATES:
                    found = _in_own_process(import_pass.run_pass, settings, job[state], profile)
                    _expect(found, state, rows)
                    seconds = _in_own_process(plain_merge.merge, plain, _file(sshd, state))
                    line = f"{kind:<12}{state:<14}{rows / found.seconds:>10,.0f}{rows / seconds:>14,.0f}"
                    print(f"{line}{seconds / found.seconds:>8.2f}{found.peak / MEGABYTE:>9,.0f}")
                    sys.stdout.flush()
                    profiles.append((f"{kind}, {state}", found))
        finally:
            sshd.stop()
    if profile:
        _print_profiles(profiles, rows)


def _file(sshd: SshServer, state: str) -> Path:
    """The second pass over the changed file finds nothing to do."""
    return sshd.files / ("offers.csv" if state == FIRST_LOAD else "changed.csv")


def _prepare(sshd: SshServer, settings: Settings, plain: str) -> dict[str, int]:
    """The id of the job for each state."""
    for url in (settings.database_url, plain):
        engine = make_engine(url)
        offer_rows.seed(engine)
        engine.dispose()
    engine = make_engine(settings.database_url)
    with make_sessions(engine).begin() as session:
        connection = add_connection(session, Vault({"test": ENCRYPTION_KEY}), sshd)
        jobs = {state: add_import_job(session, connection, file_path=_file(sshd, state).name) for state in STATES}
        session.flush()
        numbers = {state: job.id for state, job in jobs.items()}
    engine.dispose()
    return numbers


def _in_own_process(function: Callable[..., Result], *args: Any) -> Result:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def _expect(found: Pass, state: str, rows: int) -> None:
    wanted = {
        FIRST_LOAD: {"created": rows},
        TENTH_CHANGED: {"updated": rows // 10, "unchanged": rows - rows // 10},
        UNCHANGED: {"unchanged": rows},
    }[state]
    if (found.status, found.counts) != (INTEGRATION_DONE, wanted):
        raise SystemExit(f"{state}: {found.status} with {found.counts}, not {wanted}. {found.error or ''}")


def _print_profiles(profiles: list[tuple[str, Pass]], rows: int) -> None:
    print(f"\n{'microseconds per row':<26}" + "".join(f"{name:>14}" for name in [*NAMES, "other"]))
    for title, found in profiles:
        parts = [found.spans.get(name, 0.0) for name in NAMES]
        parts.append(found.seconds - sum(parts))
        print(f"{title:<26}" + "".join(f"{part / rows * 1_000_000:>14.2f}" for part in parts))
