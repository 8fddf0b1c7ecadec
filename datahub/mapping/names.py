"""Names of columns and fields: when two count as the same, and what a locale in brackets means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

_SEPARATORS = re.compile(r"[\s_-]+")
_BRACKETS = re.compile(r"(.+)\[([^\[\]]+)\]", re.DOTALL)
_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class Target:
    """What a mapping may point at. The caller decides what `required` stands for: such a field must have a column,
    unless the field `waived_by` has one. `spellings` are other names than key and label."""

    key: str
    label: str
    required: bool = False
    localisable: bool = False
    waived_by: str | None = None
    spellings: tuple[str, ...] = ()

    def is_lacking(self, fed: Collection[str]) -> bool:
        """Whether it needs a column where only the fields `fed` have one."""
        return self.required and self.key not in fed and self.waived_by not in fed


def fold(name: str) -> str:
    """Case, spaces, `_` and `-` do not tell the names of columns apart."""
    return _SEPARATORS.sub("", name.casefold())


def split_brackets(name: str) -> tuple[str, str | None]:
    """`productNames[fr-FR]` in two, whatever the brackets hold; None where they are empty or not at the end."""
    found = _BRACKETS.fullmatch(name.strip())
    return (found[1].strip(), found[2].strip()) if found else (name.strip(), None)


def locale_tag(text: str) -> str | None:
    """An IETF language tag as it is usually written, such as fr-FR or zh-Hant-TW; None for any other text."""
    if not _TAG.fullmatch(text):
        return None
    language, *others = text.lower().split("-")
    return "-".join([language, *map(_usual_case, others)])


def _usual_case(subtag: str) -> str:
    if len(subtag) == 2:
        return subtag.upper()
    return subtag.title() if len(subtag) == 4 else subtag


def split_locale(name: str) -> tuple[str, str | None]:
    """The name and its locale. A name stays whole where its brackets hold no language tag."""
    base, text = split_brackets(name)
    tag = locale_tag(text) if text else None
    return (base, tag) if tag else (name.strip(), None)


class Found(NamedTuple):
    """The lower the rank, the closer the name: equal to the key, equal to the label, equal when folded or
    another spelling."""

    target: Target
    locale: str | None
    rank: int


class Names:
    """Targets by key and label, as written and folded; a key goes before a label."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self.by_key = {target.key: target for target in targets}
        self._written = {target.label: target for target in self.by_key.values()} | self.by_key
        others = {fold(name): target for target in self.by_key.values() for name in target.spellings}
        labels = {fold(target.label): target for target in self.by_key.values()}
        self._folded = others | labels | {fold(target.key): target for target in self.by_key.values()}

    def find(self, name: str) -> Found | None:
        """What a column's name stands for. A locale on a field that has none stands for nothing."""
        if found := self._find_whole(name.strip(), None):
            return found
        base, locale = split_locale(name)
        found = self._find_whole(base, locale) if locale else None
        return found if found and found.target.localisable else None

    def _find_whole(self, name: str, locale: str | None) -> Found | None:
        target = self._written.get(name) or self._folded.get(fold(name))
        return Found(target, locale, (target.key, target.label, name).index(name)) if target else None
