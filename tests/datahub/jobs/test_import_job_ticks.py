"""From when on the ticks of a schedule count after a change of its job."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from datahub.db import database_now
from datahub.jobs import import_jobs
from datahub.jobs.import_jobs import configuration_of
from datahub.models.import_job import ImportJob
from datahub.vault import Vault
from tests.factories import add_connection, add_import_job

HALF_HOURLY = "*/30 * * * *"


def update(session: Session, job: ImportJob, **fields: Any) -> ImportJob:
    return import_jobs.update(session, job, replace(configuration_of(job), **fields))


def let_time_pass(session: Session, job: ImportJob) -> None:
    job.ticked_until -= timedelta(hours=1)
    session.flush()


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"cron": None, "schedule_enabled": False}, {"cron": HALF_HOURLY, "schedule_enabled": True}),
        ({"schedule_enabled": True}, {"cron": "0 * * * *"}),
        ({"schedule_enabled": False}, {"schedule_enabled": True}),
        ({"schedule_enabled": True, "active": False}, {"active": True}),
    ],
    ids=["new", "changed", "enabled", "active"],
)
def test_ticks_count_from_the_change_of_the_schedule(
    session: Session, vault: Vault, before: dict[str, Any], change: dict[str, Any]
) -> None:
    job = add_import_job(session, add_connection(session, vault), **{"cron": HALF_HOURLY} | before)
    let_time_pass(session, job)
    now = database_now(session)
    update(session, job, **change)
    assert now <= job.ticked_until <= database_now(session)


def test_other_changes_lose_no_tick(session: Session, vault: Vault) -> None:
    job = add_import_job(session, add_connection(session, vault), cron=HALF_HOURLY, schedule_enabled=True)
    let_time_pass(session, job)
    ticked_until = job.ticked_until
    update(session, job, name="Renamed", cron=f" {HALF_HOURLY}", delimiter=",")
    import_jobs.activate(session, job)
    assert job.ticked_until == ticked_until


def test_switching_on_lets_ticks_count_from_now(session: Session, vault: Vault) -> None:
    job = add_import_job(session, add_connection(session, vault), cron=HALF_HOURLY, schedule_enabled=True)
    import_jobs.deactivate(session, job)
    assert not job.active
    let_time_pass(session, job)
    now = database_now(session)
    import_jobs.activate(session, job)
    assert job.active
    assert job.ticked_until >= now
