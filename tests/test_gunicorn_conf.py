"""What gunicorn.conf.py sets in each web process."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.servers import LOOPBACK

CONF = Path(__file__).parents[1] / "gunicorn.conf.py"


def test_a_connection_that_falls_silent_in_a_request_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("gunicorn_conf", CONF)
    assert spec and spec.loader
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    monkeypatch.setattr(conf, "SILENT_SECONDS", 0.05)
    with socket.create_server((LOOPBACK, 0)) as listener:
        conf.post_worker_init(SimpleNamespace(sockets=[listener]))
        with socket.create_connection(listener.getsockname()) as visitor:
            taken, _ = listener.accept()
            with taken:
                visitor.sendall(b"POST")
                assert taken.recv(10) == b"POST"
                with pytest.raises(BlockingIOError):
                    taken.recv(10)
