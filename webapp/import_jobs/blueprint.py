"""The blueprint that the routes of the pages (routes.py) and of the form (form_routes.py) share."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("import_jobs", __name__)
