"""python -m soak --seed N --minutes M: the same number makes the same plan. Exit code 0 only when nothing was lost."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from soak.checker import UNOWED, Account, check
from soak.driver import Driver
from soak.observer import ARRIVED, OVERFLOWED, TAKEN
from soak.plan import JOBS, Plan, make_plan
from soak.records import count_unended, find_strangers, read_books
from soak.stage import Stage, open_stage
from soak.table import format_account, format_counts, format_faults
from soak.traffic import Traffic

ORDERS_PER_MINUTE = 400
# After the last trouble. Work left over may take a busy machine minutes, but then some of it ends all the time.
STILL_SECONDS, SETTLE_SECONDS = 60.0, 900.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="chooses the plan (default 1)")
    parser.add_argument("--minutes", type=float, default=5.0, metavar="M", help="of work and troubles (default 5)")
    parser.add_argument("--orders", type=int, metavar="N", help=f"default {ORDERS_PER_MINUTE} for each minute")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    orders = options.orders or max(1, int(ORDERS_PER_MINUTE * options.minutes))
    plan = make_plan(options.seed, options.minutes * 60, orders)
    print(f"seed {plan.number}: {orders} orders, {len(plan.troubles)} troubles in {plan.seconds:g} s")
    with open_stage(plan) as stage:
        print(f"logs, files and notes: {stage.folder}; database: {stage.postgres.folder}", flush=True)
        is_good = Soak(stage, plan).run()
        stage.is_kept = not is_good
    return 0 if is_good else 1


class Soak:
    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._traffic = Traffic(lambda: stage.hub.api, dict(zip(stage.references, plan.orders, strict=True)))
        self._driver = Driver(stage, plan.troubles)
        self._jobs_run = plan.jobs_run
        self._settled_in = 0.0
        self._broken: list[str] = []

    def run(self) -> bool:
        """Whether every promise held and the soak itself worked."""
        started = time.monotonic()
        self._traffic.start()
        self._driver.run()
        if not self._wait_while_moving(lambda: len(self._traffic.acknowledged), lambda: self._traffic.is_over):
            self._broken.append("status changes were never answered")
        quiet = time.monotonic()
        print(f"quiet after {quiet - started:.0f} s", flush=True)
        self._wait_while_moving(self._count_unended, lambda: self._count_unended() == 0)
        self._settled_in = time.monotonic() - quiet
        self._stage.end_hub()
        findings = self._stage.findings()
        with self._stage.hub.sessions() as session:
            account = check(read_books(session, findings, self._traffic.acknowledged, self._jobs_run))
        return self._report(account, findings)

    def _count_unended(self) -> int:
        with self._stage.hub.sessions() as session:
            return count_unended(session)

    def _wait_while_moving(self, count: Callable[[], int], is_over: Callable[[], bool]) -> bool:
        """Whether it is over at last; gives up once the count has stood still for STILL_SECONDS."""
        begun = moved = time.monotonic()
        known = count()
        while not is_over():
            now = time.monotonic()
            if now - moved > STILL_SECONDS or now - begun > SETTLE_SECONDS:
                return False
            if (counted := count()) != known:
                known, moved = counted, now
            time.sleep(0.2)
        return True

    def _report(self, account: Account, findings: list[dict[str, Any]]) -> bool:
        kinds = Counter(found["kind"] for found in findings)
        for job in JOBS:
            account.faults[UNOWED] += find_strangers(self._stage.outbox(job.name), findings)
        self._broken += [f"a trouble did not happen: {failure}" for failure in self._driver.failures]
        self._broken += [f"the API refused: {refused}" for refused in self._traffic.refused]
        if kinds[OVERFLOWED]:
            self._broken.append("the partner was told too much at once and missed some of it")
        more = {
            "marked as perhaps arrived twice": account.marked,
            "final names seen": kinds[ARRIVED],
            "  replaced before they could be read": account.unread,
            "  taken away by the partner": kinds[TAKEN],
            "temporary files left": len(self._stage.leftovers()),
            "status changes acknowledged": len(self._traffic.acknowledged),
            "  asked again, for want of an answer": self._traffic.repeated,
            "processes started again": len(self._stage.hub.endings),
            "seconds from quiet to settled": round(self._settled_in),
        }
        for line in [*format_account(account, more), *format_counts("troubles", self._driver.counts)]:
            print(line)
        for line in [*format_faults(account), *self._broken]:
            print(line)
        is_good = account.is_good and not self._broken
        print("PASSED" if is_good else f"FAILED; kept for a look: {self._stage.folder}", flush=True)
        return is_good


if __name__ == "__main__":
    sys.exit(main())
