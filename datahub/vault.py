"""Encrypting and reading stored credentials, and telling secrets alike that are not stored, with keys that can be
rotated."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from datahub.errors import SettingError


class Vault:
    """Stored form: `<key id>:<token>`. The first key encrypts; every known key decrypts."""

    def __init__(self, keys: dict[str, str]) -> None:
        """Raises SettingError for a key that is no Fernet key (32 bytes, URL-safe base64)."""
        if not keys:
            raise SettingError("ENCRYPTION_KEYS is empty.")
        self._current = next(iter(keys))
        try:
            self._keys = {key_id: Fernet(key) for key_id, key in keys.items()}
        except ValueError as error:
            raise SettingError("ENCRYPTION_KEYS holds a key that is not 32 bytes of URL-safe base64.") from error
        self._for_fingerprints = {key_id: _derived(key, b"fingerprints") for key_id, key in keys.items()}

    def encrypt(self, secret: str) -> str:
        return f"{self._current}:{self._keys[self._current].encrypt(secret.encode()).decode()}"

    def decrypt(self, stored: str) -> str:
        """Raises SettingError when the key is not among the settings, or is another key under the same id."""
        key_id, _, token = stored.partition(":")
        key = self._keys.get(key_id)
        if key is None:
            raise SettingError(f"A stored secret needs the key {key_id}, which ENCRYPTION_KEYS does not hold.")
        try:
            return key.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise SettingError(
                f"The key {key_id} in ENCRYPTION_KEYS is not the one that encrypted the secrets."
            ) from error

    def is_current(self, stored: str) -> bool:
        return stored.startswith(f"{self._current}:")

    def fingerprint(self, secret: str) -> str:
        """`<key id>:<digest>`: the same for the same secret, and nothing to try guesses on for who has no key."""
        return self._fingerprint(self._current, secret)

    def matches(self, secret: str, fingerprint: str) -> bool:
        """False too where its key is not among the settings any more."""
        key_id, _, _ = fingerprint.partition(":")
        is_known = key_id in self._for_fingerprints
        return is_known and hmac.compare_digest(self._fingerprint(key_id, secret), fingerprint)

    def _fingerprint(self, key_id: str, secret: str) -> str:
        return f"{key_id}:{hmac.digest(self._for_fingerprints[key_id], secret.encode(), 'sha256').hex()}"


def _derived(key: str, purpose: bytes) -> bytes:
    """A key for one purpose alone."""
    return HKDF(SHA256(), length=32, salt=None, info=b"datahub " + purpose).derive(urlsafe_b64decode(key))
