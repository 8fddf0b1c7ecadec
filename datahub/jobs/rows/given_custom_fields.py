"""Custom fields of one record as a person or a script gives them, read by their definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from datahub.entities.base import EntityType
from datahub.entities.extras import Definition
from datahub.entities.values import parse_custom_value
from datahub.faults import Faults
from datahub.jobs.merging.json_values import newer
from datahub.jobs.rows.definitions import custom_fields_of
from datahub.mapping.names import locale_tag
from datahub.models.setting import GeneralSettings


def read_custom_fields(
    session: Session,
    kind: EntityType,
    given: Mapping[str, Any],
    faults: Faults,
    stored: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Those that are given and not empty. `stored` is None for a record that goes away, which needs none."""
    if given and not kind.has_custom_fields:
        faults.add("customFields", f"{kind.name} has no custom fields.")
        return {}
    main_locale = session.get_one(GeneralSettings, 1).main_locale
    known = {item.external_id: item for item in custom_fields_of(session, kind.name, main_locale)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            faults.add(f"customFields.{key}", f"{kind.name} has no custom field with this id. Define it first.")
            continue
        try:
            values[key] = _read(known[key], value, main_locale)
        except ValueError as error:
            faults.add(f"customFields.{key}", str(error))
    said = {key: value for key, value in values.items() if value is not None}
    for key, definition in known.items():
        if definition.required and stored is not None and key not in {**stored, **said}:
            faults.add(f"customFields.{key}", "This field is required.")
    return said


def _read(definition: Definition, value: object, main_locale: str) -> Any:
    """A text, a list of texts, or for localised ones a text per locale."""
    if isinstance(value, dict) and definition.localised:
        texts: Any = None
        for name, text in value.items():
            locale = locale_tag(str(name))
            if locale is None:
                raise ValueError(f"{name} is not a language tag such as fr-FR.")
            if one := parse_custom_value(text):
                texts = newer(texts, definition.parse(_joined(one), locale, main_locale))
        return texts
    one = parse_custom_value(value)
    return None if one is None else definition.parse(_joined(one), main_locale, main_locale)


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "||".join(value)
