"""The account of a soak as a table, with every breach told below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from soak.checker import FATES, MUST_BE_NONE, Account

SHOWN = 20
WIDTH = 60


def format_account(account: Account, more: dict[str, int]) -> Iterator[str]:
    """`more` are counts that break no promise."""
    yield f"{'':<{WIDTH}}{'owed':>8}{'asked':>8}"
    yield _row("by statuses first reached and by Run; by people", account.owed, sum(account.asked.values()))
    for fate in FATES:
        yield _row(f"  {fate}{_must(fate)}", account.fates[fate], account.asked[fate])
    for kind in MUST_BE_NONE:
        if kind not in FATES:
            yield _row(f"{kind}{_must(kind)}", len(account.faults[kind]))
    yield _row("attempts used", account.attempts)
    yield _row("most attempts of one execution", account.most_attempts)
    for name, count in more.items():
        yield _row(name, count)


def format_faults(account: Account) -> Iterator[str]:
    for reason, count in account.errors.most_common(SHOWN):
        yield f"ERROR, {count} times: {reason}"
    for kind, told in account.faults.items():
        for line in told[:SHOWN]:
            yield f"{kind}: {line}"
        if len(told) > SHOWN:
            yield f"{kind}: and {len(told) - SHOWN} more"


def format_counts(title: str, counts: Counter[str]) -> Iterator[str]:
    yield title
    for name in sorted(counts):
        yield _row(f"  {name}", counts[name])


def _must(kind: str) -> str:
    return " (must be 0)" if kind in MUST_BE_NONE else ""


def _row(name: str, *counts: int) -> str:
    return f"{name:<{WIDTH}}" + "".join(f"{count:>8}" for count in counts)
