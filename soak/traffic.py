"""Orders change status at a steady rate, through the JSON API as a shop's script would do it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

import httpx

from soak.plan import OrderPlan

THREADS = 4
AGAIN_SECONDS = 0.2


class Traffic:
    """`acknowledged` are the (reference, status) that the API answered with 200: from then on the hub owes them."""

    def __init__(self, open_api: Callable[[], httpx.Client], orders: dict[str, OrderPlan]) -> None:
        self._open_api = open_api
        self._orders = orders
        self._lock = threading.Lock()
        self._ticket = itertools.count()
        self._waiting = [(plan.steps[0].at, next(self._ticket), order, 0) for order, plan in orders.items()]
        heapq.heapify(self._waiting)
        self._started = 0.0
        self.acknowledged: list[tuple[str, str]] = []
        self.repeated = 0
        self.refused: list[str] = []
        self._threads = [threading.Thread(target=self._work, name=f"traffic-{n}", daemon=True) for n in range(THREADS)]

    def start(self) -> None:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def is_over(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        with self._open_api() as api:
            while (due := self._next()) is not None:
                order, place = due
                step = self._orders[order].steps[place]
                if self._change(api, order, step.status):
                    with self._lock:
                        self.acknowledged.append((order, step.status))
                        self._plan_next(order, place + 1)

    def _next(self) -> tuple[str, int] | None:
        """Waits for the next step's time; None once no thread will find any more.

        A thread that is on a step takes up the order's next one itself, so an empty heap may end the others."""
        with self._lock:
            if not self._waiting:
                return None
            at, _, order, place = heapq.heappop(self._waiting)
        time.sleep(max(0.0, self._started + at - time.monotonic()))
        return order, place

    def _plan_next(self, order: str, place: int) -> None:
        steps = self._orders[order].steps
        if place < len(steps):
            heapq.heappush(self._waiting, (steps[place].at, next(self._ticket), order, place))

    def _change(self, api: httpx.Client, order: str, status: str) -> bool:
        """Asks until there is an answer: a change that was made already is acknowledged again."""
        while True:
            try:
                answer = api.patch(f"/v1/orders/{order}", json={"status": status})
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                return True
            with self._lock:
                if answer is not None and answer.status_code < 500:
                    self.refused.append(f"{order} to {status}: {answer.status_code} {answer.text[:200]}")
                    return False
                self.repeated += 1
            time.sleep(AGAIN_SECONDS)
