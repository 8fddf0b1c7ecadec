"""The spool gives back what it was given, byte for byte and record by record."""

from __future__ import annotations

from pathlib import Path

from datahub.storage import BY_OTHER, Spool, SpooledRow

FAULTS = '[{"code":"malformed","message":"Größe"}]'


def row(sequence: int, key: str, faults: str = "") -> SpooledRow:
    values, cells = f'[null,["Größe {sequence} \\u0000 €"]]', '["", "\U0001f9f1"]'
    return SpooledRow(sequence, key, "offers.csv", sequence + 1, values, cells, faults)


def test_rows_come_back_as_they_went_in_and_records_stay_together(tmp_path: Path) -> None:
    first, other, last = row(1, "B"), row(2, "A", FAULTS), row(3, "B")
    spool = Spool(tmp_path / "spool")
    spool.begin()
    spool.add([first, other, last])
    spool.finish()

    chunk = spool.chunk(None, 1)
    assert chunk == [other]
    assert spool.chunk((0, "A"), 1) == [first, last]
    assert spool.chunk((0, "B"), 1) == []
    spool.close()


def test_only_rows_without_faults_are_looked_at_and_rejected_with_their_record(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.begin()
    spool.add([row(1, "A", FAULTS), row(2, "A"), row(3, "B")])
    assert [key for key, _ in spool.each_value()] == ["A", "B"]

    spool.finish()
    spool.reject("A", '[{"code":"cycle"}]')
    assert [found.faults for found in spool.chunk(None, 3)] == [FAULTS, '[{"code":"cycle"}]', ""]
    spool.close()


def test_rows_that_get_the_key_of_their_record_keep_what_they_call_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.begin()
    spool.add([row(1, f"{BY_OTHER}DESK-1"), row(2, "B"), row(3, f"{BY_OTHER}DESK-2")])
    spool.finish()
    assert spool.other_keys("", 9) == ["DESK-1", "DESK-2"]
    spool.set_keys([("B", "DESK-1")])
    found = [(it.sequence, it.key, it.called) for it in spool.chunk(None, 9)]
    assert found == [(3, f"{BY_OTHER}DESK-2", ""), (1, "B", "DESK-1"), (2, "B", "")]
    spool.close()


def test_depths_go_before_keys_and_are_forgotten_with_the_rows(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.begin()
    spool.add([row(1, "A"), row(2, "B")])
    spool.finish()
    assert not spool.is_ordered
    spool.set_depths([(1, "A")])
    assert [found.key for found in (*spool.chunk(None, 9), *spool.chunk((0, "B"), 9))] == ["B", "A"]
    assert spool.is_ordered

    spool.begin()
    assert not spool.is_ordered
    spool.close()
