"""What the history is measured on is a history."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench import history, history_rows
from datahub.jobs import execution_list
from datahub.jobs.execution_list import Wanted
from datahub.models.execution import EXPORT


def test_the_rows_are_found_by_all_that_they_carry(engine: Engine, session: Session) -> None:
    jobs = history_rows.fill(engine, 300)
    rows = execution_list.find(session, Wanted(), size=300).items
    shares = Counter(row.job_public_id for row in rows)
    assert (len(rows), len(jobs)) == (300, 10)
    assert shares.most_common(1)[0][0] == jobs[0][0].public_id
    for row in rows[:50]:
        files = [row.payload.file_name] if row.payload else [file["name"] for file in row.import_run.files]
        asked = [row.public_id[9:27], *files, *([row.entity_reference] if row.kind == EXPORT else [])]
        for typed in asked:
            assert row in execution_list.read_page(session, Wanted(search=typed, names=True)).items


def test_each_reading_that_is_measured_works(engine: Engine, session: Session) -> None:
    jobs = history_rows.fill(engine, 300)
    for _, read in history.readings(engine, 300, jobs):
        read(session)
