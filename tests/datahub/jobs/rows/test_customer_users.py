"""What is particular to CUSTOMER_USER, and to ACCOUNT beside it: whom users are, who else has their e-mail, and that
no account goes while it has users. Their passwords are in test_import_secrets."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.errors import ConflictError
from datahub.jobs import custom_fields, record_reads, records
from datahub.jobs.custom_fields import Definition
from datahub.models.change import Change
from datahub.models.party import CustomerUser
from tests.factories import make_account, make_customer_user
from tests.importer import Importer, causes, counts, customer_user

Sessions = sessionmaker[Session]


@pytest.fixture(autouse=True)
def accounts(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_account(session, "ACC-1")
        make_account(session, "ACC-2")


def stored(sessions: Sessions, key: str = "U") -> CustomerUser:
    with sessions() as session:
        return session.scalars(select(CustomerUser).where(CustomerUser.external_id == key)).one()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ExternalId", "U 1"),
        ("ExternalId", "Zoé"),
        ("ExternalId", "Zoe\N{COMBINING ACUTE ACCENT}"),
        ("Civility", "DR"),
        ("Email", "ada"),
        ("Email", "ada@example"),
        ("Email", "ada..b@example.com"),
        ("Email", "ada@exämple.com"),
        ("Groups", "FOC_User||FOC_Root"),
    ],
)
def test_a_value_of_the_wrong_form_rejects_the_row(load: Importer, name: str, value: str) -> None:
    done = load("CUSTOMER_USER", customer_user("U") | customer_user("U", **{name: value}))
    assert causes(done) == [(2, "malformed", f"customerUser{name}")]


@pytest.mark.parametrize("name", ["Civility", "FirstName", "LastName", "Email", "Phone", "Groups", "AccountIds"])
def test_nearly_all_must_be_given_again_with_each_update(load: Importer, name: str) -> None:
    assert causes(load("CUSTOMER_USER", customer_user("U", **{name: ""}))) == [(2, "required", f"customerUser{name}")]
    load("CUSTOMER_USER", customer_user("U"))
    assert causes(load("CUSTOMER_USER", customer_user("U", **{name: ""}))) == [(2, "required", f"customerUser{name}")]


def test_a_user_belongs_to_accounts_that_exist(load: Importer, sessions: Sessions) -> None:
    done = load("CUSTOMER_USER", customer_user("U", AccountIds="ACC-1||ACC-9"))
    assert causes(done) == [(2, "unknown_reference", "customerUserAccountIds")]
    load("CUSTOMER_USER", customer_user("U", AccountIds="ACC-1||ACC-2"))
    assert counts(load("CUSTOMER_USER", customer_user("U", AccountIds="ACC-2"))) == {"updated": 1}
    assert stored(sessions).accounts == ["ACC-2"]


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        ({"OrganisationIds": "", "MainOrganisationId": ""}, True),
        ({"OrganisationIds": "B||C", "MainOrganisationId": "C"}, True),
        ({"OrganisationIds": "B||C", "MainOrganisationId": "A"}, False),
        ({"OrganisationIds": "B||A", "MainOrganisationId": ""}, False),
        ({"OrganisationIds": "", "MainOrganisationId": "A"}, True),
        ({"OrganisationIds": "", "MainOrganisationId": "C"}, False),
        ({"MainOrganisationId": "C"}, False),
    ],
)
def test_the_main_organisation_is_one_of_the_organisations(
    load: Importer, given: dict[str, str], is_right: bool
) -> None:
    load("CUSTOMER_USER", customer_user("U", OrganisationIds="A||B", MainOrganisationId="B"))
    faults = [] if is_right else [(2, "malformed", "customerUserMainOrganisationId")]
    assert causes(load("CUSTOMER_USER", customer_user("U", **given))) == faults


def test_a_new_user_without_organisations_has_no_main_one(load: Importer) -> None:
    done = load("CUSTOMER_USER", customer_user("U", MainOrganisationId="A"))
    assert causes(done) == [(2, "malformed", "customerUserMainOrganisationId")]
    assert done.rejected[0][1][0]["value"] == "A"
    done = load("CUSTOMER_USER", customer_user("U", OrganisationIds="B||C"))
    assert done.rejected[0][1][0]["value"] == "B||C", "the main one is missing in the row"


def test_addresses_that_differ_in_case_alone_are_the_same(load: Importer, sessions: Sessions) -> None:
    load("CUSTOMER_USER", customer_user("U-1", Email="Ada@Example.com"))
    assert stored(sessions, "U-1").email == "ada@example.com"
    assert counts(load("CUSTOMER_USER", customer_user("U-1", Email="ADA@example.com"))) == {"unchanged": 1}
    done = load("CUSTOMER_USER", customer_user("U-2", Email="ada@EXAMPLE.com"))
    assert causes(done) == [(2, "not_unique", "customerUserEmail")]
    load("CUSTOMER_USER", {"customerUserExternalId": "U-1", "customerUserDeleted": "TRUE"})
    assert counts(load("CUSTOMER_USER", customer_user("U-2", Email="ada@example.com"))) == {"created": 1}


def test_a_deleted_user_leaves_no_personal_data_and_comes_back_afresh(load: Importer, sessions: Sessions) -> None:
    with sessions.begin() as session:
        custom_fields.create(session, Definition("CUSTOMER_USER", "birthday", "Birthday", "TEXT"))
    row = customer_user("U", Password="Correct-h0rse") | {"CF_birthday": "10 December"}
    load("CUSTOMER_USER", row)
    gone = load("CUSTOMER_USER", {"customerUserExternalId": "U", "customerUserDeleted": "TRUE"})
    assert (counts(gone), gone.warnings) == ({"deleted": 1}, [])
    user = stored(sessions)
    assert (user.civility, user.name, user.email, user.phone) == ("", " ", "", "")
    assert (user.password, user.custom_fields) == ({}, {})
    with sessions() as session:
        told = session.scalars(select(Change.changes).where(Change.action == "deleted")).one()
    assert told == {"customerUserGroups": [["FOC_User"], None], "customerUserAccountIds": [["ACC-1"], None]}
    assert counts(load("CUSTOMER_USER", row)) == {"created": 1}
    assert (stored(sessions).email, stored(sessions).custom_fields) == ("u@example.com", {"birthday": "10 December"})


def test_users_are_found_by_name_and_e_mail_as_well(sessions: Sessions) -> None:
    with sessions.begin() as session:
        make_customer_user(session, "U-1", first_name="Grace", last_name="Hopper", email="g@navy.example")
        make_customer_user(session, "U-2")

    def found(search: str) -> list[str]:
        with sessions() as session:
            return [user.external_id for user in record_reads.find(session, "CUSTOMER_USER", search=search).items]

    assert (found("grace hop"), found("NAVY"), found("u-"), found("zz")) == (["U-1"], ["U-1"], ["U-1", "U-2"], [])


def test_no_account_is_deleted_while_it_has_users(load: Importer, sessions: Sessions) -> None:
    load("CUSTOMER_USER", customer_user("U", AccountIds="ACC-1||ACC-2"))
    delete = [{"accountExternalId": key, "deleted": "TRUE"} for key in ("ACC-1", "ACC-2")]
    done = load("ACCOUNT", *delete)
    assert causes(done) == [(2, "in_use", "accountExternalId"), (3, "in_use", "accountExternalId")]
    ((_, (fault,)), _) = done.rejected
    assert fault["message"] == "It cannot be deleted: users still refer to it."
    with sessions.begin() as session, pytest.raises(ConflictError, match="users still refer to it"):
        records.put(session, "ACCOUNT", "ACC-1", fields={"deleted": True}, custom_fields={}, actor="ada")
    load("CUSTOMER_USER", customer_user("U", AccountIds="ACC-1"))
    assert counts(load("ACCOUNT", *delete)) == {"deleted": 1, "rejected": 1}
    load("CUSTOMER_USER", {"customerUserExternalId": "U", "customerUserDeleted": "TRUE"})
    assert counts(load("ACCOUNT", *delete)) == {"deleted": 1, "unchanged": 1}
    done = load("CUSTOMER_USER", customer_user("U", AccountIds="ACC-2"))
    assert causes(done) == [(2, "unknown_reference", "customerUserAccountIds")]
