"""What RQ calls by name. A task unpacks, calls one domain function and ends; calling it twice is harmless."""

from __future__ import annotations

from datahub.jobs import export_run, import_run
from worker import runtime


def run_export(execution_id: int, attempt: int) -> None:
    export_run.run(runtime.current(), execution_id, attempt)


def run_import(execution_id: int, attempt: int) -> None:
    import_run.run(runtime.current(), execution_id, attempt)
