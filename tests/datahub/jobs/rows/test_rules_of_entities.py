"""What a description can ask of an import beyond fields and parts."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.entities.tables import in_markdown
from datahub.models.party import CustomerUser
from tests.factories import make_account
from tests.importer import Importer, causes, counts, customer_user

Sessions = sessionmaker[Session]


@pytest.fixture(autouse=True)
def account(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_account(session, "ACC-1")


def addresses(sessions: Sessions) -> dict[str, str]:
    """Those of live customer users."""
    with sessions() as session:
        rows = session.scalars(select(CustomerUser).where(CustomerUser.deleted_at.is_(None)))
        return {row.external_id: row.email for row in rows}


def person(name: str, mail: str, **more: str) -> dict[str, str]:
    return customer_user(name, Email=mail, **more)


def test_a_value_of_another_live_record_is_refused_and_named(load: Importer) -> None:
    load("CUSTOMER_USER", person("P-1", "ada@x.org"))
    done = load("CUSTOMER_USER", person("P-2", "ada@x.org"), person("P-1", "ada@x.org", Phone="7"))
    assert (counts(done), causes(done)) == ({"updated": 1, "rejected": 1}, [(2, "not_unique", "customerUserEmail")])
    ((_, (fault,)),) = done.rejected
    assert fault["message"] == "ada@x.org is that of another record. No two have the same."


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_of_two_new_records_with_one_value_the_first_gets_it_wherever_chunks_end(
    load: Importer, sessions: Sessions, chunk_rows: int
) -> None:
    done = load("CUSTOMER_USER", person("P-2", "ada@x.org"), person("P-1", "ada@x.org"), chunk_rows=chunk_rows)
    assert causes(done) == [(2, "not_unique", "customerUserEmail")]
    assert addresses(sessions) == {"P-1": "ada@x.org"}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_value_is_free_once_an_earlier_record_gave_it_up(load: Importer, sessions: Sessions, chunk_rows: int) -> None:
    load("CUSTOMER_USER", person("P-1", "a@x.org"), person("P-2", "b@x.org"), person("P-3", "c@x.org"))
    rows = [person("P-1", "d@x.org"), person("P-2", "a@x.org"), person("P-3", "", Deleted="TRUE")]
    assert causes(load("CUSTOMER_USER", *rows, person("P-4", "c@x.org"), chunk_rows=chunk_rows)) == []
    assert addresses(sessions) == {"P-1": "d@x.org", "P-2": "a@x.org", "P-4": "c@x.org"}


@pytest.mark.parametrize("chunk_rows", [1, 1000])
def test_a_value_that_a_later_record_gives_up_is_not_free_yet(load: Importer, chunk_rows: int) -> None:
    load("CUSTOMER_USER", person("P-1", "a@x.org"), person("P-2", "b@x.org"))
    rows = person("P-1", "b@x.org"), person("P-2", "c@x.org")
    assert causes(load("CUSTOMER_USER", *rows, chunk_rows=chunk_rows)) == [(2, "not_unique", "customerUserEmail")]
    assert counts(load("CUSTOMER_USER", *rows)) == {"updated": 1, "unchanged": 1}


def test_the_documented_tables_say_all_this() -> None:
    text = in_markdown()
    for sentence in (
        "`assortmentName` is erased where no row of the record gives it, with a warning.",
        "TRUE empties `allowedAssortmentExternalId`, `excludedAssortmentExternalId`, `accountExternalId` first",
        "No two records have the same `customerUserEmail`.",
        "`customerUserPhone`, `customerUserPassword` and custom fields are blanked when the record is deleted.",
        "Imports change records that exist and make none.",
        "`productTag9`, `productTag10`. A record may have 10 at most.",
        "TRUE takes all away, before other rows add theirs",
    ):
        assert sentence in text, sentence
