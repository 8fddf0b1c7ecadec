"""Options of a list: their labels pair across locales by position, and those that records still use stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from datahub.entities.base import Field
from datahub.jobs.rows.fold import Record, Warned
from datahub.jobs.rows.plan import Plan

IN_USE, UNPAIRED = "option_in_use", "unpaired_option"
Options = Mapping[str, Sequence[str]]


def settle_options(
    connection: Connection, plan: Plan, records: Sequence[Record], stored: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Record, Field, dict[str, str]]]:
    """Gives the records their lists as they are to be stored, the used options at the end with a warning; yields the
    faults of those that cannot be paired. May be repeated."""
    main = plan.main_locale
    for place, item in enumerate(plan.root.given):
        if item.used_options is None:
            continue
        for record in records:
            given = record.values[place]
            if not given or record.remove:
                continue
            before = stored.get(record.key, {}).get(item.column) or {}
            if fault := _too_long(item, given, before, main):
                yield record, item, fault
                continue
            if main not in given:
                continue
            options = _paired(given, before, main)
            gone = [label for label in before.get(main, []) if label not in options[main]]
            used = item.used_options(connection, record.key, gone) if gone else set()
            record.values[place] = _with(options, before, used, main)
            if used:
                message = f"Products still have {', '.join(label for label in gone if label in used)}: kept."
                record.extra_warnings.append(Warned(record.speaker.spooled, IN_USE, item.key, message))


def _too_long(item: Field, given: Options, before: Options, main: str) -> dict[str, str] | None:
    most = len(given.get(main) or before.get(main) or ())
    for locale, labels in given.items():
        count = len(_ended(labels))
        if most and locale != main and count > most:
            message = f"Labels pair by position with those of {main}: there are {most} of them; this has {count}."
            value = "||".join(labels)[:200]
            return {"code": UNPAIRED, "field": item.key, "value": value, "message": message, "locale": locale}
    return None


def _paired(given: Options, before: Options, main: str) -> dict[str, list[str]]:
    """Without the places where the main list is empty or repeats itself. Locales that are stored but not given keep the
    labels that they had for the same options."""
    places: dict[str, int] = {}
    for place, label in enumerate(given[main]):
        if label:
            places.setdefault(label, place)
    paired = {locale: [_at(labels, place) for place in places.values()] for locale, labels in given.items()}
    known = {label: place for place, label in enumerate(before.get(main, ()))}
    # Where no main list was stored, nothing says which options these labels were for but their places.
    for locale, labels in before.items() if known else ():
        if locale not in given:
            paired[locale] = [_at(labels, known.get(label)) for label in places]
    return paired


def _with(options: Mapping[str, list[str]], before: Options, used: set[str], main: str) -> dict[str, list[str]]:
    places = [place for place, label in enumerate(before.get(main, ())) if label in used]
    return {
        locale: _ended([*labels, *(_at(before.get(locale, ()), place) for place in places)])
        for locale, labels in options.items()
    }


def _at(labels: Sequence[str], place: int | None) -> str:
    return labels[place] if place is not None and place < len(labels) else ""


def _ended(labels: Sequence[str]) -> list[str]:
    """Without the empty places at its end."""
    last = max((place for place, label in enumerate(labels, 1) if label), default=0)
    return list(labels[:last])
