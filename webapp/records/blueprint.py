"""The blueprint that the routes of records (routes.py) and of their changes (changes.py) share."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("records", __name__)
