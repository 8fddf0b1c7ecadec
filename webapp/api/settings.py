"""General settings for scripts."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from datahub.jobs import general_settings
from webapp.api.answers import SettingsAnswer
from webapp.api.blueprint import deprecated, make_blueprint, shown_names
from webapp.api.reply import reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission

blueprint = make_blueprint("settings", "Settings")
PATH = "/v1/settings/general"


class SettingsBody(Shape):
    """The two flags follow the export jobs: whatever is sent for them is passed over."""

    export_order_enabled: Any = None
    export_incident_enabled: Any = None
    file_name_prefix: str | None = Field(None, json_schema_extra={"pattern": "^[A-Za-z0-9-]{1,20}$"})
    multi_store: bool | None = None
    main_locale: str | None = Field(None, description="Language tag; one of the locales.")
    locales: list[str] | None = Field(None, json_schema_extra={"maxItems": general_settings.MOST_LOCALES})
    currency: str | None = Field(
        None, description="A code of ISO 4217 that is in force.", json_schema_extra={"pattern": "^[A-Z]{3}$"}
    )


@blueprint.get(PATH)
@blueprint.output(SettingsAnswer)
@permission(MAPPER_READ)
def get_settings() -> Response:
    return _answer(db.session())


@blueprint.patch(PATH)
@blueprint.input(SettingsBody, example={"fileNamePrefix": "ACME"})
@blueprint.output(SettingsAnswer)
@permission(EVERY_STORE_WRITE)
def change_settings(json_data: SettingsBody) -> Response:
    return _change(json_data, json_data.file_name_prefix, json_data.multi_store)


@blueprint.put(PATH)
@blueprint.input(SettingsBody, example={"fileNamePrefix": "ACME", "multiStore": False})
@blueprint.output(SettingsAnswer)
@blueprint.doc(deprecated=True)
@permission(EVERY_STORE_WRITE)
@deprecated(PATH)
def replace_settings(json_data: SettingsBody) -> Response:
    """Prefix and stores fall back to their defaults if left out; locales and currency, which scripts of old do not
    know, stay."""
    prefix = json_data.file_name_prefix
    default = general_settings.DEFAULT_PREFIX
    return _change(json_data, default if prefix is None else prefix, bool(json_data.multi_store))


def _change(body: SettingsBody, file_name_prefix: str | None, multi_store: bool | None) -> Response:
    with shown_names():
        general_settings.update(
            db.session(),
            file_name_prefix=file_name_prefix,
            multi_store=multi_store,
            locales=body.locales,
            main_locale=body.main_locale,
            currency=body.currency,
        )
    return _answer(db.session())


def _answer(session: Session) -> Response:
    settings, flags = general_settings.get(session), general_settings.automatic_flags(session)
    return reply(
        {
            "exportOrderEnabled": flags.export_order_enabled,
            "exportIncidentEnabled": flags.export_incident_enabled,
            "fileNamePrefix": settings.file_name_prefix,
            "multiStore": settings.multi_store,
            "mainLocale": settings.main_locale,
            "locales": settings.locales,
            "currency": settings.currency,
        }
    )
