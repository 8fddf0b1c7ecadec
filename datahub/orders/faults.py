"""Everything that is wrong with one body, gathered so that its sender sees all of it at once."""

from __future__ import annotations

from datahub.errors import InvalidError


class Faults:
    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, path: str, message: str) -> None:
        self.fields.setdefault(path, []).append(message)

    def add_first(self, path: str, message: str) -> None:
        """Only where nothing is wrong yet: what is malformed is not missing as well."""
        if path not in self.fields:
            self.add(path, message)

    def raise_any(self) -> None:
        """Raises InvalidError if anything was added."""
        if self.fields:
            count = len(self.fields)
            where = f"at {next(iter(self.fields))[:100]}" if count == 1 else f"in {count} fields"
            raise InvalidError(f"The order is not valid: a rule is broken {where}.", self.fields)
