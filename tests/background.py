"""An asyncio server in a thread of its own, so that a test can wait for rows and files meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

Thing = TypeVar("Thing")


@contextmanager
def in_background(server: AbstractAsyncContextManager[Thing]) -> Iterator[Thing]:
    """Runs the server until the with statement ends. What it yields is shared with its thread: read, set, no more."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server-in-background", daemon=True)
    thread.start()
    try:
        thing = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield thing
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
