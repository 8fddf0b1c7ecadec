from __future__ import annotations

import pytest
import redis
from rq.serializers import JSONSerializer

from datahub.jobs import dispatch
from worker import messages
from worker.messages import Message, MessageQueue, MessageWorker

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
