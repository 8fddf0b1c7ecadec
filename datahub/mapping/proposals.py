"""Which fields the columns of a source probably feed, for a person to accept or correct."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from datahub.mapping.columns import match
from datahub.mapping.names import Names, Target, fold, split_locale

# Tuned on exports of shops and on renamed labels: below 93 come the first wrong ones, such as "Product Brand ID" for
# the brand. A second field within LEAD leaves the choice to a person: "Order Line" is as near to one id as to another.
NEAR_ENOUGH, LEAD = 93.0, 8.0
# As "Extrnal" and "Exteral" are; "Internal" and "Extra" are farther.
NEAR_EXTERNAL, SHORT_FOR_EXTERNAL = 80.0, ("ext", "extern")

_DIGITS = re.compile(r"[0-9]+")
_BETWEEN_WORDS = re.compile(r"[\s_.-]+|(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Proposal:
    """`exact` where `match` without a mapping would do the same; `score` goes up to 100."""

    column: str
    field: str
    locale: str | None
    exact: bool
    score: float


def propose(header: Sequence[str], targets: Iterable[Target]) -> list[Proposal]:
    """Exact matches first, then near ones from the best down. A field is proposed once, or once per locale."""
    names = Names(targets)
    matched = match(header, names.by_key.values(), None)
    exact = [Proposal(header[item.column], item.field, item.locale, True, 100.0) for item in matched.bindings]
    settled = {item.column for item in matched.bindings}
    settled |= {item.column for item in (*matched.custom_fields, *matched.attributes)}
    near = [found for column, name in enumerate(header) if column not in settled and (found := _near(name, names))]
    near.sort(key=lambda proposal: -proposal.score)
    proposed: dict[tuple[str, str | None], Proposal] = {}
    for proposal in (*exact, *near):
        proposed.setdefault((proposal.field, proposal.locale), proposal)
    return list(proposed.values())


def _near(column: str, names: Names) -> Proposal | None:
    """The field that the name is near to, if no other is about as near. An optional one does not bar a required one."""
    base, locale = split_locale(column)
    core = _core(base)
    scores = {key: _score(core, target) for key, target in names.by_key.items()}
    best = max(names.by_key.values(), key=lambda target: (scores[target.key], target.required), default=None)
    if best is None or scores[best.key] < NEAR_ENOUGH or (locale and not best.localisable):
        return None
    barred = any(
        scores[other.key] > scores[best.key] - LEAD and (other.required or not best.required)
        for other in names.by_key.values()
        if other is not best
    )
    if barred or _DIGITS.findall(base) != _DIGITS.findall(best.key):
        return None
    return Proposal(column, best.key, locale, False, scores[best.key])


def _score(core: str, target: Target) -> float:
    return max(fuzz.ratio(core, _core(name)) for name in (target.key, target.label))


def _core(name: str) -> str:
    """Every id of a partner is an external one, so "Product ID" means the Product External Id. At the front the word
    tells something else: the "external product id" of a marketplace is an EAN."""
    first, *others = _BETWEEN_WORDS.split(name.strip())
    folded = fold("".join([first, *(word for word in others if not _means_external(word.casefold()))]))
    return folded[:1] + folded[1:].replace("external", "")


def _means_external(word: str) -> bool:
    return word in SHORT_FOR_EXTERNAL or fuzz.ratio(word, "external") >= NEAR_EXTERNAL
