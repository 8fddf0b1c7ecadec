"""The blueprint that the routes of orders (routes.py) and of their incidents (incidents.py) share."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("orders", __name__)
