"""Everything that is wrong with one thing that a person or script gives, gathered so that all of it is seen at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from datahub.errors import InvalidError

# Those that turn the direction of the text beside them as well.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
MOST_NAMED = 10


class Faults:
    """`fields` maps each faulty field to its messages; dotted paths name nested ones."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, name: str, message: str) -> None:
        self.fields.setdefault(name, []).append(message)

    def add_first(self, name: str, message: str) -> None:
        """Only where nothing is wrong yet: what is malformed is not missing as well."""
        if name not in self.fields:
            self.add(name, message)

    def extend(self, found: Mapping[str, Sequence[str]]) -> None:
        for name, messages in found.items():
            self.fields.setdefault(name, []).extend(messages)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Takes in the fields of an InvalidError."""
        try:
            yield
        except InvalidError as error:
            self.extend(error.fields)

    def choice(self, name: str, value: str, allowed: Iterable[str]) -> None:
        if value not in allowed:
            self.add(name, f"Must be {' or '.join(allowed)}, not {value!r}.")

    def text(self, name: str, value: str, length: int, *, missing: str) -> str:
        """The value without the space around it. `missing` asks for it where there is none."""
        text = value.strip()
        if not text:
            self.add(name, missing)
        self.line(name, text, length)
        return text

    def line(self, name: str, value: str, length: int) -> None:
        """Also where the space around it counts, or where it is empty."""
        if len(value) > length:
            self.add(name, f"At most {length} characters; this has {len(value)}.")
        elif CONTROL.search(value):
            self.add(name, "Control characters and line breaks are not possible here.")

    def raise_any(self, what: str) -> None:
        """Raises InvalidError, which says in what, if there is one."""
        if not self.fields:
            return
        names = sorted(self.fields)
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        listed = ", ".join(name[:100] for name in names[:MOST_NAMED])
        raise InvalidError(f"Faults in the {what}: {listed}{more}.", self.fields)
