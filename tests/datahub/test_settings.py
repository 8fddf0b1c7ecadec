"""A setting that makes no sense stops the start and is named."""

from __future__ import annotations

import pytest

from datahub.errors import SettingError
from datahub.settings import Settings

NEEDED = {
    "DATABASE_URL": "sqlite://",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a key that only this test knows, long enough",
    "ENCRYPTION_KEYS": "test:key",
}


@pytest.mark.parametrize(
    "name", ["IN_FLIGHT", "MAX_ATTEMPTS", "MAX_BODY_BYTES", "MAX_RUNS_PER_CONNECTION", "MAX_UPLOAD_BYTES"]
)
@pytest.mark.parametrize("text", ["0.5", "2.0", "0", "-1", "1e3", "inf", "many", ""])
def test_what_is_counted_is_a_whole_number_from_one_on(name: str, text: str) -> None:
    with pytest.raises(SettingError, match=name) as error:
        Settings.from_env(NEEDED | {name: text})
    assert repr(text) in str(error.value)
    assert getattr(Settings.from_env(NEEDED | {name: "1"}), name.lower()) == 1


def test_no_proxy_is_trusted_unless_said() -> None:
    assert (
        Settings.from_env(NEEDED).trusted_proxies
        == Settings.from_env(NEEDED | {"TRUSTED_PROXIES": "0"}).trusted_proxies
        == 0
    )
    with pytest.raises(SettingError, match="TRUSTED_PROXIES must be at least 0"):
        Settings.from_env(NEEDED | {"TRUSTED_PROXIES": "-1"})


@pytest.mark.parametrize(("beat", "lease"), [("10", "19"), ("60", "60"), ("31", None), (None, "19.9")])
def test_a_lease_that_one_late_beat_would_end_is_refused_and_both_are_named(
    beat: str | None, lease: str | None
) -> None:
    given = {"BEAT_SECONDS": beat, "LEASE_SECONDS": lease}
    with pytest.raises(SettingError, match=r"BEAT_SECONDS \(.*LEASE_SECONDS \("):
        Settings.from_env(NEEDED | {name: value for name, value in given.items() if value is not None})


def test_a_beat_of_half_a_lease_is_accepted() -> None:
    settings = Settings.from_env(NEEDED | {"BEAT_SECONDS": "10", "LEASE_SECONDS": "20"})
    assert (settings.beat_seconds, settings.lease_seconds) == (10.0, 20.0)
