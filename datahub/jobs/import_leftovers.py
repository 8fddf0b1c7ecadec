"""What imports leave in the spool of this host when their worker dies, or when they are stopped while they wait."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.db import read_only
from datahub.models.execution import UNENDED, Execution

KINDS = (".spool", ".ordering", ".tree", ".reading", ".source")


def forget_spools(folder: Path, public_id: str) -> None:
    for path in folder.glob(f"{public_id}.*.spool"):
        path.unlink(missing_ok=True)


def sweep(session: Session, folder: Path) -> None:
    """Removes the files of executions that have ended. Wants a fresh session; any number of workers may do this."""
    left = [path for path in folder.iterdir() if path.suffix in KINDS] if folder.exists() else []
    if not left:
        return
    named = {path: path.name.partition(".")[0] for path in left}
    ended = select(Execution.public_id).where(Execution.public_id.in_(named.values()), Execution.status.not_in(UNENDED))
    gone = set(read_only(session).scalars(ended))
    for path, public_id in named.items():
        if public_id in gone:
            path.unlink(missing_ok=True)
