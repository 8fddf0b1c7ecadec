"""Files as large as they may be, and larger: what they cost the worker that reads them, and who works on meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from datahub.db import read_only
from datahub.models.execution import INTEGRATION_DONE, INTEGRATION_DONE_WITH_ERRORS, JOB_FAILED, JOB_STARTED, SUCCESS
from datahub.models.import_run import RejectedRow
from datahub.settings import Settings
from tests.chaos.imports import HEADER, Imports, plain
from tests.journeys.hub import Hub
from tests.servers import wait_until

pytestmark = pytest.mark.chaos

LONG_ROWS, SHORT_ROWS = 1_024, 5_000
MEMORY = 300_000_000
STORES = "Store External Id;Store Name;Store Description\nNORTH;North;In the north\n"


@pytest.fixture
def imports(imports: Imports) -> Imports:
    """With the chunks of production, and the patience that a busy machine needs."""
    hub = imports.scene.hub
    chunks, patience = Settings.chunk_rows, Settings.step_seconds
    hub.settings = dataclasses.replace(hub.settings, chunk_rows=chunks, step_seconds=patience)
    return imports


@pytest.fixture
def files(imports: Imports) -> Path:
    """Where the server looks for them. The observer, who holds in memory what it sees, does not look there."""
    return imports.scene.sshd.files


@pytest.fixture
def gigabyte(files: Path) -> Iterator[Path]:
    """Nearly all of it in a column that no field takes, in cells as long as they may be."""
    path = files / "gigabyte.csv"
    note = "x" * Settings.max_cell
    with path.open("w") as file:
        file.write(HEADER.replace("\n", ";Note\n"))
        file.writelines(f"L-{number};Long {number};3;;{note}\n" for number in range(LONG_ROWS))
        file.writelines(f"S-{number};Short {number};3;;\n" for number in range(SHORT_ROWS))
    yield path
    path.unlink()


# Most of its time is the file's way through ssh and csv, the same with any database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_gigabyte_is_imported_in_300_mb_of_memory_while_another_import_and_an_export_run_to_their_end(
    imports: Imports, files: Path, gigabyte: Path
) -> None:
    assert gigabyte.stat().st_size > 1024**3
    (files / "stores.csv").write_text(STORES)
    scene, hub = imports.scene, imports.scene.hub
    scene.add_job()
    imports.start()
    hub.start_importer("importer-2")
    hub.start_worker()
    large = imports.trigger(imports.add_job(file_path=gigabyte.name))
    wait_until(lambda: list(imports.spool.glob("*.reading")), what="the first of its rows")
    others = [imports.trigger(imports.add_job(entity="STORE", file_path="stores.csv")), *scene.owe()]
    wait_until(lambda: all(other.ended_at for other in scene.executions(others)), what="the end of the others")
    assert scene.execution(large).status == JOB_STARTED, "it is being read still"
    assert [other.status for other in scene.executions(others)] == [INTEGRATION_DONE, SUCCESS]
    scene.wait_until_all_ended(480)
    execution = scene.execution(large)
    assert (execution.status, execution.error) == (INTEGRATION_DONE, None)
    assert imports.counts(large) == {"created": LONG_ROWS + SHORT_ROWS}
    assert execution.attempts == 2, "one for reading, one for writing"
    assert hub.endings == [], "the workers lived through it"
    assert max(peak(hub, "importer-1"), peak(hub, "importer-2")) < MEMORY
    wait_until(lambda: list(imports.spool.iterdir()) == [], what="an empty spool")


def test_ten_thousand_columns_a_cell_of_5_mb_and_a_file_over_2_gb_are_refused_by_their_limits_and_the_worker_goes_on(
    imports: Imports, files: Path
) -> None:
    columns = "".join(f";Column {number}" for number in range(10_000))
    (files / "columns.csv").write_text(HEADER.replace("\n", f"{columns}\n") + f"S-1;Wide;3;{';' * 10_000}\n")
    (files / "cell.csv").write_text(HEADER.replace("\n", ";Note\n") + f"S-2;Long;3;;{'x' * 5_000_000}\n")
    with (files / "bytes.csv").open("w") as file:
        file.write(HEADER + "S-3;Large;3;\n")
        # A hole, which takes no room on the disk.
        file.truncate(Settings.max_file_bytes + 1)
    imports.write(plain(3))
    imports.start()
    ids = [imports.trigger(imports.add_job(file_path=f"{name}.csv")) for name in ("columns", "cell", "bytes")]
    imports.scene.wait_until_all_ended()
    columns_refused, cell_refused, bytes_refused = imports.scene.executions(ids)
    for refused, limit in ((columns_refused, "(MAX_COLUMNS)"), (bytes_refused, "(MAX_FILE_BYTES)")):
        assert (refused.status, imports.counts(refused.id)) == (JOB_FAILED, {})
        assert limit in (refused.error or "")
    assert cell_refused.status == INTEGRATION_DONE_WITH_ERRORS
    assert imports.counts(cell_refused.id) == {"rejected": 1}
    with imports.scene.hub.sessions() as session:
        (kept,) = read_only(session).scalars(select(RejectedRow))
    assert (kept.execution_id, kept.cause) == (cell_refused.id, "cell_over_limit")
    assert "(MAX_CELL)" in kept.faults[0]["message"]
    assert imports.suppliers() == []
    wait_until(lambda: list(imports.spool.iterdir()) == [], what="an empty spool")
    later = imports.ended(imports.trigger(imports.add_job()))
    assert (later.status, imports.counts(later.id)) == (INTEGRATION_DONE, {"created": 3})
    # The name of a worker is never the same twice.
    assert {refused.worker for refused in imports.scene.executions(ids)} == {later.worker}
    assert imports.scene.hub.endings == []
    assert peak(imports.scene.hub, "importer-1") < MEMORY


def peak(hub: Hub, name: str) -> int:
    """The most memory that the process ever had resident, in bytes."""
    lines = Path(f"/proc/{hub.processes[name].pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
