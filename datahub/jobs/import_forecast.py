"""What is told of an import job before it is saved: the schedule, the file as it is read, and what a run would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from datahub.formats.delimited import Row
from datahub.jobs.rows.full_mode import Effect
from datahub.mapping.proposals import Proposal


@dataclass(frozen=True)
class Fit:
    """How a delimiter parts the header. Neither columns nor fields where it cannot be read so."""

    delimiter: str
    columns: int
    fields: int


@dataclass(frozen=True)
class FieldPreview:
    """What feeds a field, its value in the record that is looked at, and the share of rows that bring one."""

    column: str
    share: float
    value: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Cause:
    """Why so many rows would be rejected. `message` is that of the most, where it differs by what they hold: `kinds`
    counts these."""

    field: str
    message: str
    rows: int
    kinds: int = 1


@dataclass(frozen=True)
class Replaced:
    """What a file that replaces everything would do to the records of `store` that are there: so many `stored`, and of
    these so many that no row names."""

    store: str
    stored: int
    gone: int


@dataclass(frozen=True)
class Reading:
    """The sample under the chosen delimiter. `problem` would make a run fail; what comes before it is there all the
    same. `fields` are by field and locale, as in a mapping: productNames[fr-FR]; `extras`, custom fields or attributes
    that need no mapping, by column. `lacks` is what the record looked at lacks, by fields that no column feeds.
    `unchecked` says in words what of the rows only a run can tell. `cleared` is what Full mode would do, if it is
    chosen; it does nothing while there is a line that is `keyless`: it may belong to any record. `replaced` is there
    where the file replaces all."""

    problem: str = ""
    header: Sequence[str] = ()
    rows: Sequence[Row] = ()
    proposals: Sequence[Proposal] = ()
    fields: Mapping[str, FieldPreview] = field(default_factory=dict)
    unused: Sequence[str] = ()
    extras: Mapping[str, FieldPreview] = field(default_factory=dict)
    missing: Sequence[str] = ()
    record: int = 0
    record_fault: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    unchecked: str = ""
    rejected: int = 0
    causes: Sequence[Cause] = ()
    other_causes: int = 0
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cleared: Effect | None = None
    keyless: int | None = None
    replaced: Replaced | None = None


@dataclass(frozen=True)
class Preview:
    """`suggested` is the delimiter that fits clearly better than the other, or empty."""

    summary: str
    schedule: str
    fires: Sequence[datetime]
    fits: Sequence[Fit] = ()
    suggested: str = ""
    reading: Reading = Reading()
