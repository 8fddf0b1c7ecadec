"""Chunks of a spool that are read while the one before them is written."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from datahub.entities import ENTITIES
from datahub.jobs.import_ahead import read_ahead
from datahub.jobs.import_plan import Converted, Plan
from datahub.mapping.transcoding import Transcoding, compile
from datahub.storage import Spool, SpooledRow

NO_TABLES = Transcoding(compile([]))


@pytest.fixture
def plan() -> Plan:
    return Plan(ENTITIES["SUPPLIER"], ["id", "name"], [(0, "externalId", None), (1, "name", None)], NO_TABLES, "en-GB")


def spooled(path: Path, keys: list[str]) -> Path:
    with closing(Spool(path)) as spool:
        spool.begin()
        values = json.dumps(Converted(values=["Acme"]).packed())
        spool.add(SpooledRow(number, key, "f.csv", number + 1, values, "[]") for number, key in enumerate(keys, 1))
        spool.finish()
    return path


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_every_record_comes_once_and_whole(tmp_path: Path, plan: Plan, size: int) -> None:
    path = spooled(tmp_path / "s.spool", ["B", "A", "C", "A", "B", "A"])
    with closing(read_ahead(path, plan, None, size)) as chunks:
        found = [(record.key, len(record.rows)) for chunk in chunks for record in chunk.records()]
    assert found == [("A", 3), ("B", 2), ("C", 1)]


def test_reading_goes_on_after_a_place(tmp_path: Path, plan: Plan) -> None:
    path = spooled(tmp_path / "s.spool", ["A", "B", "C"])
    with closing(read_ahead(path, plan, (0, "B"), 1)) as chunks:
        assert [row.key for chunk in chunks for row in chunk.rows] == ["C"]
    with closing(read_ahead(path, plan, (0, "C"), 1)) as chunks:
        assert list(chunks) == []


def test_a_fault_of_the_reading_reaches_who_writes(tmp_path: Path, plan: Plan) -> None:
    path = spooled(tmp_path / "s.spool", ["A", "B"])
    with closing(Spool(path)) as spool:
        spool.begin()
        spool.add([SpooledRow(1, "A", "f.csv", 2, "broken", "[]")])
    with pytest.raises(json.JSONDecodeError), closing(read_ahead(path, plan, None, 1)) as chunks:
        next(chunks)


def test_records_are_new_each_time_that_they_are_written(tmp_path: Path, plan: Plan) -> None:
    path = spooled(tmp_path / "s.spool", ["A"])
    with closing(read_ahead(path, plan, None, 1)) as chunks:
        (chunk,) = chunks
    (first,) = chunk.records()
    first.values[0] = "changed"
    (second,) = chunk.records()
    assert second.values == ["Acme"]
