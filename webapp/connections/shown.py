"""What the page of a connection says: which jobs use it, how it signs in, and what is asked before it is disabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from datahub.grouping import counted
from datahub.models.connection import Connection
from datahub.models.export_job import ExportJob
from datahub.models.import_job import ImportJob


@dataclass(frozen=True)
class UsingJob:
    """A job that uses the connection; `direction` says where its files go or come from."""

    name: str
    url: str
    direction: str


def using_job(job: ExportJob | ImportJob) -> UsingJob:
    if isinstance(job, ExportJob):
        url, direction = url_for("export_jobs.detail", job_id=job.public_id), f"to {job.output_folder}"
    else:
        url = url_for("import_jobs.detail", job_id=job.public_id)
        direction = f"from {job.file_path or job.inbound_directory}"
    return UsingJob(job.name, url, direction if job.active else f"inactive · {direction}")


def signs_in_with(connection: Connection) -> str:
    if not connection.private_key:
        return "a password"
    return "a private key with passphrase" if connection.private_key_passphrase else "a private key"


def exports_that_wait(number: int) -> str:
    """At least one."""
    return f"{counted(number, 'export')} {'waits' if number == 1 else 'wait'}"


def disable_question(connection: Connection, jobs: Sequence[ExportJob | ImportJob], waiting: int) -> str:
    """`waiting` counts the exports that wait for it."""
    waits = exports_that_wait(waiting) if waiting else "No export waits"
    which = "These and new ones" if waiting else "New ones"
    until = "go on waiting, without using an attempt, until it is active again."
    fails = " Import jobs that run over it meanwhile fail." if any(isinstance(job, ImportJob) for job in jobs) else ""
    return f"Disable {connection.name}? {waits} for it now. {which} {until}{fails}"
