"""The face: pages and JSON API. Routes unpack, call one domain function, answer."""

from __future__ import annotations

from apiflask import APIFlask

from datahub.jobs import dispatch
from datahub.settings import Settings
from datahub.vault import Vault
from webapp import database, permissions


def create_app(settings: Settings) -> APIFlask:
    app = APIFlask(__name__, title="Data Hub", docs_path=None, spec_path=None, template_folder="../templates")
    app.static_folder = "../static"
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions["settings"] = settings
    app.extensions["vault"] = Vault(settings.encryption_keys)
    app.extensions["export_queue"] = dispatch.make_queue(settings.redis_url)
    database.init_app(app, settings.database_url)
    permissions.init_app(app)
    return app
