"""Who acts in a request or a command, for the audit log."""

from __future__ import annotations

import click
from flask import has_request_context
from flask_limiter.util import get_remote_address
from flask_login import current_user

from datahub.access.audit import Actor
from datahub.models.access import User
from datahub.models.audit import API, COMMAND, PAGE


def who_asks() -> Actor:
    """Scripts sign in by a token, browsers never; whoever is not signed in asks for a page."""
    if not has_request_context():
        command = click.get_current_context(silent=True)
        return Actor(f"bin/datahub {command.info_name}" if command else "bin/datahub", None, COMMAND)
    if not current_user.is_authenticated:
        return somebody()
    return Actor(current_user.name, current_user.user_id, PAGE if current_user.token else API, get_remote_address())


def somebody(user: User | None = None) -> Actor:
    """At the doors: nobody is signed in, and `user` has just shown who they are."""
    return Actor(user.name if user else "", user.id if user else None, PAGE, get_remote_address())
