"""Client connections for scripts. Secrets come in and never go out."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response, current_app
from pydantic import Field, model_validator

from datahub.errors import InvalidError
from datahub.jobs import connection_test, connections
from datahub.models.connection import CONNECTION_TYPES, Connection
from webapp.api.answers import ClientAnswer, TestAnswer, describe_client, page_shape
from webapp.api.blueprint import found_first, make_blueprint, shown_names
from webapp.api.paging import PageQuery, Sorts
from webapp.api.reply import cut, no_content, page_of, reply
from webapp.api.shapes import Shape
from webapp.database import db
from webapp.permissions import EVERY_STORE_WRITE, MAPPER_READ, permission

blueprint = make_blueprint("clients", "Connections")
EXAMPLE = {
    "name": "ERP",
    "type": "SFTP",
    "host": "sftp.example.com",
    "port": 22,
    "username": "hub",
    "password": "a secret",
    "hostKey": None,
    "active": True,
}


class ClientBody(Shape):
    @model_validator(mode="before")
    @classmethod
    def _know_the_type(cls, body: Any) -> Any:
        """First of all: a body of another type would be told that its own fields do not exist."""
        given = body.get("type") if isinstance(body, dict) else None
        if given is not None and given not in CONNECTION_TYPES:
            offered = " or ".join(CONNECTION_TYPES)
            raise InvalidError("This type of connection is not offered.", {"type": [f"Must be {offered}."]})
        return body

    name: str
    type: str = Field("SFTP", json_schema_extra={"enum": list(CONNECTION_TYPES)})
    host: str
    port: int = connections.DEFAULT_PORT
    username: str
    password: str | None = Field(None, json_schema_extra={"writeOnly": True})
    private_key: str | None = Field(None, json_schema_extra={"writeOnly": True})
    private_key_passphrase: str | None = Field(None, json_schema_extra={"writeOnly": True})
    host_key: str | None = Field(None, description="One line of an OpenSSH public key; the test shows the server's.")
    active: bool = True


class ClientChange(ClientBody):
    """Secrets that are left out stay; so do the type, the port, the host key and whether it is active."""

    type: str | None = Field(None, description="Never changes.")
    port: int | None = None
    active: bool | None = None


class FolderBody(Shape):
    may_be_absent = True
    folder: str | None = Field(None, description="Also tries to list, write, rename and delete in it.")


class ClientQuery(PageQuery):
    sort: Annotated[str, Sorts("name", "createdAt")] = "name"


def _client(client_id: str) -> Connection:
    return connections.get(db.session(), client_id)


@blueprint.get("/v1/mapper/clients")
@blueprint.input(ClientQuery, location="query")
@blueprint.output(page_shape(ClientAnswer))
@permission(MAPPER_READ)
def list_clients(query_data: ClientQuery) -> Response:
    paging = query_data.paging()
    found = connections.list_connections(
        db.session(),
        sort=paging.sort,
        descending=paging.descending,
        offset=paging.offset,
        limit=paging.size + 1,
    )
    return page_of(cut(found, paging.size), paging, describe_client)


@blueprint.post("/v1/mapper/clients")
@blueprint.input(ClientBody, example=EXAMPLE)
@blueprint.output(ClientAnswer, status_code=201)
@permission(EVERY_STORE_WRITE)
def create_client(json_data: ClientBody) -> Response:
    with shown_names():
        client = connections.create(db.session(), current_app.extensions["vault"], **json_data.model_dump())
    return reply(describe_client(client), 201)


@blueprint.get("/v1/mapper/clients/<client_id>")
@blueprint.output(ClientAnswer)
@permission(MAPPER_READ)
def get_client(client_id: str) -> Response:
    return reply(describe_client(_client(client_id)))


@blueprint.put("/v1/mapper/clients/<client_id>")
@found_first("client_id", _client, "client")
@blueprint.input(ClientChange, example=EXAMPLE)
@blueprint.output(ClientAnswer)
@permission(EVERY_STORE_WRITE)
def update_client(client: Connection, json_data: ClientChange) -> Response:
    fields: dict[str, Any] = json_data.model_dump()
    if fields.pop("type") not in (None, client.type):
        raise InvalidError("A connection keeps its type.", {"type": [f"Never changes: it is {client.type}."]})
    kept = {"port": client.port, "active": client.active}
    given = {name: value for name, value in fields.items() if value is not None}
    with shown_names():
        connections.update(db.session(), current_app.extensions["vault"], client, **(kept | given))
    return reply(describe_client(client))


@blueprint.delete("/v1/mapper/clients/<client_id>")
@blueprint.output({}, status_code=204)
@permission(EVERY_STORE_WRITE)
def delete_client(client_id: str) -> Response:
    connections.delete(db.session(), _client(client_id))
    return no_content()


@blueprint.post("/v1/mapper/clients/<client_id>/test")
@found_first("client_id", _client, "client")
@blueprint.input(FolderBody)
@blueprint.output(TestAnswer)
@permission(EVERY_STORE_WRITE)
def test_client(client: Connection, json_data: FolderBody) -> Response:
    session = db.session()
    # A test may take half a minute; no transaction, and on SQLite no write lock, waits for it.
    session.expunge(client)
    session.rollback()
    settings, vault = current_app.extensions["settings"], current_app.extensions["vault"]
    report = connection_test.run_test_blocking(client, settings, vault, json_data.folder)
    return reply({"ok": report.ok, "steps": [_describe_step(step) for step in report.steps]})


def _describe_step(step: connection_test.Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": step.name, "ok": step.ok, "ms": step.ms, "message": step.message}
    found = {"hostKey": step.host_key, "fingerprint": step.fingerprint}
    return shown | {name: value for name, value in found.items() if value}
