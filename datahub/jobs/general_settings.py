"""General settings: what operators change while the hub runs, and the two flags that follow the export jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from datahub import currencies
from datahub.faults import Faults
from datahub.mapping.names import locale_tag
from datahub.models.export_job import ExportJob
from datahub.models.setting import GeneralSettings

DEFAULT_PREFIX = "DJUST"
PREFIX = re.compile(r"[A-Za-z0-9-]{1,20}")
LOCALE_LENGTH, MOST_LOCALES = 35, 50


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
    session: Session,
    *,
    file_name_prefix: str | None = None,
    multi_store: bool | None = None,
    locales: Sequence[str] | None = None,
    main_locale: str | None = None,
    currency: str | None = None,
) -> GeneralSettings:
    """None keeps what is set. Files that were named before keep their names, and texts in a locale that is taken off
    stay. Raises InvalidError with every fault."""
    # Two at once take turns: what each gives is checked beside what the other has made of the rest.
    settings = session.get_one(GeneralSettings, 1, with_for_update={"key_share": True}, populate_existing=True)
    faults = Faults()
    if file_name_prefix is not None and not PREFIX.fullmatch(file_name_prefix):
        faults.add("file_name_prefix", "One to 20 letters (A to Z), digits and dashes.")
    tags = settings.locales if locales is None else _read_locales(locales, faults)
    main = settings.main_locale if main_locale is None else locale_tag(main_locale.strip())
    if main is None:
        faults.add("main_locale", f"{main_locale!r} is not a language tag such as fr-FR.")
    elif main not in tags and "locales" not in faults.fields:
        where = "locales" if main_locale is None else "main_locale"
        faults.add(where, f"The main locale {main} must be among the locales: {', '.join(tags)}.")
    if currency is not None and (fault := currencies.fault(currency)):
        faults.add("currency", fault)
    faults.raise_any("general settings")
    settings.locales, settings.main_locale = tags, main or settings.main_locale
    settings.file_name_prefix = settings.file_name_prefix if file_name_prefix is None else file_name_prefix
    settings.multi_store = settings.multi_store if multi_store is None else multi_store
    settings.currency = settings.currency if currency is None else currency
    session.flush()
    return settings


def _read_locales(given: Sequence[str], faults: Faults) -> list[str]:
    """As tags are usually written, in the order given."""
    tags: list[str] = []
    if not given:
        faults.add("locales", "Give at least one locale, such as en-GB.")
    elif len(given) > MOST_LOCALES:
        faults.add("locales", f"At most {MOST_LOCALES} locales; these are {len(given)}.")
    for text in given[:MOST_LOCALES]:
        tag = locale_tag(text.strip())
        if tag is None or len(tag) > LOCALE_LENGTH:
            faults.add("locales", f"{text!r} is not a language tag such as fr-FR.")
        elif tag in tags:
            faults.add("locales", f"{tag} is named twice.")
        else:
            tags.append(tag)
    return tags
