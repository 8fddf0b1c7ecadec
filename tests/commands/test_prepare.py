"""What is pinned: assets by lock file without addresses, every transitive package by version."""

from __future__ import annotations

import json
import re
from importlib.metadata import requires, version
from pathlib import Path

from commands.prepare import ASSETS, VENDOR

ROOT = Path(__file__).parent.parent.parent


def test_lock_file_names_no_registry_and_pins_every_package_by_checksum() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in package and package["integrity"] for package in packages.values())


def test_every_asset_is_installed() -> None:
    assert [name for name in ASSETS if not (VENDOR / name).is_file()] == []


def test_constraints_pin_whatever_the_requirements_pull_in() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {_plain(name): number for name, number in pinned.items()}
    wanted = set()
    for file in ("requirements.txt", "requirements-dev.txt"):
        names = re.findall(r"^([A-Za-z0-9_.-]+).*==", (ROOT / file).read_text(), re.MULTILINE)
        wanted |= {_plain(name) for name in names}
    assert wanted <= pinned.keys()
    assert {name: version(name) for name in wanted} == {name: pinned[name] for name in wanted}
    for name in wanted:
        needed = [need for need in requires(name) or [] if "extra ==" not in need and ";" not in need]
        assert {_plain(re.split(r"[^A-Za-z0-9_.-]", need)[0]) for need in needed} <= pinned.keys(), name


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
