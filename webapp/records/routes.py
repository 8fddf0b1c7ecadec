"""Commerce records: overview, a list per entity, the page of one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from flask import Response, render_template, request, url_for

from datahub.access import store_limits
from datahub.entities import RECORDS, adding_to, parts_shown
from datahub.entities.base import EntityType, Field, Part, Reference
from datahub.jobs import general_settings, record_history, record_reads
from datahub.jobs.records import BY_HAND
from datahub.models.party import DEFAULT_STORE
from webapp import pager
from webapp.database import db
from webapp.htmx import redirect_to, render, wants_fragment
from webapp.permissions import MAPPER_READ, permission
from webapp.records import shown
from webapp.records.addresses import address_of, store_of
from webapp.records.blueprint import blueprint
from webapp.records.changes import shown_changes
from webapp.records.extras import names_of

MOST_PARTS = 200


@blueprint.get("/records")
@permission(MAPPER_READ)
def index() -> str:
    counts = record_reads.count_live(db.session())
    cards = [(kind, shown.NOTES.get(kind.name, ""), counts[kind.name]) for kind in RECORDS.values()]
    return render_template("records/index.html", cards=cards, most=record_reads.MOST_COUNTED)


@blueprint.get("/records/ORDER")
@permission(MAPPER_READ)
def orders() -> Response:
    """Which have pages of their own, as incidents do."""
    return redirect_to(url_for("orders.index"))


@blueprint.get("/records/ORDER/<reference:external_id>")
@permission(MAPPER_READ)
def order(external_id: str) -> Response:
    return redirect_to(address_of("ORDER", external_id))


@blueprint.get("/records/INCIDENT")
@permission(MAPPER_READ)
def incidents() -> Response:
    return redirect_to(url_for("orders.list_incidents"))


@blueprint.get("/records/INCIDENT/<reference:external_id>")
@permission(MAPPER_READ)
def incident(external_id: str) -> Response:
    return redirect_to(address_of("INCIDENT", external_id))


@blueprint.get("/records/<entity>")
@permission(MAPPER_READ)
def list_records(entity: str) -> Response:
    kind = record_reads.entity_type(entity)
    search = request.args.get("search", "").strip()
    asked = pager.asked()
    stores = store_limits.choices(db.session()) if kind.scoped_by else []
    names = [it.external_id for it in stores]
    first = DEFAULT_STORE if DEFAULT_STORE in names else next(iter(names), None)
    store = (request.args.get("store") or first) if stores else None
    found = record_reads.records_page(db.session(), entity, search=search, store=store or "", **asked)
    address = partial(url_for, "records.list_records", entity=entity, store=store, search=search or None)
    response = render(
        "records/list.html",
        "records/_list.html",
        kind=kind,
        note=shown.NOTES.get(entity, ""),
        tabs=_tabs(entity),
        search=search,
        stores=stores,
        store=store,
        looks_in=shown.looks_in(kind),
        headings=[shown.heading(item, kind.label) for item in (kind.key, *shown.list_fields(kind))],
        has_state=shown.has_state(kind),
        rows=_rows(kind, found.items),
        is_by_hand=entity in BY_HAND,
        **pager.neighbours(found, address),
    )
    if wants_fragment():
        response.headers["HX-Push-Url"] = address(**asked)
    return response


@blueprint.get("/records/<entity>/<reference:external_id>")
@permission(MAPPER_READ)
def detail(entity: str, external_id: str) -> str:
    session = db.session()
    kind = record_reads.entity_type(entity)
    store = request.args.get("store", "")
    record = record_reads.get(session, entity, external_id, store=store)
    (described,) = record_reads.describe(session, entity, [record], most_parts=MOST_PARTS)
    store_id = record_reads.store_id(session, entity, store)
    found = record_history.changes_page(session, entity, external_id, store_id=store_id, **pager.asked())
    address = partial(address_of, entity, external_id, store, _anchor="changes")
    return render_template(
        "records/detail.html",
        kind=kind,
        record=described,
        list_url=url_for("records.list_records", entity=entity, store=store if kind.scoped_by else None),
        name=shown.name_of(record, general_settings.get(session).main_locale),
        fields=_fields(kind, described),
        custom_fields=_extras(kind, described["customFields"]),
        attributes=_extras(kind, described["attributes"]),
        tables=_tables(kind, record, described),
        changes=shown_changes(found.items),
        **pager.neighbours(found, address),
    )


def _tabs(entity: str) -> list[tuple[str, str, bool]]:
    lists = [
        (kind.label, url_for("records.list_records", entity=kind.name), kind.name == entity)
        for kind in RECORDS.values()
    ]
    return [("Overview", url_for("records.index"), False), *lists]


def _rows(kind: EntityType, records: list[Any]) -> list[dict[str, Any]]:
    session = db.session()
    main_locale = general_settings.get(session).main_locale
    described = record_reads.describe_fields(session, kind.name, records)
    parts = [record_reads.count_parts(session, part, records) for part in kind.parts]
    updated = record_reads.updated_at(session, kind, records)
    return [
        {
            "external_id": record.external_id,
            "url": address_of(kind.name, record.external_id, store_of(kind, fields)),
            "name": shown.name_of(record, main_locale),
            "cells": [shown.shown_field(item, fields[item.key], {}, kind.label) for item in shown.list_fields(kind)],
            "parts": [counted.get(record.id, 0) for counted in parts],
            "state": shown.state_of(kind, fields),
            "updated_at": updated[record.id],
        }
        for record, fields in zip(records, described, strict=True)
    ]


def _fields(kind: EntityType, described: dict[str, Any]) -> list[shown.Shown]:
    """Of an entity that only adds to records its key, which leads to the record."""
    fields = described["fields"]
    store = store_of(kind, fields)
    if kind.must_exist:
        key = replace(kind.key, refers_to=Reference(kind.name, kind.model))
        return [shown.shown_field(key, fields[key.key], _links(key, [fields[key.key]]))]
    return [shown.shown_field(item, fields[item.key], _links(item, [fields[item.key]], store)) for item in kind.fields]


def _links(item: Field, values: list[Any], store: str | None = None) -> dict[str, str]:
    """Addresses of the records that these values of a field refer to, by external id. `store` is that of the record."""
    if item.refers_to is None:
        return {}
    keys = {key for value in values for key in (value if isinstance(value, list) else [value]) if key}
    holders = record_reads.holders(db.session(), item.refers_to, keys)
    return {key: address_of(entity, owner, store) for key, (entity, owner) in holders.items()}


def _links_of_parts(kind: EntityType, part: Part, keys: list[str]) -> dict[str, str]:
    """A part that another import adds and that refers to nothing leads to all the records that have the same."""
    others = [other.name for other in adding_to(kind) if part in other.parts]
    if part.key_field.refers_to is not None or not others:
        return _links(part.key_field, keys)
    return {key: url_for("records.list_records", entity=others[0], search=key) for key in keys}


def _extras(kind: EntityType, given: dict[str, Any]) -> list[shown.Shown]:
    return shown.shown_extras(given, names_of(kind, given.keys()))


def _tables(kind: EntityType, record: Any, described: dict[str, Any]) -> list[shown.Table]:
    tables = []
    for part in parts_shown(kind):
        rows = described["parts"][part.shown_as]
        keys = [row[part.key_field.key] for row in rows]
        names = names_of(kind, {name for row in rows for name in row.get("attributes") or ()})
        number = record_reads.count_parts(db.session(), part, [record]).get(record.id, 0)
        tables.append(shown.parts_table(part, rows, _links_of_parts(kind, part, keys), names, number))
    return tables
