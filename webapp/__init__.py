"""The face: pages and JSON API. Routes unpack, call one domain function, answer."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIFlask

from datahub.jobs import dispatch
from datahub.settings import Settings
from datahub.vault import Vault
from webapp import (
    api,
    assets,
    bodies,
    cli,
    confirm,
    database,
    errors,
    filters,
    htmx,
    logs,
    navigation,
    permissions,
    references,
    security,
)
from webapp.auth import identity
from webapp.auth import routes as auth
from webapp.connections import routes as connections
from webapp.dashboard import routes as dashboard
from webapp.executions import routes as executions
from webapp.export_jobs import routes as export_jobs
from webapp.import_jobs import form_routes as import_job_forms
from webapp.import_jobs import routes as import_jobs
from webapp.orders import incidents as order_incidents
from webapp.orders import routes as orders
from webapp.records import routes as records
from webapp.settings import routes as settings_pages

ROOT = Path(__file__).parent.parent
PAGES = (
    auth,
    connections,
    dashboard,
    executions,
    export_jobs,
    import_jobs,
    import_job_forms,
    orders,
    order_incidents,
    records,
    settings_pages,
)


def create_app(settings: Settings) -> APIFlask:
    app = APIFlask(
        "webapp",
        title="Data Hub",
        docs_path=None,
        spec_path=None,
        json_errors=False,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes
    app.extensions["settings"] = settings
    app.extensions["vault"] = Vault(settings.encryption_keys)
    app.extensions["export_queue"] = dispatch.make_queue(settings.redis_url)
    logs.init_app(app)
    # In the order of the checks: https, session, body, CSRF, permission, question. After an answer it is the reverse.
    security.init_app(app, settings)
    identity.init_app(app)
    database.init_app(app, settings.database_url)
    bodies.init_app(app)
    security.protect_forms(app)
    permissions.init_app(app)
    for part in (confirm, assets, cli, filters, htmx, navigation, references):
        part.init_app(app)
    # Modules may share a blueprint.
    for blueprint in dict.fromkeys(pages.blueprint for pages in PAGES):
        app.register_blueprint(blueprint)
    api.register(app)
    errors.init_app(app)
    return app
