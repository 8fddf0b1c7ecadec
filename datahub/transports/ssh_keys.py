"""Host keys and private keys as text: reading, normalising, fingerprints."""

from __future__ import annotations

import asyncssh

from datahub.errors import InvalidError

# Asked of servers in this order; an accepted key's own kind comes first, or another kind would look like a change.
HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
MAX_KEY_LENGTH = 20_000
_FIELD, _PASSPHRASE_FIELD = "private_key", "private_key_passphrase"


def read_host_key(line: str) -> asyncssh.SSHKey:
    """Raises InvalidError at `host_key` for anything but one public key of a kind that servers are asked for."""
    try:
        # The library would also take the public half of a private key, or a key in PEM form.
        if len(line) > MAX_KEY_LENGTH or not line.strip().isprintable():
            raise ValueError("not one line")
        key = asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise _invalid("host_key", "This is not a public key such as: ssh-ed25519 AAAA…") from error
    if not accepted_algorithms(key):
        raise _invalid("host_key", f"Keys of the kind {key.get_algorithm()} are not accepted.")
    return key


def accepted_algorithms(key: asyncssh.SSHKey) -> list[str]:
    offered = [name.decode() for name in key.sig_algorithms]
    return [name for name in HOST_KEY_ALGORITHMS if name in offered]


def format_host_key(key: asyncssh.SSHKey) -> str:
    """Kind and key on one line, without a comment."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


def fingerprint(host_key: str) -> str:
    """`SHA256:…` of a stored host key."""
    return read_host_key(host_key).get_fingerprint()


def read_private_key(text: str, passphrase: str | None) -> asyncssh.SSHKey:
    """Raises InvalidError at `private_key` or `private_key_passphrase`; the message holds nothing of either."""
    if len(text) > MAX_KEY_LENGTH:
        raise _invalid(_FIELD, f"A private key has at most {MAX_KEY_LENGTH} characters.")
    try:
        return asyncssh.import_private_key(text, passphrase or None)
    except asyncssh.KeyEncryptionError as error:
        raise _invalid(_PASSPHRASE_FIELD, "The passphrase does not open this private key.") from error
    except (asyncssh.KeyImportError, ValueError) as error:
        if "passphrase" in str(error).lower():
            raise _invalid(_PASSPHRASE_FIELD, "This private key needs its passphrase.") from error
        raise _invalid(_FIELD, "This is not a private key in OpenSSH or PEM form.") from error


def _invalid(field: str, message: str) -> InvalidError:
    return InvalidError(message, {field: [message]})
