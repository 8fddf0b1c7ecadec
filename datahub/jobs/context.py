"""What a worker process brings to the executions that it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from datahub.settings import Settings
from datahub.vault import Vault


@dataclass(frozen=True)
class Context:
    """`worker` is its name, as claims and events show it."""

    sessions: sessionmaker[Session]
    settings: Settings
    vault: Vault
    worker: str
    is_stopping: Callable[[], bool] = lambda: False
