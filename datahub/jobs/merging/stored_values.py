"""What is stored of the live records, or parts, that rows name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from datahub.db import in_batches
from datahub.jobs.merging.target import Target

Stored = dict[str, dict[str, Any]]


def stored_values(connection: Connection, target: Target, columns: Sequence[str], keys: Iterable[str]) -> Stored:
    """By key, then by column."""
    if not columns:
        return {}
    table = target.table
    key = table.c[target.key.column]
    query = select(key, *(table.c[name] for name in columns)).where(target.within(table))
    if target.is_hidden_when_deleted:
        query = query.where(table.c.deleted_at.is_(None))
    return {
        found: dict(zip(columns, values, strict=True))
        for batch in in_batches(keys)
        for found, *values in connection.execute(query.where(key.in_(batch)))
    }
