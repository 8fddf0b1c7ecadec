"""The data folder: secrets made once and kept private, outside settings that win."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands import environment
from datahub.settings import Settings
from datahub.vault import Vault

SET_BY_US = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL", "OUTBOUND_ALLOW")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SET_BY_US, "DATAHUB_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_environment_of_a_new_folder_satisfies_the_settings(tmp_path: Path) -> None:
    settings = Settings.from_env(environment.build(tmp_path))
    assert settings.database_url == f"sqlite:///{tmp_path}/datahub.db"
    assert Vault(settings.encryption_keys).encrypt("x").startswith("k1:")
    assert settings.outbound_allow == ()


def test_secrets_and_ports_stay_the_same(tmp_path: Path) -> None:
    assert environment.build(tmp_path) == environment.build(tmp_path)


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    environment.build(tmp_path)
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_two_folders_share_no_secret(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        environment.build(folder)
    made, others = environment.read_file(one / "secrets.env"), environment.read_file(two / "secrets.env")
    assert made
    assert not set(made.values()) & set(others.values())


def test_what_is_set_outside_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://hub@db/hub")
    monkeypatch.setenv("SECRET_KEY", "s" * 40)
    env = environment.build(tmp_path)
    assert (env["DATABASE_URL"], env["SECRET_KEY"]) == ("postgresql+psycopg://hub@db/hub", "s" * 40)


def test_demo_permits_this_machine_on_top_of_what_is_permitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOW", "10.1.0.0/16")
    assert environment.build(tmp_path)["OUTBOUND_ALLOW"] == "10.1.0.0/16"
    assert environment.build(tmp_path, demo=True)["OUTBOUND_ALLOW"] == "10.1.0.0/16,127.0.0.0/8,::1/128"


def test_demo_waits_less_for_its_files_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTLE_SECONDS", raising=False)
    assert "SETTLE_SECONDS" not in environment.build(tmp_path)
    assert environment.build(tmp_path, demo=True)["SETTLE_SECONDS"] == "0.5"
    monkeypatch.setenv("SETTLE_SECONDS", "9")
    assert environment.build(tmp_path, demo=True)["SETTLE_SECONDS"] == "9"


def test_data_folder_is_named_by_option_then_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAHUB_DATA", str(tmp_path / "variable"))
    assert environment.data_folder(None) == tmp_path / "variable"
    assert environment.data_folder(str(tmp_path / "option")) == tmp_path / "option"


def test_every_setting_stands_in_the_table_of_the_documentation() -> None:
    root = Path(__file__).parent.parent.parent
    sources = [root / "datahub" / "settings.py", root / "commands" / "supervise.py"]
    read = {name for file in sources for name in re.findall(r'env(?:\.get\(|, )"([A-Z_]+)"', file.read_text())}
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (root / "README.md").read_text(), re.MULTILINE))
    assert {"DATABASE_URL", "LEASE_SECONDS", "OUTBOUND_ALLOW", "EXPORT_WORKERS"} <= read
    assert read <= documented
