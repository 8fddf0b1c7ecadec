"""Options of a list that records still use: they stay, whatever a row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from datahub.jobs.import_fold import Record, Warned
from datahub.jobs.import_plan import Plan
from datahub.jobs.json_values import newer

IN_USE = "option_in_use"
Options = dict[str, list[str]]


def keep_used_options(
    connection: Connection, plan: Plan, records: Sequence[Record], stored: Mapping[str, Mapping[str, Any]]
) -> None:
    """Gives the used ones back to the records, at the end of their lists, with a warning. May be repeated."""
    for place, item in enumerate(plan.root.given):
        if item.used_options is None:
            continue
        for record in records:
            before = stored.get(record.key, {}).get(item.column)
            if not before or not record.values[place] or record.remove:
                continue
            given: Options = newer(before, record.values[place])
            kept_labels = given.get(plan.main_locale, [])
            gone = [label for label in before.get(plan.main_locale, []) if label not in kept_labels]
            used = item.used_options(connection, record.key, gone) if gone else set()
            if used:
                record.values[place] = _with(given, before, used, plan.main_locale)
                message = f"Products still have {', '.join(label for label in gone if label in used)}: kept."
                record.extra_warnings.append(Warned(record.speaker.spooled, IN_USE, item.key, message))


def _with(given: Options, before: Options, used: set[str], main_locale: str) -> Options:
    """Labels pair across locales by position, so only lists that are as long as the main one can take theirs back."""
    length = len(given.get(main_locale, []))
    places = [place for place, label in enumerate(before[main_locale]) if label in used]
    result = dict(given)
    for locale, labels in before.items():
        known = given.get(locale, [])
        if len(known) == length and len(labels) > max(places):
            result[locale] = known + [labels[place] for place in places]
    return result
