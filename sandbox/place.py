"""Where the sandbox server lives and how one signs in to it: from the environment that bin/run makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh

HOST = "127.0.0.1"
USER = "sandbox"
VARIABLES = ("SANDBOX_PORT", "SANDBOX_PASSWORD", "SANDBOX_FOLDER", "SANDBOX_HOST_KEY")


@dataclass(frozen=True)
class Place:
    """`host_key` is the file of the server's private key."""

    port: int
    password: str
    folder: Path
    host_key: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Place | None:
        """None where no sandbox is planned: outside bin/run and bin/datahub."""
        if not all(env.get(name) for name in VARIABLES):
            return None
        port, password, folder, host_key = (env[name] for name in VARIABLES)
        return cls(int(port), password, Path(folder), Path(host_key))

    def read_host_key(self) -> asyncssh.SSHKey:
        """Makes the key on first use."""
        if not self.host_key.exists():
            key = asyncssh.generate_private_key("ssh-ed25519", comment="")
            draft = self.host_key.with_name(self.host_key.name + ".new")
            draft.touch(mode=0o600)
            draft.write_bytes(key.export_private_key())
            draft.replace(self.host_key)
        return asyncssh.read_private_key(self.host_key)

    def public_host_key(self) -> str:
        return self.read_host_key().export_public_key().decode().strip()
