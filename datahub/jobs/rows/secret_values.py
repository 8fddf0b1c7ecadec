"""Secrets that rows give, such as passwords. While a file is read they give way to a hash and a fingerprint: what is
kept, staged and stored. A secret whose fingerprint is stored already is not hashed again, which is slow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rapidfuzz import fuzz
from sqlalchemy import Engine

from datahub.access.users import hash_password
from datahub.entities.base import Field
from datahub.entities.values import HIDDEN
from datahub.jobs.merging.stored_values import Stored, stored_values
from datahub.jobs.rows.columns import Spoolable
from datahub.jobs.rows.fold import Record, Warned
from datahub.jobs.rows.plan import Plan
from datahub.mapping.names import fold
from datahub.vault import Vault

FINGERPRINT, HASH = "fingerprint", "hash"
# In place of any secret where nothing is kept.
UNSEALED = {FINGERPRINT: "", HASH: ""}
# What partners call such a column, also within a longer name and with a typo.
TELLING, NEAR_ENOUGH, LONG_ENOUGH = ("password", "passwd", "pwd", "passwort", "kennwort", "motdepasse"), 85.0, 7
CHANGED_MEANWHILE, NO_SECRET = "changed_meanwhile", "no_password"


class Sealer:
    """Belongs to one run."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine, self._vault = engine, vault

    def seal(self, plan: Plan, rows: Sequence[Spoolable]) -> Iterator[Spoolable]:
        """With what may be kept in place of the secrets. Those of rows that cannot be applied are dropped."""
        giving = [key for key, packed, faults in rows if not faults and any(packed[1][at] for at in plan.secrets)]
        columns = [plan.root.given[place].column for place in plan.secrets]
        with self._engine.connect() as connection:
            stored = stored_values(connection, plan.root, columns, giving)
        for key, packed, faults in rows:
            remove, values, *others = packed
            sealed = list(values)
            for place, column in zip(plan.secrets, columns, strict=True):
                secret = None if faults or remove else values[place]
                known = stored.get(key, {}).get(column) or {}
                sealed[place] = secret and self._sealed(f"{plan.entity.name}.{column}", key, secret, known)
            yield key, [remove, sealed, *others], faults

    def _sealed(self, name: str, key: str, secret: str, known: Mapping[str, str]) -> dict[str, str]:
        """Equal secrets of two records have nothing in common."""
        text = "\0".join((name, key, secret))
        fingerprint = known.get(FINGERPRINT, "")
        if self._vault.matches(text, fingerprint):
            return {FINGERPRINT: fingerprint}
        return {FINGERPRINT: self._vault.fingerprint(text), HASH: hash_password(secret)}


def named_like_secrets(plan: Plan) -> set[int]:
    """The columns of an entity with secrets whose name says that they hold one, whatever they feed."""
    if not plan.entity.has_secrets:
        return set()
    return {column for column, name in enumerate(plan.header) if _is_telling(fold(name))}


def _is_telling(name: str) -> bool:
    if any(word in name for word in TELLING):
        return True
    return len(name) >= LONG_ENOUGH and any(fuzz.partial_ratio(word, name) >= NEAR_ENOUGH for word in TELLING)


def harmless(plan: Plan, cells: Sequence[str], hidden: Collection[int] = ()) -> list[str]:
    """The cells of a row as they may be kept and shown: of an entity with secrets, none that may be one, nor those of
    `hidden` columns. A column that feeds nothing may hold it under another name, and so may all where the cells do not
    fit the columns."""
    if not plan.entity.has_secrets:
        return list(cells)
    if len(cells) != len(plan.header):
        return []
    secret = plan.secret_columns.union(hidden)
    return [_harmless(plan, column, text, secret) for column, text in enumerate(cells)]


def _harmless(plan: Plan, column: int, text: str, secret: Collection[int]) -> str:
    if column in secret:
        return HIDDEN if text.strip() else ""
    return text if column in plan.used_columns else ""


def settle_secrets(
    plan: Plan, records: Sequence[Record], stored: Stored
) -> Iterator[tuple[Record, Field, dict[str, str]]]:
    """Leaves those alone that are stored already, warns of new records without one; yields the faults of those that
    were not hashed, as they were stored, and are stored no more. May be repeated."""
    for place in plan.secrets:
        item = plan.root.given[place]
        for record in records:
            if record.remove:
                continue
            given, known = record.values[place], stored.get(record.key)
            if given is None:
                if known is None:
                    _warn(record, item)
                continue
            if known and known[item.column].get(FINGERPRINT) == given[FINGERPRINT]:
                record.values[place] = None
            elif HASH not in given:
                message = "It was changed or deleted by somebody else since this file was read. Give the row again."
                yield record, item, {"code": CHANGED_MEANWHILE, "field": item.key, "value": "", "message": message}


def _warn(record: Record, item: Field) -> None:
    if any(warned.code == NO_SECRET for warned in record.extra_warnings):
        return
    message = "Created without a password: none is made up, and no mail is sent. The user gets in once a row gives one."
    record.extra_warnings.append(Warned(record.speaker.spooled, NO_SECRET, item.key, message))
