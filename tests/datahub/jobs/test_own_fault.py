"""What is told, and what is only logged, of a fault of ours that ends an execution."""

from __future__ import annotations

import re
import traceback

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from datahub.db import Base
from datahub.jobs import own_fault
from datahub.jobs.merging import staging
from datahub.mapping import names

QUOTED = "ada@partner.example"


def caught(act: object, *given: object) -> Exception:
    with pytest.raises(Exception) as raised:
        act(*given)  # type: ignore[operator]
    return raised.value


def test_class_place_execution_and_time_are_told_and_the_story_is_logged() -> None:
    fault = caught(names.fold, None)
    with capture_logs() as logs:
        told = own_fault.report(fault, "6f1c1a52")
    where = r"in datahub/mapping/names\.py:\d+, execution 6f1c1a52, 20..-..-.. ..:..:.. UTC"
    assert re.search(rf": (Type|Attribute)Error {where}", told)
    (line,) = logs
    assert (line["log_level"], line["exc_info"]) == ("error", fault)


def test_no_text_of_an_error_of_the_database_is_told_and_none_that_quotes_a_row_is_logged(session: Session) -> None:
    table = Base.metadata.tables["stores"]
    connection = session.connection()
    fault = caught(staging.load, connection, table, [[QUOTED]], ["external_id"])
    told = own_fault.report(fault, "6f1c1a52")
    assert re.search(r": IntegrityError \((NotNullViolation|IntegrityError)\) in datahub/[\w/]+\.py:\d+", told)
    assert QUOTED not in told + "".join(traceback.format_exception(fault))


def test_a_place_outside_of_the_hub_is_not_looked_for() -> None:
    assert "another part" in own_fault.report(ValueError(QUOTED), "6f1c1a52")
