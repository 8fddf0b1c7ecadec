"""Whom the prices of offers are for."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.db import database_now
from datahub.models.change import Change
from datahub.models.offer import Price
from datahub.models.party import Account
from tests.factories import make_account
from tests.importer import Importer, causes, counts, offer

Sessions = sessionmaker[Session]


@pytest.fixture
def accounts(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for key in ("A-1", "A-2"):
            make_account(session, key)


@pytest.mark.usefixtures("catalogue", "accounts")
@pytest.mark.parametrize("kind", ["GROUP", "ACCOUNT"])
def test_a_price_for_some_names_whom_it_is_for(load: Importer, kind: str) -> None:
    row = offer("S-1", "P-1", priceType=kind)
    assert causes(load("OFFER", row)) == [(2, "required", "priceTypeValue")]
    assert counts(load("OFFER", row | {"priceTypeValue": "A-1"})) == {"created": 1}
    assert counts(load("OFFER", row | {"price": "8"})) == {"updated": 1}, "whom it is for is stored"


@pytest.mark.usefixtures("catalogue", "accounts")
def test_whom_a_price_is_for_does_not_outlast_a_change_of_its_type(load: Importer, sessions: Sessions) -> None:
    load("OFFER", offer("S-1", "P-1", priceType="GROUP", priceTypeValue="G-1"))
    assert counts(load("OFFER", offer("S-1", "P-1", priceType="GROUP"))) == {"unchanged": 1}
    assert causes(load("OFFER", offer("S-1", "P-1", priceType="ACCOUNT"))) == [(2, "required", "priceTypeValue")]
    assert counts(load("OFFER", offer("S-1", "P-1", priceType="PUBLIC"))) == {"updated": 1}
    with sessions() as session:
        change = session.scalars(select(Change).order_by(Change.id.desc())).first()
        assert change
        assert change.changes == {"priceType": ["GROUP", "PUBLIC"], "priceTypeValue": ["G-1", None]}
        assert session.scalars(select(Price.type_value)).all() == [None]
    assert causes(load("OFFER", offer("S-1", "P-1", priceType="ACCOUNT"))) == [(2, "required", "priceTypeValue")]
    row = offer("S-1", "P-1", priceType="ACCOUNT", priceTypeValue="A-1")
    assert counts(load("OFFER", row)) == {"updated": 1}
    assert counts(load("OFFER", offer("S-1", "P-1", priceTypeValue="A-2", priceType=""))) == {"updated": 1}


@pytest.mark.usefixtures("catalogue", "accounts")
def test_a_price_for_an_account_names_one_that_exists_and_a_group_is_plain_text(
    load: Importer, sessions: Sessions
) -> None:
    lost, known = ({"priceType": "ACCOUNT", "priceTypeValue": key} for key in ("A-9", "A-1"))
    outcome = load("OFFER", offer("S-1", "P-1", **lost), offer("S-1", "P-2", **known))
    assert causes(outcome) == [(2, "unknown_reference", "priceTypeValue")]
    assert outcome.rejected[0][1][0]["value"] == "A-9"
    assert counts(load("OFFER", offer("S-1", "P-3", priceType="GROUP", priceTypeValue="A-9"))) == {"created": 1}
    turned = offer("S-1", "P-3", priceType="ACCOUNT", priceTypeValue="A-9")
    assert causes(load("OFFER", turned)) == [(2, "unknown_reference", "priceTypeValue")]
    with sessions.begin() as session:
        session.scalars(select(Account).where(Account.external_id == "A-1")).one().deleted_at = database_now(session)
    assert counts(load("OFFER", offer("S-1", "P-2", **known))) == {"unchanged": 1}
    assert counts(load("OFFER", offer("S-1", "P-2", price="7", stockNumber="8", **known))) == {"updated": 1}
    assert causes(load("OFFER", offer("S-1", "P-4", **known))) == [(2, "unknown_reference", "priceTypeValue")]
