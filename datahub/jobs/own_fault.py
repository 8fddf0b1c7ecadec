"""A fault of ours that ends an execution: the whole story for the log, what and where for its page."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError

PACKAGE = Path(__file__).parents[1]

log = structlog.stdlib.get_logger(__name__)


def report(fault: Exception, public_id: str) -> str:
    """What may be shown, in the page and the JSON of the execution: no text of the fault, which may quote a row."""
    log.error("a fault of ours ended it", exc_info=fault)
    return (
        f"Internal error, please report it with this text: {_kind(fault)} in {_place(fault)}, execution {public_id}, "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC. The log of the worker has the whole story under this id."
    )


def _kind(fault: Exception) -> str:
    name = type(fault).__name__
    return f"{name} ({type(fault.orig).__name__})" if isinstance(fault, DBAPIError) else name


def _place(fault: Exception) -> str:
    """The innermost line of ours."""
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if PACKAGE in Path(frame.filename).parents]
    return f"{Path(frames[-1].filename).relative_to(PACKAGE.parent)}:{frames[-1].lineno}" if frames else "another part"
