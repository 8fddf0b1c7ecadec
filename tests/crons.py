"""Any cron expression of the dialect that fires, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from datahub.jobs.schedule import parse_cron


def _field(low: int, high: int, *named: str) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.tuples(st.just("*") | number.map(str) | span, st.integers(1, high + 2))
    item = st.one_of(number.map(str), span, step.map(lambda pair: f"{pair[0]}/{pair[1]}"))
    item = item | st.sampled_from(named) if named else item
    return st.just("*") | item | st.lists(item | st.just("*"), min_size=2, max_size=4).map(",".join)


def _fires(cron: str) -> bool:
    try:
        parse_cron(cron)
    except ValueError:
        return False
    return True


crons = (
    st.tuples(
        _field(0, 59),
        _field(0, 23),
        _field(1, 31, "L", "LW"),
        _field(1, 12, "JAN", "FEB", "DEC"),
        _field(0, 7, "SUN", "SAT", "MON-FRI", "5L", "7L", "MON#2", "0#5"),
    )
    .map(" ".join)
    .filter(_fires)
)
