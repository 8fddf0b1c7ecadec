"""The web's lines in the log: gunicorn's own, and one per request. No query, header or body gets there."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, request
from gunicorn.glogging import Logger
from structlog.contextvars import bind_contextvars, clear_contextvars

from datahub.errors import SettingError
from datahub.logs import configure_logging
from datahub.settings import Settings

# Asked every few seconds by machines, and by every page.
QUIET = ("/healthz", "/metrics", "/static/")

log = structlog.stdlib.get_logger("webapp.requests")


def init_app(app: Flask) -> None:
    """Whatever is logged during a request for an execution bears its id."""
    app.before_request(_bind)


def _bind() -> None:
    clear_contextvars()
    execution = (request.view_args or {}).get("execution_id")
    if execution:
        bind_contextvars(execution=execution)


class HubLogger(Logger):  # type: ignore[misc]
    """Named in gunicorn.conf.py."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        try:
            configure_logging(Settings.from_env(os.environ))
        except SettingError as error:
            sys.exit(f"Data Hub cannot start: {error}")
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True

    def access(self, resp: Any, _req: object, environ: dict[str, Any], request_time: timedelta) -> None:
        path = environ.get("RAW_URI", "").partition("?")[0]
        status = int(str(resp.status).split(maxsplit=1)[0])
        if status >= 400 or not path.startswith(QUIET):
            log.info(
                "request",
                method=environ.get("REQUEST_METHOD"),
                path=path,
                status=status,
                ms=request_time // timedelta(milliseconds=1),
                client=environ.get("REMOTE_ADDR"),
            )
        clear_contextvars()
