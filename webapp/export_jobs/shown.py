"""What templates say about an export job: its health in words, and whose turn it is."""

from __future__ import annotations

from datahub.grouping import counted
from datahub.jobs import export_jobs
from datahub.jobs.export_job_list import HEALTHY, INACTIVE, NEEDS_YOU, NEVER_RUN, RETRYING, Row
from datahub.models.export_job import ExportJob
from datahub.models.party import Supplier
from webapp.database import db
from webapp.filters import Status

HEALTHS = {
    NEEDS_YOU: Status("Needs you", "bad"),
    RETRYING: Status("Retrying by itself", "busy"),
    HEALTHY: Status("Healthy", "good"),
    NEVER_RUN: Status("Never run", "calm"),
    INACTIVE: Status("Inactive", "off"),
}


def health(row: Row) -> Status:
    return HEALTHS[row.health]


def reasons(row: Row) -> list[str]:
    """Each on a line of its own below the health."""
    connection, waiting = row.job.connection, row.waiting
    found = []
    if row.failed:
        found.append(f"{counted(row.failed, 'order')} failed")
    if row.is_held_up:
        found.append("host key not accepted" if connection.active else "connection disabled")
    if waiting.unfit:
        found.append("a setting of the workers is wrong")
    if row.health == NEEDS_YOU and not row.job.active:
        found.append("inactive")
    if waiting.count:
        found.append(f"{counted(waiting.count, 'order')} waiting")
    return found


def seen_suppliers(job: ExportJob) -> list[Supplier]:
    return export_jobs.seen_suppliers(db.session(), job)
