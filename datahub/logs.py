"""One line per event on standard output, JSON or text, with the execution id where there is one.

Whatever came from outside stays within its line, and secrets stay out."""

from __future__ import annotations

import logging
import re
import sys
import threading
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from datahub.settings import Settings

HIDDEN = "***"
FIRST = ["timestamp", "level", "logger", "event", "execution"]
IN_URL = re.compile(r"(?<=://)([^\s/@:]*):[^\s/@]+(?=@)")
IN_HEADER = re.compile(r"(?i)\b(bearer|basic) +[\w.~+/=-]{16,}")
API_TOKEN = re.compile(r"\bdh_[\w-]{16,}")
# Shorter ones are words that lines may hold by chance; a URL's password is hidden whatever its length.
SHORTEST_SECRET = 8

log = structlog.stdlib.get_logger(__name__)


def configure_logging(settings: Settings) -> None:
    """For a whole process, uncaught exceptions and warnings included."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _Hide(settings),
                *(_json() if settings.log_format == "json" else _text()),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # asyncssh tells every packet's story at INFO, RQ every message's; one line per event is ours to write.
    for name in ("asyncssh", "rq.worker"):
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


class _Hide:
    """Takes secrets out of every value: those of the settings, and whatever looks like a password or a token."""

    def __init__(self, settings: Settings) -> None:
        secrets = {settings.secret_key, *settings.encryption_keys.values()}
        for url in (settings.database_url, settings.redis_url):
            password = urlsplit(url).password or ""
            secrets |= {password, unquote(password)}
        long = sorted((secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, long)) or r"(?!)")

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: self._clean(value) for name, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        text = self._known.sub(HIDDEN, str(value))
        text = IN_URL.sub(rf"\1:{HIDDEN}", text)
        return API_TOKEN.sub(f"dh_{HIDDEN}", IN_HEADER.sub(rf"\1 {HIDDEN}", text))


def _json() -> list[Processor]:
    def order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: event[name] for name in FIRST if name in event} | dict(event)

    render = structlog.processors.JSONRenderer()

    def escape_delete(logger: WrappedLogger, method: str, event: EventDict) -> str:
        # The only control character that JSON in ASCII leaves as it is.
        return str(render(logger, method, event)).replace("\x7f", "\\u007f")

    return [order, escape_delete]


def _text() -> list[Processor]:
    def escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: _printable(value) if isinstance(value, str) else value for name, value in event.items()}

    return [escape, structlog.processors.LogfmtRenderer(key_order=FIRST, drop_missing=True)]


def _printable(text: str) -> str:
    """Control characters, line and paragraph separators, bidirectional marks and lone surrogates as escapes."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, /) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    log.critical("uncaught exception", exc_info=(kind, error, trace))
