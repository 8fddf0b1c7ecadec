"""The blueprint of every page of import jobs."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("import_jobs", __name__)
