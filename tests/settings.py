"""Settings for tests: short timers, loopback permitted."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

from cryptography.fernet import Fernet

from datahub.settings import Settings

ENCRYPTION_KEY = Fernet.generate_key().decode()
DEFAULTS = Settings(
    database_url="sqlite://",
    redis_url="redis://127.0.0.1:1/0",
    secret_key="a key that only the tests know, long enough",
    encryption_keys={"test": ENCRYPTION_KEY},
    public_url="http://127.0.0.1:8000",
    outbound_allow=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
    # A worker that loses its leases ends its process, which may be the tests' own: none does, however slow the machine.
    lease_seconds=60.0,
    beat_seconds=0.2,
    sweep_seconds=0.2,
    hand_out_again_seconds=1.0,
    retry_seconds=1.0,
    attempt_seconds=10.0,
    connect_seconds=5.0,
    step_seconds=5.0,
    settle_seconds=0.05,
    log_format="text",
)


def make_settings(**changes: Any) -> Settings:
    """For tests that need no database and no Redis; the fixture `settings` has both."""
    return dataclasses.replace(DEFAULTS, **changes)
