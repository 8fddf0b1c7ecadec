"""Processes die in the middle of imports, the database is restarted under them: all is as if nothing had been."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL

import httpx
import pytest

from datahub import crash_points
from datahub.db import make_engine, make_sessions
from datahub.jobs import import_run
from datahub.jobs.context import Context
from datahub.jobs.lease import LEASE_LOST
from datahub.models.change import CREATED
from datahub.models.execution import (
    INTEGRATION_DONE,
    INTEGRATION_DONE_WITH_ERRORS,
    INTEGRATION_STARTED,
    INTEGRATION_WAITING,
    JOB_INITIALIZING,
    JOB_STARTED,
)
from datahub.models.import_job import RUN_IMMEDIATELY
from tests.chaos.every_outcome import CASES, Case
from tests.chaos.imports import CHUNK, Imports, plain
from tests.chaos.points import FOLDER_POINTS, IMPORT_POINTS, WRITING_POINTS
from tests.chaos.scene import Hold
from tests.conftest import create_tables
from tests.servers import Server, postgres_admin, start_postgres, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("brief_lease")]

# What the worker says: whichever of its threads finds out first.
AWAY = ("the database is away in the middle of an import", "no lease could be renewed")
BY_THE_CLOCK = (crash_points.AFTER_MARKING, crash_points.AFTER_HAND_OUT)
BY_A_WORKER = [point for point in IMPORT_POINTS if point != crash_points.AFTER_OUTBOX_COMMIT]
POINTS = {
    "SUPPLIER": BY_A_WORKER,
    "PRODUCT": WRITING_POINTS,
    "CLASSIFICATION_CATEGORY": WRITING_POINTS,
}


def undisturbed(imports: Imports, case: Case, tmp_path: Path) -> tuple[int, list[object]]:
    """A job, and what two turns of it leave behind in this process, where nothing dies: then all is taken back."""
    scene = imports.scene
    settings = dataclasses.replace(scene.hub.settings, lease_seconds=60, spool_folder=str(tmp_path / "calm"))
    imports.write(case.text)
    imports.reset(case.store)
    job = imports.add_job(entity=case.entity, import_full_mode=case.full_mode, simultaneous_execution=RUN_IMMEDIATELY)
    turns = [imports.trigger(job), imports.trigger(job)]
    for execution_id in turns:
        import_run.run(Context(scene.hub.sessions, settings, scene.vault, "calm"), execution_id, 1)
    found = left_behind(imports, turns)
    first = imports.outcome(turns[0])
    assert first["status"][1] == INTEGRATION_DONE_WITH_ERRORS
    assert all([*first["counts"].values(), *first["progress"]]), "it has every outcome"
    imports.reset(case.store)
    return job, found


def deaths(imports: Imports) -> list[tuple[str, int]]:
    """Where the machine is slow a worker also ends itself as it should."""
    return [ending for ending in imports.scene.hub.endings if ending[1] != LEASE_LOST]


def left_behind(imports: Imports, turns: list[int]) -> list[object]:
    return [imports.records(), *(imports.outcome(execution_id) for execution_id in turns)]


@pytest.mark.parametrize(("entity", "point"), [(entity, point) for entity in POINTS for point in POINTS[entity]])
def test_after_a_crash_at_any_point_an_import_and_the_one_that_waits_for_it_are_as_without_a_crash(
    imports: Imports, entity: str, point: str, tmp_path: Path
) -> None:
    job, expected = undisturbed(imports, CASES[entity], tmp_path)
    turns = [imports.trigger(job), imports.trigger(job)]
    imports.start({"CRASH_POINT": point, "CRASH_FILE": str(tmp_path / "crashed")})
    imports.scene.wait_until_all_ended()
    crashed = "clock-1" if point in BY_THE_CLOCK else "importer-1"
    wait_until(lambda: deaths(imports), what="the supervisor's notice")
    assert deaths(imports) == [(crashed, -SIGKILL)], "it died there, once, and nothing else did"
    assert left_behind(imports, turns) == expected
    assert list(imports.spool.iterdir()) == []


def test_a_crash_deep_in_the_tree_writes_no_branch_again_and_leaves_none_out(
    imports: Imports, hold: Callable[[str], Hold], tmp_path: Path
) -> None:
    job, expected = undisturbed(imports, CASES["CLASSIFICATION_CATEGORY"], tmp_path)
    turns = [imports.trigger(job), imports.trigger(job)]
    place = hold(crash_points.BETWEEN_CHUNKS)
    imports.start(place.arms)
    place.wait()
    while imports.depth(turns[0]) < 2:
        place.arm()
        place.wait()
    imports.scene.hub.crash("importer-1")
    place.release()
    imports.scene.wait_until_all_ended()
    assert imports.scene.hub.endings
    assert left_behind(imports, turns) == expected


def test_a_run_that_was_committed_goes_on_by_the_clock_when_the_web_process_dies_before_it_answers(
    imports: Imports, tmp_path: Path
) -> None:
    job, expected = undisturbed(imports, CASES["SUPPLIER"], tmp_path)
    hub, crashed = imports.scene.hub, tmp_path / "crashed"
    hub.start_web({"CRASH_POINT": crash_points.AFTER_OUTBOX_COMMIT, "CRASH_FILE": str(crashed)})
    hub.wait_for_web()
    with hub.api as api, pytest.raises(httpx.TransportError):
        api.post(f"/v1/mapper/jobs/{imports.public_id(job)}/run")
    assert crashed.exists()
    pressed = imports.scene.executions()[-1]
    assert (pressed.status, pressed.handed_out_at) == (JOB_INITIALIZING, None), "committed, and nobody was told"
    turns = [pressed.id, imports.trigger(job)]
    imports.start()
    imports.scene.wait_until_all_ended()
    assert left_behind(imports, turns) == expected


@pytest.mark.parametrize("point", FOLDER_POINTS)
def test_after_a_crash_around_the_move_a_folder_is_applied_once_and_away(
    imports: Imports, point: str, tmp_path: Path
) -> None:
    inbound, outbound = imports.scene.folder, imports.scene.sshd.files / "done"
    outbound.mkdir()
    imports.write(plain(10))
    (inbound / "broken.csv").write_text("")
    job = imports.add_job(bulk=True, file_path=None, inbound_directory="out", outbound_directory="done")
    imports.start({"CRASH_POINT": point, "CRASH_FILE": str(tmp_path / "crashed")})
    execution = imports.ended(imports.trigger(job))
    wait_until(lambda: deaths(imports), what="the supervisor's notice")
    assert deaths(imports) == [("importer-1", -SIGKILL)]
    assert (execution.status, imports.counts(execution.id)) == (INTEGRATION_DONE_WITH_ERRORS, {"created": 10})
    assert [action for _, action, *_ in imports.outcome(execution.id)["ledger"]] == [CREATED] * 10
    assert list(inbound.iterdir()) == []
    assert sorted(path.name for path in outbound.iterdir()) == ["broken.csv.error", "records.csv"]


@pytest.mark.parametrize(
    ("point", "to", "written"),
    [
        (crash_points.AFTER_DOWNLOAD, JOB_INITIALIZING, 0),
        (crash_points.BETWEEN_CHUNKS, INTEGRATION_WAITING, CHUNK),
    ],
)
def test_a_worker_that_is_asked_to_end_hands_its_import_over_and_ends(
    imports: Imports, hold: Callable[[str], Hold], point: str, to: str, written: int
) -> None:
    imports.write(plain(10))
    place = hold(point)
    imports.scene.hub.start_importer("importer-1", place.arms)
    imports.scene.hub.start_clock()
    execution_id = imports.trigger(imports.add_job())
    place.wait()
    worker = imports.scene.hub.processes.pop("importer-1")
    worker.terminate()
    place.release()
    worker.join(10)
    assert worker.exitcode == 0
    execution = imports.scene.execution(execution_id)
    assert (execution.status, execution.token, execution.events[-1].to_status) == (to, None, to)
    assert "is ending; another one goes on" in execution.events[-1].reason
    assert (len(imports.suppliers()), imports.tries(execution_id)) == (written, 0)
    imports.scene.hub.start_importer("importer-2")
    execution = imports.ended(execution_id)
    assert (execution.status, imports.counts(execution_id)) == (INTEGRATION_DONE, {"created": 10})


@pytest.fixture
def own_postgres(imports: Imports) -> Iterator[Server]:
    """The hub's database, which the test may restart."""
    server = start_postgres()
    try:
        with postgres_admin(server) as admin:
            admin.execute("create database test")
        url = f"{server.url}/test"
        create_tables(url)
        engine = make_engine(url)
        imports.scene.hub.settings = dataclasses.replace(imports.scene.hub.settings, database_url=url)
        imports.scene.hub.sessions = make_sessions(engine)
        yield server
        engine.dispose()
    finally:
        server.stop(kill=True)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("point", "status"),
    [
        (crash_points.AFTER_DOWNLOAD, JOB_STARTED),
        (crash_points.BETWEEN_CHUNKS, INTEGRATION_STARTED),
        (crash_points.INSIDE_CHUNK, INTEGRATION_STARTED),
    ],
)
def test_an_import_goes_on_after_postgresql_was_restarted_and_the_web_works(
    imports: Imports, own_postgres: Server, hold: Callable[[str], Hold], point: str, status: str
) -> None:
    imports.write(plain(10))
    place = hold(point)
    imports.scene.hub.start_web()
    imports.start(place.arms)
    imports.scene.hub.wait_for_web()
    execution_id = imports.trigger(imports.add_job())
    place.wait()
    assert imports.scene.execution(execution_id).status == status
    own_postgres.stop()
    # It finds the database away, also where it has no connection in use.
    place.release()
    log = imports.scene.hub.folder / "importer-1.log"
    wait_until(lambda: any(words in log.read_text() for words in AWAY), what="a worker that notices")
    own_postgres.process = start_postgres(own_postgres.port, own_postgres.folder).process
    execution = imports.ended(execution_id)
    assert (execution.status, imports.counts(execution_id)) == (INTEGRATION_DONE, {"created": 10})
    assert len(imports.outcome(execution_id)["ledger"]) == 10, "each record was written once"
    assert imports.tries(execution_id) == 0, "what went on counts no more"
    with imports.scene.hub.api as api:
        assert api.get("/v1/records/SUPPLIER/S-01").status_code == 200
    assert [name for name, _ in imports.scene.hub.endings if name == "web"] == []
