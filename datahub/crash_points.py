"""Named places where a test may kill or hold this process. They do nothing unless the environment arms one.

CRASH_POINT names the place and CRASH_FILE a file: the first process to get there creates the file and kills itself;
later ones pass. HOLD_POINT and HOLD_FILE: the process creates the file and goes on once it is gone. CLOCK_FILE names
a file with the seconds by which this process reads the database's clock fast."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

AFTER_OUTBOX_COMMIT = "after outbox commit"
AFTER_MARKING = "after marking, before hand-out"
AFTER_HAND_OUT = "after hand-out"
AFTER_CLAIM = "after claim"
AFTER_CONNECT = "after connect"
AFTER_RENDER = "after render"
MID_UPLOAD = "mid-upload"
AFTER_UPLOAD = "after upload"
BEFORE_RENAME = "before rename"
AFTER_RENAME = "after rename"
BEFORE_SUCCESS = "before success"
AFTER_SUCCESS = "after success"
MID_DOWNLOAD = "mid-download"
AFTER_DOWNLOAD = "after download"
AFTER_PARSE = "after parse"
INSIDE_CHUNK = "inside a chunk"
BETWEEN_CHUNKS = "between chunks"
AFTER_LAST_CHUNK = "after the last chunk"
AFTER_MOVE = "after moving files"
BEFORE_END = "before the final status"
AFTER_END = "after the final status"

_crash = os.environ.get("CRASH_POINT")
_hold = os.environ.get("HOLD_POINT")
_clock = os.environ.get("CLOCK_FILE")


def reach(place: str) -> None:
    """Called at each place; costs two comparisons when nothing is armed."""
    if place == _crash and _is_first(Path(os.environ["CRASH_FILE"])):
        os.kill(os.getpid(), signal.SIGKILL)
    if place == _hold:
        marker = Path(os.environ["HOLD_FILE"])
        if _is_first(marker):
            while marker.exists():
                time.sleep(0.01)


def clock_is_fast_by() -> float:
    """Seconds; 0 unless armed."""
    return float(Path(_clock).read_text()) if _clock else 0.0


def _is_first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
