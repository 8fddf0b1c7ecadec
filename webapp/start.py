"""What gunicorn does before it starts a web process; its configuration names this."""

from __future__ import annotations

import os
import sys

from datahub.db import make_engine, make_sessions
from datahub.errors import SettingError
from datahub.jobs import connections
from datahub.settings import Settings
from datahub.vault import Vault


def on_starting(_arbiter: object) -> None:
    """Ends it where a stored secret cannot be read with the keys that are set."""
    settings = Settings.from_env(os.environ)
    engine = make_engine(settings.database_url)
    try:
        connections.check_at_start(make_sessions(engine), Vault(settings.encryption_keys))
    except SettingError as error:
        sys.exit(f"Data Hub cannot start: {error}")
    finally:
        engine.dispose()
