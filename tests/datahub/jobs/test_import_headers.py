"""What is said of a file none of whose columns is a field."""

from __future__ import annotations

import pytest

from datahub.entities import ENTITIES
from datahub.errors import SourceError
from datahub.jobs import import_read
from datahub.jobs.import_targets import mapping_targets
from datahub.mapping.columns import match


@pytest.mark.parametrize(("entity", "asks"), [("SUPPLIER", True), ("ORDER_STATUS", False)])
def test_only_files_with_a_delimiter_are_asked_about_it(entity: str, asks: bool) -> None:
    kind = ENTITIES[entity]
    matched = match(["colour"], mapping_targets(kind), None)
    with pytest.raises(SourceError, match="No column of the file is named like a field") as refused:
        import_read.refuse(matched, {"locales": []}, kind)
    assert ("Is the delimiter right, and does the first line name the columns?" in str(refused.value)) is asks
