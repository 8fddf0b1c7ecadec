"""What a worker accepts from Redis, what its lines tell, and how it stands a Redis that falls silent."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
import structlog
from rq.serializers import JSONSerializer

from datahub.jobs import dispatch
from tests.background import in_background
from tests.chaos.proxy import chaos_proxy
from tests.servers import Server, wait_until
from worker import messages
from worker.__main__ import name_process
from worker.messages import EndOverdueProcess, Message, MessageQueue, MessageWorker, make_worker

KEEPALIVE = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")

calls: list[object] = []


def remember(*args: object) -> None:
    """What a message of somebody else would like to run."""
    calls.append(args)


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url)


@pytest.fixture
def queue(client: redis.Redis) -> MessageQueue:
    return MessageQueue(dispatch.EXPORTS, connection=client, serializer=JSONSerializer)


def work(queue: MessageQueue) -> None:
    worker = MessageWorker([queue], connection=queue.connection, serializer=JSONSerializer)
    worker.work(burst=True)


def test_a_listed_function_runs(queue: MessageQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(messages.ACCEPTED, dispatch.RUN_EXPORT, remember)
    queue.enqueue_call(dispatch.RUN_EXPORT, args=(7, 1), result_ttl=0)
    work(queue)
    assert calls == [(7, 1)]


def test_a_function_that_is_not_listed_is_never_imported_or_run(queue: MessageQueue) -> None:
    queue.enqueue_call(f"{__name__}.remember", args=(7, 1))
    work(queue)
    assert calls == []


@pytest.mark.parametrize("name", ["success_callback_name", "failure_callback_name", "stopped_callback_name"])
def test_callbacks_written_into_redis_are_ignored(
    queue: MessageQueue, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(messages.ACCEPTED, dispatch.RUN_EXPORT, lambda *_: None)
    job = queue.enqueue_call(dispatch.RUN_EXPORT, args=(7, 1), result_ttl=0)
    client.hset(Message.key_for(job.id), name, f"{__name__}.remember")
    work(queue)
    assert calls == []
    assert not client.exists(Message.key_for(job.id)), "the message itself was done"


def test_repeats_and_webhooks_written_into_redis_are_ignored(
    queue: MessageQueue, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[object] = []
    monkeypatch.setitem(messages.ACCEPTED, dispatch.RUN_EXPORT, lambda *args: runs.append(args))
    job = queue.enqueue_call(dispatch.RUN_EXPORT, args=(7, 1), result_ttl=0)
    client.hset(Message.key_for(job.id), "repeats_left", "3")
    client.hset(Message.key_for(job.id), "repeat_intervals", "[0]")
    webhook = '[{"url": "http://127.0.0.1:1/", "statuses": ["finished"]}]'
    client.hset(Message.key_for(job.id), "webhooks", webhook)
    work(queue)
    work(queue)
    assert runs == [(7, 1)]
    assert Message.fetch_many([job.id], client, serializer=JSONSerializer) == [None]


class Lines(logging.Handler):
    """Every line with the execution that it would tell."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append((record.getMessage(), structlog.contextvars.get_contextvars().get("execution")))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_lines_about_a_message_that_fails_tell_its_execution(
    queue: MessageQueue, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = str(uuid4())

    def fail(*_: object) -> None:
        logging.getLogger("ours").warning("failing")
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(messages.ACCEPTED, dispatch.RUN_EXPORT, fail)
    queue.enqueue_call(dispatch.RUN_EXPORT, args=(7, 2), job_id=f"{execution}-2", failure_ttl=60)
    work(queue)
    about = [told for line, told in lines.told if "failing" in line or "a fault of ours" in line]
    assert about == [execution] * 2, lines.told
    assert structlog.contextvars.get_contextvars() == {}


def test_the_last_line_of_an_overdue_worker_tells_its_execution(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda _: ended.set())
    with structlog.contextvars.bound_contextvars(execution="e-1"), EndOverdueProcess(0.01, RuntimeError):
        assert ended.wait(10)
    assert [told for line, told in lines.told if "ends itself" in line] == ["e-1"]


def test_a_worker_hangs_up_on_a_silent_redis_within_a_minute(redis_url: str) -> None:
    worker = make_worker(dispatch.make_waiting_redis(redis_url), "exports-1", dispatch.EXPORTS)
    connection = worker.connection.connection_pool.get_connection()
    try:
        line: socket.socket = connection._sock
        assert worker.dequeue_timeout < line.gettimeout() <= 45, "the answer that nothing came must be in time"
        tcp = {name: line.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in KEEPALIVE}
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert tcp["TCP_KEEPIDLE"] + tcp["TCP_KEEPINTVL"] * tcp["TCP_KEEPCNT"] <= 60, "for a host that is gone"
    finally:
        worker.connection.close()
        worker.connection.connection_pool.disconnect()
    assert worker.max_connection_wait_time <= 5, "and soon calls again"


def test_a_worker_whose_connection_fell_silent_takes_the_next_message_over_a_fresh_one(
    queue: MessageQueue, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_background(chaos_proxy(redis_server.port)) as proxy:

        def take(*args: object) -> None:
            calls.append(args)
            proxy.withheld = 0

        monkeypatch.setitem(messages.ACCEPTED, dispatch.RUN_EXPORT, take)
        connection = dispatch.make_waiting_redis(redis_server.url.replace(str(redis_server.port), str(proxy.port)))
        # The shortest: it waits 1 s for a message and 11 s for an answer.
        worker = MessageWorker(
            [MessageQueue(dispatch.EXPORTS, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=16,
        )
        sent_at: list[float] = []

        def fall_silent() -> None:
            wait_until(lambda: worker.get_state() == "idle", what="an idle worker")
            proxy.withheld = proxy.opened
            sent = proxy.sent
            wait_until(lambda: proxy.sent > sent, what="a word that nobody answers")
            queue.enqueue_call(dispatch.RUN_EXPORT, args=(7, 1), result_ttl=0)
            sent_at.append(time.monotonic())

        side = threading.Thread(target=fall_silent)
        side.start()
        worker.work(max_jobs=1)
        side.join()
        assert time.monotonic() - sent_at[0] < 60
        connection.connection_pool.disconnect()
        wait_until(lambda: proxy.open_now == 0, what="the end of all connections")
    assert calls == [(7, 1)]


def test_a_message_that_takes_long_finds_its_worker_still_known(
    queue: MessageQueue, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    expiries: list[int] = []
    monkeypatch.setitem(messages.ACCEPTED, dispatch.RUN_EXPORT, lambda *_: expiries.append(client.ttl(worker.key)))
    worker = make_worker(client, "exports-1", dispatch.EXPORTS)
    queue.enqueue_call(
        dispatch.RUN_EXPORT, args=(7, 1), timeout=dispatch.MESSAGE_SECONDS[dispatch.RUN_EXPORT], result_ttl=0
    )
    worker.work(burst=True)
    assert expiries[0] > dispatch.MESSAGE_SECONDS[dispatch.RUN_EXPORT]


def test_a_worker_starts_beside_the_traces_of_a_killed_one_with_its_host_and_process_id(client: redis.Redis) -> None:
    killed, successor = (make_worker(client, name_process("exports"), dispatch.EXPORTS) for _ in range(2))
    killed.register_birth()
    successor.register_birth()
    assert client.exists(killed.key, successor.key) == 2
    assert successor.name.startswith(f"exports-{socket.gethostname()}-{os.getpid()}-")
