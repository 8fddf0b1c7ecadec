"""General settings: what operators change while the hub runs, and the two flags that follow the export jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub.errors import InvalidError
from datahub.models.export_job import ExportJob
from datahub.models.setting import GeneralSettings

DEFAULT_PREFIX = "DJUST"
PREFIX = re.compile(r"[A-Za-z0-9-]{1,20}")


@dataclass(frozen=True)
class AutomaticFlags:
    """True while an export job of the entity exists, active or not."""

    export_order_enabled: bool
    export_incident_enabled: bool


def get(session: Session) -> GeneralSettings:
    return session.get_one(GeneralSettings, 1)


def automatic_flags(session: Session) -> AutomaticFlags:
    entities = set(session.scalars(select(ExportJob.entity).distinct()))
    return AutomaticFlags("ORDER" in entities, "INCIDENT" in entities)


def update(
    session: Session, *, file_name_prefix: str | None = None, multi_store: bool | None = None
) -> GeneralSettings:
    """None keeps what is set. Files that were named before keep their names."""
    settings = get(session)
    if file_name_prefix is not None:
        if not PREFIX.fullmatch(file_name_prefix):
            message = "One to 20 letters (A to Z), digits and dashes."
            raise InvalidError("The prefix of file names is malformed.", {"file_name_prefix": [message]})
        settings.file_name_prefix = file_name_prefix
    if multi_store is not None:
        settings.multi_store = multi_store
    session.flush()
    return settings
