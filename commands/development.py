"""bin/bench, bin/soak, bin/screenshots: install what the tests need and run one package with it."""

from __future__ import annotations

import os
import subprocess
import sys

from commands.machine import PYTHON, ROOT, CommandError, complete_path
from commands.verify import install


def run(package: str) -> int:
    os.environ["PATH"] = complete_path(os.environ.get("PATH", ""))
    try:
        install()
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return subprocess.run([PYTHON, "-m", package, *sys.argv[1:]], cwd=ROOT, check=False).returncode
