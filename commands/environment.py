"""The data folder and the environment that every process of one installation is given."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from commands.machine import LOOPBACK, ROOT, free_port

DEFAULT_PORT = 8000
DEMO_USER = "demo"
OWN_MACHINE = "127.0.0.0/8,::1/128"


def data_folder(option: str | None) -> Path:
    chosen = Path(option or os.environ.get("DATAHUB_DATA") or ROOT / "var").resolve()
    chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    return chosen


def has_own_redis() -> bool:
    return not os.environ.get("REDIS_URL")


def build(data: Path, *, demo: bool = False) -> dict[str, str]:
    """Makes secrets and ports on the first call. What is set outside wins over everything here."""
    made = read_file(data / "secrets.env") or _make_secrets(data)
    ports = read_ports(data)
    defaults = {
        **made,
        "DATABASE_URL": f"sqlite:///{data}/datahub.db",
        "REDIS_URL": f"redis://:{made['REDIS_PASSWORD']}@{LOOPBACK}:{ports['REDIS_PORT']}/0",
        "PUBLIC_URL": f"http://{LOOPBACK}:{ports['WEB_PORT']}",
        "SANDBOX_PORT": ports["SANDBOX_PORT"],
        "SANDBOX_FOLDER": str(data / "sandbox"),
        "SANDBOX_HOST_KEY": str(data / "sandbox_host_key"),
        "SPOOL_FOLDER": str(data / "spool"),
        "PYTHONUNBUFFERED": "1",
    }
    env = {**defaults, **{name: value for name, value in os.environ.items() if value}}
    if demo:
        env["OUTBOUND_ALLOW"] = ",".join(filter(None, [os.environ.get("OUTBOUND_ALLOW"), OWN_MACHINE]))
        # The demo's own files are complete from the start.
        env.setdefault("SETTLE_SECONDS", "0.5")
    return env


def read_ports(data: Path) -> dict[str, str]:
    ports = read_file(data / "ports.env")
    if not ports:
        ports = {
            "WEB_PORT": str(DEFAULT_PORT),
            "REDIS_PORT": str(free_port()),
            "SANDBOX_PORT": str(free_port()),
        }
        write_file(data / "ports.env", ports)
    return ports


def _make_secrets(data: Path) -> dict[str, str]:
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": "k1:" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "REDIS_PASSWORD": secrets.token_hex(24),
        "SANDBOX_PASSWORD": secrets.token_hex(12),
        "DEMO_PASSWORD": secrets.token_hex(6),
    }
    write_file(data / "secrets.env", made)
    return made


def read_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def write_file(path: Path, values: dict[str, str]) -> None:
    """Readable by this user alone; a crash leaves the old file or the new one, never half of one."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
