"""What gunicorn reads by itself when it is started in this folder; addresses and numbers stand in its command."""

import socket
import struct
from typing import Any

from webapp import start

# Of a request that has begun. A thread waits for the rest of it, and answers nobody else meanwhile.
SILENT_SECONDS = 60.0

logger_class = "webapp.logs.HubLogger"
on_starting = start.on_starting


def post_worker_init(worker: Any) -> None:
    """What is set on a listening socket holds for every connection that it takes."""
    seconds = struct.pack("ll", int(SILENT_SECONDS), int(SILENT_SECONDS % 1 * 1_000_000))
    for listener in worker.sockets:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
