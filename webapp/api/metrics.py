"""The figures of the hub in Prometheus' text format. No label holds an id or a name from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flask import current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from datahub.jobs import metrics
from datahub.jobs.metrics import Figures, OfKind
from webapp.database import session_apart

MINUTES = int(metrics.RECENT.total_seconds() // 60)
# The fields of OfKind that are one number each.
OF_KIND = {
    "waiting": "Executions that wait for an attempt",
    "retrying": "Those of them that have failed before",
    "started": "Executions under way",
    "lease_expired": "Those of them whose worker has fallen silent",
    "failed": "Executions that failed and wait for a person",
    "due": "Executions whose time and turn have come",
    "oldest_due_seconds": "For how long the oldest of them is due",
}


class _Hub(Collector):
    """Reads when it is asked, so that it does not matter which web process answers."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("datahub_redis_up", "1 when Redis answers", _redis_answers())
        try:
            with session_apart() as session:
                figures = metrics.read(session, current_app.extensions["settings"])
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
    kinds = {kind.lower(): of_kind for kind, of_kind in figures.executions.items()}
    for name, help_text in OF_KIND.items():
        values = {kind: getattr(of_kind, name) for kind, of_kind in kinds.items()}
        yield _by_label(f"datahub_executions_{name}", help_text, "kind", values)
    yield _recent(kinds)
    yield GaugeMetricFamily(
        "datahub_sweeps_failed", "Sweeps that failed in a row, of the worst clock", figures.failed_sweeps
    )
    if figures.sweep_age is not None:
        yield GaugeMetricFamily("datahub_sweep_age_seconds", "Since the last good sweep", figures.sweep_age)
    yield _by_label("datahub_processes", "Processes seen in the last seconds", "role", figures.processes)


def _recent(kinds: dict[str, OfKind]) -> Metric:
    help_text = f"Executions whose last attempt, or reading, began in the last {MINUTES} minutes"
    family = GaugeMetricFamily("datahub_executions_recent", help_text, labels=["kind", "status"])
    for kind, of_kind in kinds.items():
        for status, number in of_kind.recent.items():
            family.add_metric([kind, status], number)
    return family


def _by_label(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
