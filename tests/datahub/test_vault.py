"""Secrets can be read with every known key, and only with the right one."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from datahub.errors import SettingError
from datahub.vault import Vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_secret_comes_back_and_is_not_stored_readably() -> None:
    stored = Vault({"a": OLD}).encrypt("pässword")
    assert "ssword" not in stored
    assert stored.startswith("a:")
    assert Vault({"a": OLD}).decrypt(stored) == "pässword"


def test_the_same_secret_is_stored_differently_each_time() -> None:
    vault = Vault({"a": OLD})
    assert vault.encrypt("x") != vault.encrypt("x")


def test_a_new_first_key_encrypts_and_the_old_one_still_decrypts() -> None:
    stored = Vault({"a": OLD}).encrypt("x")
    both = Vault({"b": NEW, "a": OLD})
    assert both.decrypt(stored) == "x"
    assert not both.is_current(stored)
    assert both.is_current(both.encrypt("x"))


def test_an_unknown_key_is_named() -> None:
    stored = Vault({"a": OLD}).encrypt("x")
    with pytest.raises(SettingError, match="needs the key a"):
        Vault({"b": NEW}).decrypt(stored)


def test_another_key_under_the_same_id_is_noticed() -> None:
    stored = Vault({"a": OLD}).encrypt("x")
    with pytest.raises(SettingError, match="key a in ENCRYPTION_KEYS is not the one"):
        Vault({"a": NEW}).decrypt(stored)


def test_a_fingerprint_tells_whether_a_secret_is_the_same_with_each_key_that_is_known() -> None:
    first, both, other = Vault({"a": OLD}), Vault({"b": NEW, "a": OLD}), Vault({"a": NEW})
    known = first.fingerprint("x")
    assert (known, known[:2]) == (first.fingerprint("x"), "a:")
    assert [vault.matches("x", known) for vault in (first, both, other, Vault({"b": NEW}))] == [
        True,
        True,
        False,
        False,
    ]
    assert not both.matches("y", known)
    assert both.fingerprint("x").startswith("b:")
    assert not both.matches("x", "")


@pytest.mark.parametrize("keys", [{}, {"a": "short"}, {"a": "ä" * 44}])
def test_what_is_no_key_is_refused_at_the_start(keys: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="ENCRYPTION_KEYS"):
        Vault(keys)
