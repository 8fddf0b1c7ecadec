"""The prefix of file names, multi-store, and the flags that follow the export jobs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from datahub.errors import InvalidError
from datahub.jobs import export_jobs, general_settings
from datahub.vault import Vault
from tests.factories import add_connection, make_job
from tests.in_turn import in_turn


def test_a_fresh_hub_has_the_defaults(session: Session) -> None:
    settings = general_settings.get(session)
    assert (settings.file_name_prefix, settings.multi_store) == (general_settings.DEFAULT_PREFIX, False)


def test_only_what_is_given_changes(session: Session) -> None:
    general_settings.update(session, file_name_prefix="ACME-1")
    general_settings.update(session, multi_store=True)
    settings = general_settings.get(session)
    assert (settings.file_name_prefix, settings.multi_store) == ("ACME-1", True)


@pytest.mark.parametrize("prefix", ["", " ", "a b", "é", "a/b", "x" * 21, "A\n"])
def test_a_prefix_that_no_file_should_bear_is_refused(session: Session, prefix: str) -> None:
    with pytest.raises(InvalidError) as error:
        general_settings.update(session, file_name_prefix=prefix)
    assert set(error.value.fields) == {"file_name_prefix"}


def test_locales_are_kept_as_tags_are_written_with_the_main_one_among_them(session: Session) -> None:
    general_settings.update(session, locales=["en-gb", " ZH-hant-tw "], main_locale="zh-hant-TW", currency="CHF")
    settings = general_settings.get(session)
    session.refresh(settings)
    assert (settings.locales, settings.main_locale) == (["en-GB", "zh-Hant-TW"], "zh-Hant-TW")
    assert settings.currency == "CHF"


@pytest.mark.parametrize(
    ("given", "faulty"),
    [
        ({"locales": []}, "locales"),
        ({"locales": ["en-GB", "en-gb"]}, "locales"),
        ({"locales": ["en-GB", "english, please"]}, "locales"),
        ({"locales": ["en-GB", "en" + "-abcdefgh" * 4]}, "locales"),
        ({"locales": ["en-GB", *(f"en-{number}" for number in range(100, 150))]}, "locales"),
        ({"locales": ["fr-FR"]}, "locales"),
        ({"locales": ["en-GB"], "main_locale": "fr-FR"}, "main_locale"),
        ({"main_locale": "fr-FR"}, "main_locale"),
        ({"main_locale": ""}, "main_locale"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EUR\n"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"currency": "ABC"}, "currency"),
    ],
)
def test_a_faulty_setting_is_told_at_its_field_and_nothing_changes(
    session: Session, given: dict[str, Any], faulty: str
) -> None:
    with pytest.raises(InvalidError) as error:
        general_settings.update(session, **{"multi_store": True, **given})
    assert set(error.value.fields) == {faulty}
    settings = general_settings.get(session)
    assert (settings.locales, settings.main_locale, settings.currency) == (["en-GB"], "en-GB", "EUR")
    assert not settings.multi_store


def test_the_order_flag_lives_from_the_first_job_to_the_last(session: Session, vault: Vault) -> None:
    assert not general_settings.automatic_flags(session).export_order_enabled
    connection = add_connection(session, vault)
    jobs = [make_job(session, connection, active=False) for _ in range(2)]
    for job in jobs:
        assert general_settings.automatic_flags(session).export_order_enabled
        export_jobs.delete(session, job, actor="ada")
    flags = general_settings.automatic_flags(session)
    assert (flags.export_order_enabled, flags.export_incident_enabled) == (False, False)


def test_two_who_change_at_once_leave_the_main_locale_among_the_locales(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        general_settings.update(session, locales=["en-GB", "fr-FR"])

    def change(session: Session, **fields: Any) -> None:
        # Known from before, as to a page that shows them.
        _known = general_settings.get(session)
        general_settings.update(session, **fields)

    _, second = in_turn(
        sessions,
        partial(change, locales=["en-GB"]),
        partial(change, main_locale="fr-FR"),
    )
    with pytest.raises(InvalidError):
        second.result()
    with sessions() as session:
        assert general_settings.get(session).locales == ["en-GB"]
