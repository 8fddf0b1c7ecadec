"""What the form of an export job shows beside its fields: connections, statuses, suppliers, consequences."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from datahub.access import store_limits
from datahub.grouping import counted
from datahub.jobs import export_jobs, export_preview, record_reads
from datahub.jobs.export_preview import Preview
from datahub.models.export_job import ExportJob
from webapp.connections.choices import offer_connections
from webapp.export_jobs.forms import STATUS_GROUPS, ExportJobForm

SUPPLIERS_SHOWN = 50
LINES_SHOWN = 2_000


@dataclass(frozen=True)
class SupplierOption:
    external_id: str
    name: str
    is_chosen: bool


@dataclass(frozen=True)
class Excerpt:
    """The first lines of a document; `more` counts those that are left out."""

    format: str
    text: str
    more: int


def context(
    session: Session, form: ExportJobForm, *, search: str = "", job: ExportJob | None = None
) -> dict[str, object]:
    """For the whole form with its consequences."""
    offer_connections(session, form.connection_id)
    return (
        {
            "form": form,
            "job": job,
            "faults": [],
            "groups": STATUS_GROUPS,
            "chosen_statuses": form.trigger_statuses.data or [],
        }
        | supplier_context(session, form, search, job)
        | preview_context(session, form, job)
    )


def supplier_context(session: Session, form: ExportJobForm, search: str, job: ExportJob | None) -> dict[str, object]:
    """Chosen ones first, then some of those that match the search."""
    chosen = list(dict.fromkeys(form.supplier_external_ids.data or []))
    names = {it.external_id: it.name for it in export_jobs.chosen_suppliers(session, chosen)}
    found = record_reads.find(session, "SUPPLIER", search=search.strip(), size=SUPPLIERS_SHOWN)
    options = [SupplierOption(it, names.get(it, "unknown"), True) for it in chosen]
    options += [SupplierOption(it.external_id, it.name, False) for it in found.items if it.external_id not in chosen]
    return {
        "supplier_options": options,
        "supplier_search": search,
        "supplier_hint": _supplier_hint(session, job, has_more=found.has_more),
        "supplier_errors": form.supplier_external_ids.errors,
    }


def _supplier_hint(session: Session, job: ExportJob | None, *, has_more: bool) -> str:
    """What the ticks mean, and what is not shown."""
    hidden = len(export_jobs.hidden_suppliers(session, job)) if job else 0
    limit = store_limits.of_session(session)
    if hidden:
        stay = f"{counted(hidden, 'supplier')} of other stores {'stays' if hidden == 1 else 'stay'}"
        hint = f"{stay} with this job, whatever is ticked."
    elif limit:
        why = f"you are limited to {limit.words()}, and a job without suppliers sends the orders of all stores"
        hint = f"Tick at least one: {why}."
    else:
        hint = "None ticked means every supplier."
    return f"There are more: search for them. {hint}" if has_more else hint


def preview_context(session: Session, form: ExportJobForm, job: ExportJob | None) -> dict[str, object]:
    given = form.configuration()
    hidden = export_jobs.hidden_suppliers(session, job) if job else []
    seen = export_preview.preview(
        session,
        trigger_statuses=given.trigger_statuses,
        supplier_external_ids=[*(given.supplier_external_ids or ()), *(supplier.external_id for supplier in hidden)],
        export_format=given.export_format,
    )
    return {
        "preview": seen,
        "excerpts": _excerpts(seen, given.export_format),
        "chosen_format": given.export_format,
        "chosen_name": given.file_name_format,
        "has_statuses": bool(given.trigger_statuses),
        "most_counted": export_preview.MOST_COUNTED,
    }


def faults(session: Session, form: ExportJobForm, job: ExportJob | None) -> list[str]:
    """What is missing or wrong so far, in words; the form itself stays as it is."""
    job_public_id = job.public_id if job else ""
    form.validate()
    found = [f"{form[name].label.text}: {message}" for name, messages in form.errors.items() for message in messages]
    if form.name.data and export_jobs.is_name_taken(session, form.name.data, except_public_id=job_public_id):
        found.append(f"Name: another export job is called {form.name.data.strip()}.")
    has_hidden = job is not None and bool(export_jobs.hidden_suppliers(session, job))
    if store_limits.of_session(session) and not form.supplier_external_ids.data and not has_hidden:
        found.append("Suppliers: tick at least one.")
    return found


def _excerpts(seen: Preview, chosen: str) -> list[Excerpt]:
    """The chosen format first."""
    documents = sorted(seen.documents.items(), key=lambda pair: pair[0] != chosen)
    return [_excerpt(name, document) for name, document in documents]


def _excerpt(name: str, document: str) -> Excerpt:
    lines = document.splitlines()
    return Excerpt(name, "\n".join(lines[:LINES_SHOWN]), max(0, len(lines) - LINES_SHOWN))
