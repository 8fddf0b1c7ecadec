"""Headers, cookies, CSRF tokens and the throttle of sign-ins."""

from __future__ import annotations

from itertools import chain
from typing import Any

from flask import Flask, Response, abort, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.middleware.proxy_fix import ProxyFix

from datahub.settings import Settings
from webapp.auth.identity import is_api_request

CONTENT = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
ATTEMPTS = "10/minute;50/hour"

limiter = Limiter(get_remote_address)
csrf = CSRFProtect()


def init_app(app: Flask, settings: Settings) -> None:
    is_https = settings.public_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="datahub",
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings.redis_url,
        RATELIMIT_STORAGE_OPTIONS=_redis_options(settings.redis_url),
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
    )
    Talisman(
        app,
        force_https=is_https,
        strict_transport_security=is_https,
        session_cookie_secure=is_https,
        content_security_policy=CONTENT,
        frame_options="DENY",
        referrer_policy="same-origin",
    )
    if settings.trusted_proxies:
        # Of what they say only the visitor's address: gunicorn and Talisman look after the scheme.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    limiter.init_app(app)
    app.after_request(_keep_private)


def protect_forms(app: Flask) -> None:
    """Every changing request needs a CSRF token but those of the JSON API, which take no cookie and look at their
    parameters themselves."""
    csrf.init_app(app)
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """Nobody types one, HTML cannot show it, and PostgreSQL refuses to look for it."""
    if is_api_request():
        return
    if any("\0" in str(value) for value in (request.view_args or {}).values()):
        abort(404)
    if any("\0" in value for given in (request.args, request.form) for value in chain(*given.listvalues())):
        abort(400)


def _redis_options(url: str) -> dict[str, Any]:
    if not url.startswith("redis"):
        return {}
    return {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": Retry(NoBackoff(), 0)}


def _keep_private(response: Response) -> Response:
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
