"""The partner against real folders: what it must notice, it notices."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from soak.observer import ARRIVED, MODIFIED, TAKEN, Partner
from tests.servers import wait_until

TEMPORARY = ".e-1-1.part"


class Watched:
    def __init__(self, folder: Path, *, share: float) -> None:
        self.outbox = folder / "short-xml"
        self.outbox.mkdir()
        self.taken = folder / "taken" / "short-xml"
        self.taken.mkdir(parents=True)
        self._lines = io.StringIO()
        self.partner = Partner([self.outbox], folder / "taken", share, 1, self._lines)

    def deliver(self, name: str, content: bytes, temporary: str = TEMPORARY) -> None:
        (self.outbox / temporary).write_bytes(content)
        (self.outbox / temporary).rename(self.outbox / name)

    def found(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._lines.getvalue().splitlines()]
        return [line for line in lines if line["kind"] == kind]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path, share=0.0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_arrival_is_told_with_its_content_and_its_temporary_name(watched: Watched) -> None:
    watched.deliver("1.xml", b"whole")
    watched.partner.look()
    (arrival,) = watched.found(ARRIVED)
    assert (arrival["folder"], arrival["name"], arrival["temporary"]) == ("short-xml", "1.xml", TEMPORARY)
    assert arrival["sha256"] == sha256(b"whole")


def test_each_of_two_files_that_replace_each_other_is_told(watched: Watched) -> None:
    (watched.outbox / ".e-1-1.part").write_bytes(b"first")
    (watched.outbox / ".e-2-1.part").write_bytes(b"second")
    watched.partner.look()
    for temporary in (".e-1-1.part", ".e-2-1.part"):
        (watched.outbox / temporary).rename(watched.outbox / "1.xml")
    watched.partner.look()
    assert [arrival["sha256"] for arrival in watched.found(ARRIVED)] == [sha256(b"first"), sha256(b"second")]


def test_file_written_under_its_final_name_is_told_half_and_then_as_modified(watched: Watched) -> None:
    with (watched.outbox / "1.xml").open("wb", buffering=0) as file:
        file.write(b"ha")
        watched.partner.look()
        file.write(b"lf")
        watched.partner.look()
    assert watched.found(ARRIVED)[0]["sha256"] == sha256(b"ha")
    assert watched.found(MODIFIED)


def test_temporary_file_that_comes_and_goes_is_no_arrival(watched: Watched) -> None:
    (watched.outbox / TEMPORARY).write_bytes(b"some")
    watched.partner.look()
    (watched.outbox / TEMPORARY).unlink()
    watched.partner.look()
    assert watched.found(ARRIVED) == []


def test_taken_files_keep_name_and_bytes_and_a_repeated_name_is_counted(tmp_path: Path) -> None:
    watched = Watched(tmp_path, share=1.0)

    def taken(number: int) -> bool:
        watched.partner.look()
        watched.partner.take_due()
        return len(watched.found(TAKEN)) == number

    for number, content in enumerate((b"first", b"second"), start=1):
        watched.deliver("1.xml", content)
        wait_until(lambda number=number: taken(number), what="the partner's visit")  # type: ignore[misc]
    assert {path.name: path.read_bytes() for path in watched.taken.iterdir()} == {
        "1.xml": b"first",
        "1.xml.2": b"second",
    }
    assert list(watched.outbox.iterdir()) == []
