"""General settings over JSON."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.webapp.api.conftest import Script, assert_error

PATH = "/v1/settings/general"


@pytest.mark.usefixtures("job")
def test_flags_follow_the_jobs_and_cannot_be_written(script_of: Callable[[str], Script]) -> None:
    admin = script_of("ADMIN")
    flags = {"exportOrderEnabled": False, "exportIncidentEnabled": "whatever"}
    changed = admin.patch(PATH, json=flags | {"fileNamePrefix": "ACME"})
    assert changed.status_code == 200
    assert changed.json == {
        "exportOrderEnabled": True,
        "exportIncidentEnabled": False,
        "fileNamePrefix": "ACME",
        "multiStore": False,
        "mainLocale": "en-GB",
        "locales": ["en-GB"],
        "currency": "EUR",
    }
    assert admin.patch(PATH, json={"multiStore": True}).json["fileNamePrefix"] == "ACME"
    replaced = admin.put(PATH, json={"multiStore": True})
    assert (replaced.json["fileNamePrefix"], replaced.json["multiStore"]) == ("DJUST", True)
    assert replaced.headers["Link"] == f'<{PATH}>; rel="successor-version"'
    assert_error(admin.patch(PATH, json={"fileNamePrefix": "a b"}), 400, "fileNamePrefix")


@pytest.mark.usefixtures("job")
def test_who_may_change_jobs_may_change_them_and_a_viewer_reads(script_of: Callable[[str], Script]) -> None:
    viewer = script_of("VIEWER")
    assert viewer.get(PATH).json["exportOrderEnabled"] is True
    assert_error(viewer.patch(PATH, json={"multiStore": True}), 403)
    assert script_of("OPERATOR").patch(PATH, json={"multiStore": True}).json["multiStore"] is True


def test_locales_and_currency_change_together_and_stay_where_an_old_script_leaves_them_out(
    script_of: Callable[[str], Script],
) -> None:
    admin = script_of("ADMIN")
    changed = admin.patch(PATH, json={"mainLocale": "FR-fr", "locales": ["fr-FR", "de-de"], "currency": "CHF"})
    shown = {"mainLocale": "fr-FR", "locales": ["fr-FR", "de-DE"], "currency": "CHF"}
    assert changed.status_code == 200 and shown.items() <= changed.json.items()
    assert shown.items() <= admin.put(PATH, json={"multiStore": True}).json.items()


def test_every_fault_is_told_at_its_name(script_of: Callable[[str], Script]) -> None:
    admin = script_of("ADMIN")
    faulty = {"locales": ["en-GB", "no tag"], "mainLocale": "?", "currency": "euro", "fileNamePrefix": "a b"}
    assert_error(admin.patch(PATH, json=faulty), 400, *faulty)
    assert_error(admin.patch(PATH, json={"mainLocale": "fr-FR"}), 400, "mainLocale")
    assert_error(admin.patch(PATH, json={"locales": ["fr-FR"]}), 400, "locales")
    assert_error(admin.patch(PATH, json={"locales": []}), 400, "locales")
    assert_error(admin.patch(PATH, json={"locale": "fr-FR"}), 400, "locale")
    assert_error(admin.patch(PATH, json={"currency": "ABC"}), 400, "currency")
    assert admin.get(PATH).json["locales"] == ["en-GB"]
