"""Whatever is logged is one line, holds no control character, and hides secrets; in a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from datahub.access.tokens import PREFIX
from tests.settings import DEFAULTS, ENCRYPTION_KEY

ROOT = Path(__file__).parents[2]
HOSTILE = 'a"b=c\\d\ne\rf\x1b[31mg\x00h\x7fi\u0085j\u2028k\u2029l\u202em\ud800n é'
TOKEN = f"{PREFIX}{'x' * 43}"
PASSWORDS = ("p4ss%2Fw0rd-of-postgres", "p4ss/w0rd-of-postgres", "tiny")
SECRETS = (DEFAULTS.secret_key, ENCRYPTION_KEY, TOKEN, *PASSWORDS)
URLS = {
    "database_url": f"postgresql+psycopg://hub:{PASSWORDS[0]}@db/hub",
    "redis_url": "redis://:tiny@127.0.0.1:1/0",
    "encryption_keys": {"test": ENCRYPTION_KEY},
}
PROGRAM = """
import json, logging, sys, threading, warnings
import structlog
from datahub.logs import configure_logging
from tests.settings import make_settings

hostile, said, changes = json.load(sys.stdin)
configure_logging(make_settings(**changes))
log = structlog.stdlib.get_logger("ours")
with structlog.contextvars.bound_contextvars(execution="e-1"):
    log.warning("structured", reason=hostile, said=said)
    logging.getLogger("theirs").warning("plain %s", hostile + said)
    try:
        raise ValueError(hostile + said)
    except ValueError as error:
        log.exception(hostile, error=error)
logging.getLogger("rq.worker").info("noise")
logging.getLogger("asyncssh").info("noise")
warnings.warn(hostile)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError(hostile + said)
"""


def run(log_format: str, said: str = "") -> list[str]:
    """What the program wrote, line by line; it ends by an exception."""
    given = json.dumps([HOSTILE, said, URLS | {"log_format": log_format}])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        input=given.encode(),
        capture_output=True,
        check=False,
        env=os.environ,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    return done.stdout.decode().split("\n")[:-1]


def test_json_lines_hold_what_was_said_without_a_control_character() -> None:
    lines = run("json")
    assert all(line.isascii() and line.isprintable() for line in lines)
    events = [json.loads(line) for line in lines]
    assert [event["event"].split()[0] for event in events[:2]] == ["structured", "plain"]
    assert (events[0]["reason"], events[1]["event"]) == (HOSTILE, f"plain {HOSTILE}")
    assert [event.get("execution") for event in events] == ["e-1", "e-1", "e-1", None, None, None]
    assert all({"timestamp", "level", "logger", "event"} <= set(event) for event in events)
    assert "Traceback" in events[2]["exception"] and "UserWarning" in events[3]["event"]
    assert [event["event"] for event in events[4:]] == ["uncaught exception"] * 2
    assert "ZeroDivisionError" in events[4]["exception"] and "RuntimeError" in events[5]["exception"]


def test_text_lines_hold_no_control_character_and_begin_with_time_and_level() -> None:
    lines = run("text")
    assert len(lines) == 6
    assert all(line.isprintable() and line.startswith("timestamp=") for line in lines)
    assert " level=warning logger=ours event=structured execution=e-1 " in lines[0]
    assert "é" in lines[0] and "u202e" in lines[0], "letters stay letters; what turns the text around does not"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_secrets_stay_out_wherever_they_stand(log_format: str) -> None:
    said = (
        f" {DEFAULTS.secret_key} {ENCRYPTION_KEY} {PASSWORDS[1]} {URLS['database_url']} {URLS['redis_url']} "
        f"sftp://ada:another%20one's@host Authorization: Bearer {TOKEN} {TOKEN}"
    )
    text = "\n".join(run(log_format, said))
    assert [secret for secret in (*SECRETS, "one's") if secret in text] == []
    assert text.count("***") > 20 and "hub:***@db/hub" in text, "and what surrounds them stays readable"
