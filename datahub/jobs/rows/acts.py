"""What an act is: a function that does to a record what rows of a file say, as people do by page or API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from datahub.entities.extras import Definition
from datahub.jobs import ledger
from datahub.jobs.rows.faults import Fault

Values = Mapping[str, Any]


class RowFaultError(Exception):
    """What is wrong with one of the rows that an act was given: the first one, unless `number` says another."""

    def __init__(self, code: str, field: str, value: str, message: str, *, number: int = 0) -> None:
        super().__init__(message)
        self.fault: Fault = {"code": code, "field": field, "value": value[:200], "message": message}
        self.number = number


@dataclass(frozen=True)
class Said:
    """What one row says, by key of a field and without what is empty. `customFields` are by external id."""

    values: Values
    file: str
    line: int


@dataclass(frozen=True)
class Warned:
    """`number` is that of the row among those that the act was given."""

    number: int
    code: str
    field: str
    message: str


@dataclass
class Doing:
    """The run that an act is part of. `store_id` is the store that the job names, `definitions` are the custom fields
    that the run knows. A file of the rows at hand `feeds_extras` by a column of custom fields; where it `clears`, those
    that no row gives go."""

    actor: str
    main_locale: str
    execution_id: int | None = None
    store_id: int | None = None
    definitions: Sequence[Definition] = ()
    feeds_extras: bool = False
    clears: bool = False
    warnings: list[Warned] = field(default_factory=list)

    def source(self, entity: str, row: Said) -> ledger.Source:
        """For the change ledger, of what this row does to a record of the entity."""
        return ledger.Source(entity, self.execution_id, self.actor, row.file, row.line)

    def warn(self, number: int, code: str, field: str, message: str) -> None:
        self.warnings.append(Warned(number, code, field, message))


@dataclass(frozen=True)
class Act:
    """`do` gets a session, the record's key, what rows of it say, and the run. It gives a word of COUNTS for each row,
    or raises RowFaultError, and what it has done is undone. The key is empty where rows name the record by `other_key`
    alone, and none is called so.

    It gets one row at a time, in the order of the file. Where `is_joint`, it gets all rows of a record at once, and one
    that is bad costs them all."""

    do: Callable[[Session, str, Sequence[Said], Doing], Sequence[str]]
    is_joint: bool = False
