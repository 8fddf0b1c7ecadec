"""What the header offers: the pages that exist, to those who may see them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request

from webapp.permissions import may, required_permission


@dataclass(frozen=True)
class Entry:
    label: str
    endpoint: str
    icon: str

    @property
    def is_current(self) -> bool:
        return self.endpoint.partition(".")[0] in request.blueprints


ENTRIES = (
    Entry("Home", "dashboard.index", "home"),
    Entry("Imports", "import_jobs.index", "file-import"),
    Entry("Exports", "export_jobs.index", "file-export"),
    Entry("Executions", "executions.index", "list-details"),
    Entry("Orders", "orders.index", "shopping-cart"),
    Entry("Records", "records.index", "database"),
    Entry("Connections", "connections.index", "plug-connected"),
    Entry("Settings", "settings.index", "settings"),
)


def init_app(app: Flask) -> None:
    app.add_template_global(navigation)
    app.add_template_global(offers)


def navigation() -> list[Entry]:
    return [entry for entry in ENTRIES if offers(entry.endpoint)]


def offers(endpoint: str) -> bool:
    """Whether the page exists and whoever asks may see it."""
    return endpoint in current_app.view_functions and may(required_permission(current_app, endpoint) or "")
