"""bin/datahub: the Flask command line in the environment of one data folder."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from commands import environment
from commands.machine import PYTHON, ROOT, CommandError, complete_path
from commands.prepare import RUNTIME, prepare


def main() -> NoReturn:
    """--data comes first; all the rest is Flask's."""
    parser = argparse.ArgumentParser(prog="bin/datahub", add_help=False)
    parser.add_argument("--data", metavar="DIR")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    # What comes before any command, such as --help, is Flask's too.
    options, first = parser.parse_known_args()
    os.environ["PATH"] = complete_path(os.environ.get("PATH", ""))
    try:
        prepare(RUNTIME)
        env = environment.build(environment.data_folder(options.data))
    except CommandError as error:
        sys.exit(str(error))
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "flask", "--app", "wsgi", *first, *options.command], env)
