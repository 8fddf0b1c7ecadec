from __future__ import annotations

from itertools import pairwise

from datahub.orders.life import may_move
from soak.plan import JOBS, KINDS, STANDING_STATUS, START_STATUS, make_plan


def test_same_number_makes_the_same_plan() -> None:
    assert make_plan(7, 300, 200) == make_plan(7, 300, 200)
    assert make_plan(7, 300, 200).troubles != make_plan(8, 300, 200).troubles


def test_every_order_lives_as_the_life_cycle_allows_and_reaches_two_or_three_trigger_statuses() -> None:
    for order in make_plan(1, 300, 200).orders:
        statuses = [START_STATUS, *(step.status for step in order.steps)]
        assert all(may_move(came_from, to) for came_from, to in pairwise(statuses))
        assert len(set(statuses) & set(JOBS[0].statuses)) in (2, 3)


def test_two_minutes_run_jobs_over_orders_that_only_a_run_sends() -> None:
    plan = make_plan(4, 120, 800)
    assert plan.jobs_run == {job.name for job in JOBS}
    assert len(plan.standing) == 200
    assert all(STANDING_STATUS in job.statuses for job in JOBS)


def test_five_minutes_hold_every_kind_of_trouble_and_all_of_it_within_the_time() -> None:
    plan = make_plan(1, 300, 200)
    met = {(trouble.kind, trouble.target) for trouble in plan.troubles}
    assert all(any((kind.name, target) in met for target in kind.targets) for kind in KINDS)
    times = [step.at for order in plan.orders for step in order.steps] + [trouble.at for trouble in plan.troubles]
    assert min(times) >= 0
    assert max(times) < 300
