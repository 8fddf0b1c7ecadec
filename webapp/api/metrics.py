"""The figures of the hub in Prometheus' text format. No label holds an id or a name from outside."""

from __future__ import annotations

from collections.abc import Iterator

from flask import current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from datahub.jobs import metrics
from datahub.jobs.metrics import Figures
from webapp.database import session_apart

MINUTES = int(metrics.RECENT.total_seconds() // 60)


class _Hub(Collector):
    """Reads when it is asked, so that it does not matter which web process answers."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("datahub_redis_up", "1 when Redis answers", _redis_answers())
        try:
            with session_apart() as session:
                figures = metrics.read(session)
        except SQLAlchemyError:
            yield GaugeMetricFamily("datahub_database_up", "1 when the database answers", 0)
            return
        yield GaugeMetricFamily("datahub_database_up", "1 when the database answers", 1)
        yield from _describe(figures)


def render_metrics() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Hub())
    return generate_latest(registry)


def _redis_answers() -> bool:
    try:
        return bool(current_app.extensions["export_queue"].connection.ping())
    except (RedisError, OSError):
        return False


def _describe(figures: Figures) -> Iterator[Metric]:
    plain = {
        "executions_waiting": ("Executions that wait for an attempt", figures.waiting),
        "executions_retrying": ("Those of them that have failed before", figures.retrying),
        "executions_started": ("Executions under way", figures.started),
        "executions_lease_expired": ("Those of them whose worker has fallen silent", figures.lease_expired),
        "executions_failed": ("Executions that failed for good and were not retried", figures.failed),
        "executions_due": ("Executions whose time has come", figures.due),
        "executions_oldest_due_seconds": ("For how long the oldest of them is due", figures.oldest_due_age),
        "sweeps_failed": ("Sweeps that failed in a row, of the worst clock", figures.failed_sweeps),
    }
    for name, (help_text, value) in plain.items():
        yield GaugeMetricFamily(f"datahub_{name}", help_text, value)
    if figures.sweep_age is not None:
        yield GaugeMetricFamily("datahub_sweep_age_seconds", "Since the last good sweep", figures.sweep_age)
    recent = f"Executions whose last attempt began in the last {MINUTES} minutes"
    yield _by_label("datahub_executions_recent", recent, "status", figures.recent)
    yield _by_label("datahub_processes", "Processes seen in the last seconds", "role", figures.processes)


def _by_label(name: str, help_text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
