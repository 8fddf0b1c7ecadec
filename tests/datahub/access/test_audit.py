"""The audit log records every change of configuration, by whoever makes it, and no secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import String, Text, delete, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

import datahub.models
from datahub.access import accounts, audit, audit_log, tokens, users
from datahub.access.audit import Actor
from datahub.access.audit_log import Filters
from datahub.db import Base
from datahub.jobs import connections, custom_fields, export_jobs, general_settings
from datahub.jobs.custom_fields import Definition
from datahub.models.access import ApiToken, User
from datahub.models.audit import AuditEntry
from datahub.models.connection import Connection
from datahub.models.export_job import ExportJob, export_job_suppliers
from datahub.models.party import Store
from datahub.vault import Vault
from tests.factories import add_connection, make_job, make_supplier

PASSWORD = "correct horse battery"
ADA = Actor("ada", None, "PAGE", "192.0.2.1")
# They have histories of their own, are written by the hub itself, or hold nothing that a person sets.
KEPT_ELSEWHERE = {
    *(
        "Account",
        "AccountAddress",
        "Attribute",
        "Category",
        "CategoryAttribute",
        "NavigationCategory",
        "Price",
        "Product",
        "ProductTag",
        "RelatedProduct",
        "Stock",
    ),
    *("Store", "Supplier", "Variant", "CustomerUser", "Change"),
    *("Assortment", "AssortmentProduct", "AssortmentVariant", "CatalogView"),
    *("Order", "OrderLine", "OrderAddress", "OrderPayment", "OrderSnapshot", "OrderStatusChange"),
    *("Incident", "IncidentLine", "IncidentStatusChange"),
    *("Execution", "Payload", "Event", "ImportRun", "UploadChunk", "SettledKeys", "RejectedRow"),
    "ImportWarning",
    "ImportFile",
    *("Tick", "ConsumedFile", "Heartbeat"),
    *("UserSession", "PasswordLink", "AuditEntry"),
}


@pytest.fixture
def acting(session: Session) -> Session:
    audit.acts(session, lambda: ADA)
    return session


def entries(session: Session) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def told(session: Session) -> list[tuple[str, str, str]]:
    return [(entry.action, entry.kind, entry.object_name) for entry in entries(session)]


def test_every_table_is_recorded_or_named_as_kept_elsewhere() -> None:
    assert datahub.models
    left_out = {mapper.class_.__name__ for mapper in Base.registry.mappers if mapper.class_.audit_kind is None}
    assert left_out - KEPT_ELSEWHERE == set()


def test_columns_that_may_hold_secrets_are_marked_as_such() -> None:
    harmless = {"host_key"}
    unmarked = {
        f"{mapper.class_.__name__}.{column.key}"
        for mapper in Base.registry.mappers
        if mapper.class_.audit_kind is not None
        for column in mapper.columns
        if isinstance(column.type, String | Text) and column.key not in harmless and "audit" not in column.info
        if any(word in column.key for word in ("password", "secret", "hash", "key", "token", "header", "passphrase"))
    }
    assert unmarked == set()


def test_a_change_is_recorded_with_old_and_new_values_in_the_same_transaction(
    sessions: sessionmaker[Session],
) -> None:
    with sessions() as session:
        audit.acts(session, lambda: ADA)
        general_settings.update(session, file_name_prefix="ACME")
        session.rollback()
        assert entries(session) == []
        general_settings.update(session, file_name_prefix="ACME", multi_store=True)
        session.commit()
    with sessions() as session:
        (entry,) = entries(session)
    assert (entry.actor, entry.source, entry.address) == ("ada", "PAGE", "192.0.2.1")
    assert (entry.action, entry.kind, entry.object_id) == ("changed", "general settings", "1")
    assert entry.changes == {"file_name_prefix": ["DJUST", "ACME"], "multi_store": [False, True]}


def test_what_does_not_change_is_not_recorded(acting: Session) -> None:
    general_settings.update(acting, currency="EUR")
    assert entries(acting) == []


def test_sessions_without_an_actor_record_nothing(session: Session) -> None:
    general_settings.update(session, currency="CHF")
    assert entries(session) == []


def test_several_steps_on_one_thing_are_one_entry(acting: Session) -> None:
    user, _ = accounts.invite(acting, name="bob", role="VIEWER")
    accounts.change_role(acting, user, role="OPERATOR")
    created, invited = entries(acting)
    assert (created.action, created.changes) == (
        "created",
        {"name": [None, "bob"], "role": [None, "OPERATOR"], "active": [None, True]},
    )
    assert invited.action == "invited"


def test_what_a_savepoint_takes_back_is_not_recorded(acting: Session) -> None:
    user = users.create(acting, name="bob", password=PASSWORD, role="VIEWER")
    acting.commit()
    with pytest.raises(ZeroDivisionError), acting.begin_nested():
        user.role = "OPERATOR"
        acting.flush()
        raise ZeroDivisionError
    user.role = "ADMIN"
    acting.flush()
    assert [entry.changes for entry in entries(acting)][1:] == [{"role": ["VIEWER", "ADMIN"]}]


def test_secrets_of_a_connection_are_said_to_have_changed_and_never_shown(acting: Session, vault: Vault) -> None:
    connection = add_connection(acting, vault)
    acting.commit()
    fields: dict[str, Any] = {"name": connection.name, "host": connection.host, "port": 2022, "active": True}
    connections.update(acting, vault, connection, username="hub", password="hunter2-hunter2", **fields)
    *_, entry = entries(acting)
    assert entry.changes is not None
    assert entry.changes["password"] == "changed"
    stored = "".join(str(entry.changes) for entry in entries(acting))
    assert "hunter2" not in stored and str(connection.password) not in stored


def test_related_things_are_recorded_by_name(acting: Session, vault: Vault) -> None:
    first, second = add_connection(acting, vault), add_connection(acting, vault, name="Second")
    job = make_job(acting, first)
    acting.commit()
    before = len(entries(acting))
    job.connection = second
    acting.flush()
    assert entries(acting)[before].changes == {"connection": [first.name, "Second"]}
    acting.commit()
    job.connection_id = first.id
    acting.flush()
    assert entries(acting)[before + 1].changes == {"connection": ["Second", first.name]}


def test_suppliers_of_a_job_are_recorded_by_their_ids(acting: Session, vault: Vault) -> None:
    job = make_job(acting, add_connection(acting, vault))
    supplier = make_supplier(acting, "S-1")
    job.suppliers = []
    acting.commit()
    before = len(entries(acting))
    job.suppliers = [supplier]
    acting.flush()
    assert entries(acting)[before].changes == {"suppliers": [[], ["S-1"]]}
    acting.commit()
    job.suppliers.remove(supplier)
    acting.flush()
    assert entries(acting)[before + 1].changes == {"suppliers": [["S-1"], []]}


def test_the_stores_that_a_user_is_limited_to_are_recorded(acting: Session) -> None:
    user = users.create(acting, name="bob", password=PASSWORD, role="OPERATOR")
    acting.commit()
    user.stores = list(acting.scalars(select(Store)))
    acting.flush()
    assert entries(acting)[-1].changes == {"stores": [[], ["default_store"]]}


def test_what_is_deleted_is_recorded_with_what_it_was(acting: Session, vault: Vault) -> None:
    job = make_job(acting, add_connection(acting, vault))
    acting.commit()
    name = job.name
    export_jobs.delete(acting, job, actor="ada")
    *_, entry = entries(acting)
    assert (entry.action, entry.kind, entry.object_name) == ("deleted", "export job", name)
    assert entry.changes is not None
    assert entry.changes["name"] == [name, None] and entry.changes["connection"][0]


def test_custom_fields_and_tokens_are_recorded(acting: Session) -> None:
    custom_fields.create(acting, Definition(entity="OFFER", external_id="zone", name="Zone", type="TEXT"))
    user = users.create(acting, name="bob", password=PASSWORD, role="VIEWER")
    token, text = tokens.create(acting, user=user, name="ERP")
    acting.commit()
    tokens.revoke(acting, user=user, public_id=token.public_id)
    assert told(acting) == [
        ("created", "custom field", "Zone"),
        ("created", "user", "bob"),
        ("created", "token", "ERP"),
        ("changed", "token", "ERP"),
    ]
    stored = str([entry.changes for entry in entries(acting)])
    assert text not in stored and token.token_hash not in stored and user.password_hash not in stored


@pytest.mark.parametrize(
    "statement",
    [
        update(Connection).values(active=False),
        update(User).values(role="ADMIN"),
        delete(ApiToken),
        delete(ExportJob.__table__),
        insert(export_job_suppliers).values(export_job_id=1, supplier_id=1),
    ],
)
def test_statements_that_would_bypass_the_log_are_refused(acting: Session, statement: Any) -> None:
    with pytest.raises(RuntimeError, match="past the audit log"):
        acting.execute(statement)


def test_locking_out_is_recorded_with_what_it_did(acting: Session) -> None:
    users.create(acting, name="root", password=PASSWORD, role="ADMIN")
    by = users.create(acting, name="zoe", password=PASSWORD, role="ADMIN")
    user = users.create(acting, name="bob", password=PASSWORD, role="VIEWER")
    tokens.create(acting, user=user, name="ERP")
    acting.commit()
    before = len(entries(acting))
    accounts.lock_out(acting, user, by=by)
    done = entries(acting)[before:]
    assert [entry.action for entry in done] == ["changed", "changed", "locked out"]
    assert done[0].changes == {"active": [True, False], "password": "changed"}
    assert done[1].kind == "token"


def test_the_log_is_filtered_and_read_by_pages(acting: Session) -> None:
    for name in ("50%", "50_", "other"):
        custom_fields.create(
            acting, Definition(entity="OFFER", external_id=f"f{len(name)}{name[2:3] == '%'}", name=name, type="TEXT")
        )
    general_settings.update(acting, currency="CHF")

    def found(**given: Any) -> list[str]:
        return [entry.object_name for entry in audit_log.page(acting, Filters(**given)).items]

    assert found() == ["", "other", "50_", "50%"]
    assert found(text="50%") == ["50%"]
    assert found(text="OTHER") == ["other"]
    assert found(kind="custom field", action="created") == ["other", "50_", "50%"]
    assert found(action="deleted") == []
    assert found(kind="no such", action="none", source="x", person="y") == ["", "other", "50_", "50%"]
    today = entries(acting)[0].at.date()
    assert len(found(since=today, until=today)) == 4
    assert found(since=today + timedelta(days=1)) == found(until=today - timedelta(days=1)) == []
    first = audit_log.page(acting, Filters(), size=3)
    second = audit_log.page(acting, Filters(), size=3, **first.following or {})
    assert [len(first.items), len(second.items), second.following] == [3, 1, None]
    assert audit_log.page(acting, Filters(), size=3, **second.previous or {}) == first


def test_the_log_tells_what_is_still_there(acting: Session, vault: Vault) -> None:
    job = make_job(acting, add_connection(acting, vault))
    acting.commit()
    export_jobs.delete(acting, job, actor="ada")
    user = users.create(acting, name="bob", password=PASSWORD, role="VIEWER")
    tokens.create(acting, user=user, name="ERP")
    homes = audit_log.homes(acting, entries(acting))
    assert [kind for kind, _ in homes if kind != "token"] and {kind for kind, _ in homes} == {
        "connection",
        "user",
        "token",
    }
    assert [home for (kind, _), home in homes.items() if kind == "token"] == [str(user.id)]
