"""The tests run with short timers; these are the ones that installations get."""

from __future__ import annotations

import dataclasses

from datahub.settings import Settings
from tests.settings import make_settings

NEEDED = {
    "DATABASE_URL": "sqlite://",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a key that only this test knows, long enough",
    "ENCRYPTION_KEYS": "test:key",
}


def test_an_export_gets_six_attempts_a_quarter_of_an_hour_apart() -> None:
    settings = Settings.from_env(NEEDED)
    assert (settings.max_attempts, settings.retry_seconds) == (6, 900.0)


def test_a_lease_outlives_five_missed_beats_and_every_wait_has_an_end() -> None:
    settings = Settings.from_env(NEEDED)
    assert (settings.lease_seconds, settings.beat_seconds) == (60.0, 10.0)
    assert (settings.sweep_seconds, settings.hand_out_again_seconds) == (1.0, 15.0)
    assert (settings.connect_seconds, settings.step_seconds, settings.attempt_seconds) == (30.0, 60.0, 300.0)
    assert (settings.in_flight, settings.max_runs_per_connection) == (32, 4)


def test_every_timer_can_be_set() -> None:
    changed = {
        field.name: str(getattr(make_settings(), field.name))
        for field in dataclasses.fields(Settings)
        if field.name.endswith("_seconds") or field.name in ("max_attempts", "in_flight", "max_runs_per_connection")
    }
    settings = Settings.from_env(NEEDED | {name.upper(): value for name, value in changed.items()})
    assert {name: str(getattr(settings, name)) for name in changed} == changed
