"""The settings of one installation, read once from the environment and failing loudly."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from datahub.errors import SettingError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Settings:
    """Durations are seconds. `encryption_keys` maps key id to key; the first encrypts, all decrypt."""

    database_url: str
    redis_url: str
    secret_key: str
    encryption_keys: dict[str, str]
    public_url: str
    trusted_proxies: int = 0
    outbound_allow: tuple[Network, ...] = ()
    lease_seconds: float = 60.0
    beat_seconds: float = 10.0
    sweep_seconds: float = 1.0
    hand_out_again_seconds: float = 15.0
    retry_seconds: float = 900.0
    max_attempts: int = 6
    attempt_seconds: float = 300.0
    connect_seconds: float = 30.0
    step_seconds: float = 60.0
    in_flight: int = 32
    max_runs_per_connection: int = 4
    max_body_bytes: int = 5_000_000
    max_upload_bytes: int = 50_000_000
    spool_folder: str = "var/spool"
    max_file_bytes: int = 2_000_000_000
    max_files: int = 1_000
    settle_seconds: float = 5.0
    max_rows: int = 5_000_000
    max_record_rows: int = 100_000
    max_columns: int = 2_000
    max_cell: int = 1_048_576
    chunk_rows: int = 5_000
    session_idle_seconds: float = 8 * 3600.0
    session_seconds: float = 7 * 24 * 3600.0
    log_format: str = "json"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Raises SettingError that names the variable which is missing or malformed."""
        lease_seconds = _positive(env, "LEASE_SECONDS", cls.lease_seconds)
        return cls(
            database_url=_required(env, "DATABASE_URL"),
            redis_url=_required(env, "REDIS_URL"),
            secret_key=_secret(env, "SECRET_KEY"),
            encryption_keys=_keys(_required(env, "ENCRYPTION_KEYS")),
            public_url=env.get("PUBLIC_URL", "http://127.0.0.1:8000"),
            trusted_proxies=_whole(env, "TRUSTED_PROXIES", cls.trusted_proxies, least=0),
            outbound_allow=_networks(env.get("OUTBOUND_ALLOW", "")),
            lease_seconds=lease_seconds,
            beat_seconds=_beat(env, cls.beat_seconds, lease_seconds),
            sweep_seconds=_positive(env, "SWEEP_SECONDS", cls.sweep_seconds),
            hand_out_again_seconds=_positive(env, "HAND_OUT_AGAIN_SECONDS", cls.hand_out_again_seconds),
            retry_seconds=_positive(env, "RETRY_SECONDS", cls.retry_seconds),
            max_attempts=_whole(env, "MAX_ATTEMPTS", cls.max_attempts),
            attempt_seconds=_positive(env, "ATTEMPT_SECONDS", cls.attempt_seconds),
            connect_seconds=_positive(env, "CONNECT_SECONDS", cls.connect_seconds),
            step_seconds=_positive(env, "STEP_SECONDS", cls.step_seconds),
            in_flight=_whole(env, "IN_FLIGHT", cls.in_flight),
            max_runs_per_connection=_whole(env, "MAX_RUNS_PER_CONNECTION", cls.max_runs_per_connection),
            max_body_bytes=_whole(env, "MAX_BODY_BYTES", cls.max_body_bytes),
            max_upload_bytes=_whole(env, "MAX_UPLOAD_BYTES", cls.max_upload_bytes),
            spool_folder=env.get("SPOOL_FOLDER") or cls.spool_folder,
            max_file_bytes=_whole(env, "MAX_FILE_BYTES", cls.max_file_bytes),
            max_files=_whole(env, "MAX_FILES", cls.max_files),
            settle_seconds=_positive(env, "SETTLE_SECONDS", cls.settle_seconds),
            max_rows=_whole(env, "MAX_ROWS", cls.max_rows),
            max_record_rows=_whole(env, "MAX_RECORD_ROWS", cls.max_record_rows),
            max_columns=_whole(env, "MAX_COLUMNS", cls.max_columns),
            max_cell=_whole(env, "MAX_CELL", cls.max_cell),
            chunk_rows=_whole(env, "CHUNK_ROWS", cls.chunk_rows),
            session_idle_seconds=_positive(env, "SESSION_IDLE_SECONDS", cls.session_idle_seconds),
            session_seconds=_positive(env, "SESSION_SECONDS", cls.session_seconds),
            log_format=_choice(env, "LOG_FORMAT", ("json", "text"), cls.log_format),
        )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise SettingError(f"{name} is not set. bin/run and bin/datahub set it; a service file must name it.")
    return value


def _secret(env: Mapping[str, str], name: str) -> str:
    value = _required(env, name)
    if len(value) < 32:
        raise SettingError(f"{name} is shorter than 32 characters; use a long random value.")
    return value


def _keys(text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for part in text.split(","):
        key_id, separator, key = part.strip().partition(":")
        if not separator or not key_id.isalnum() or not key:
            raise SettingError("ENCRYPTION_KEYS must read id:key,id:key with letters and digits as id.")
        if key_id in keys:
            raise SettingError(f"ENCRYPTION_KEYS names the key {key_id} twice.")
        keys[key_id] = key
    return keys


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingError(f"OUTBOUND_ALLOW must list networks such as 10.1.0.0/16: {error}") from error


def _positive(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise SettingError(f"{name} must be a number, not {text!r}.") from error
    if not 0 < value < float("inf"):
        raise SettingError(f"{name} must be greater than 0, not {text!r}.")
    return value


def _whole(env: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    text = env.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise SettingError(f"{name} must be a whole number, not {text!r}.") from error
    if value < least:
        raise SettingError(f"{name} must be at least {least}, not {text!r}.")
    return value


def _beat(env: Mapping[str, str], default: float, lease_seconds: float) -> float:
    beat_seconds = _positive(env, "BEAT_SECONDS", default)
    if beat_seconds * 2 > lease_seconds:
        raise SettingError(
            f"BEAT_SECONDS ({beat_seconds:g}) must be at most half of LEASE_SECONDS ({lease_seconds:g}), or one late "
            "sign of life would cost a worker its executions."
        )
    return beat_seconds


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = env.get(name, default)
    if value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value
