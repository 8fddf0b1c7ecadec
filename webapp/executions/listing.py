"""Lists of executions on pages: what the address asks for, the controls that say so, links to neighbour pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from flask import request, url_for

from datahub.jobs import execution_list
from datahub.jobs.execution_list import Page, Wanted
from datahub.models.execution import (
    API,
    EXPORT,
    EXPORT_STATUSES,
    IMPORT,
    IMPORT_STATUSES,
    JOB_STARTED,
    KINDS,
    MANUAL,
    RESEND,
    RETRY,
    RUN,
    SCHEDULE,
    STATUSES,
    TRIGGER,
    UPLOAD,
)
from webapp.database import db
from webapp.filters import hour_text, read_hour, status_words

OLDEST = "oldest"
STARTED_WORDS = {EXPORT: "Sending", IMPORT: "Reading", "": "Sending or reading"}
KIND_STATUSES = {EXPORT: EXPORT_STATUSES, IMPORT: IMPORT_STATUSES, "": STATUSES}


class Trigger(NamedTuple):
    words: str
    origins: tuple[str, ...]


TRIGGERS = {
    "status": Trigger("An order's status", (TRIGGER,)),
    "schedule": Trigger("Schedule", (SCHEDULE,)),
    "run": Trigger("Run now", (RUN, MANUAL)),
    "script": Trigger("Script", (API,)),
    "upload": Trigger("File given by hand", (UPLOAD,)),
    "retry": Trigger("Retry", (RETRY,)),
    "resend": Trigger("Sent again", (RESEND,)),
}


@dataclass(frozen=True)
class Chosen:
    """`kind` is empty where both are shown."""

    search: str
    statuses: list[str]
    kind: str
    trigger: str
    since: date | None
    until: date | None
    hour: datetime | None
    is_oldest_first: bool

    @property
    def params(self) -> dict[str, object]:
        """For an address, without what says nothing."""
        return {
            "search": self.search or None,
            "statuses": self.statuses or None,
            "trigger": self.trigger or None,
            "from": self.since and self.since.isoformat(),
            "to": self.until and self.until.isoformat(),
            "hour": self.hour and hour_text(self.hour),
            "sort": OLDEST if self.is_oldest_first else None,
        }

    def wanted(self, job_public_id: str | None = None) -> Wanted:
        return Wanted(
            search=self.search,
            names=True,
            statuses=self.statuses,
            kinds=[self.kind] if self.kind and job_public_id is None else (),
            origins=TRIGGERS[self.trigger].origins if self.trigger else (),
            job_public_id=job_public_id,
            job_kind=self.kind or EXPORT,
            since=self.since,
            until=self.until,
            hour=self.hour,
        )


def read(kind: str = "") -> Chosen:
    """From the query string; what it does not understand counts as not said."""
    args = request.args
    return Chosen(
        search=args.get("search", "").replace("\0", "").strip(),
        statuses=[status for status in KIND_STATUSES[kind] if status in args.getlist("statuses")],
        kind=kind,
        trigger=args.get("trigger", "") if args.get("trigger") in TRIGGERS else "",
        since=_day(args.get("from", "")),
        until=_day(args.get("to", "")),
        hour=read_hour(args.get("hour", "")),
        is_oldest_first=args.get("sort") == OLDEST,
    )


def context(chosen: Chosen, address: Callable[..., str], job_public_id: str | None = None) -> dict[str, object]:
    """Of executions/_filters.html and _neighbours.html. `address` makes that of the list from parameters."""
    wanted, before, after = chosen.wanted(job_public_id), request.args.get("before", ""), request.args.get("after", "")
    page = execution_list.read_page(
        db.session(), wanted, newest_first=not chosen.is_oldest_first, before=before, after=after
    )
    kept, statuses = chosen.params, KIND_STATUSES[chosen.kind]
    return {
        "executions": page.items,
        "chosen": chosen,
        "is_narrowed": wanted.is_narrowed,
        "is_page": bool(before or after),
        "searched_to": page.searched_to,
        "chips": [(status, _words(status, chosen.kind), status in chosen.statuses) for status in statuses],
        "triggers": [(name, trigger.words) for name, trigger in TRIGGERS.items() if _may_start(trigger, chosen.kind)],
        "list_url": address(),
        "here_url": address(**kept, before=before or None, after=after or None),
        "any_hour_url": address(**kept | {"hour": None}),
        **_neighbours(page, address, kept, is_oldest_first=chosen.is_oldest_first),
    }


def _neighbours(
    page: Page, address: Callable[..., str], kept: dict[str, object], *, is_oldest_first: bool
) -> dict[str, object]:
    newer = ("Newer", address(**kept, after=page.newer) if page.newer else "")
    older = ("Older", address(**kept, before=page.older) if page.older else "")
    previous, following = (older, newer) if is_oldest_first else (newer, older)
    return {"previous": previous, "following": following}


def _words(status: str, kind: str) -> str:
    return STARTED_WORDS[kind] if status == JOB_STARTED else status_words(status)


def _may_start(trigger: Trigger, kind: str) -> bool:
    return not kind or any(origin in execution_list.ORIGINS_OF[kind] for origin in trigger.origins)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if text == day.isoformat() else None


def of_job(endpoint: str, job_id: str) -> Callable[..., str]:
    return lambda **params: url_for(endpoint, job_id=job_id, **params)


def of_all() -> dict[str, object]:
    """Of every job, or of the one that the address names."""
    job_id, kind = request.args.get("job", "").replace("\0", ""), request.args.get("kind", "")
    job = execution_list.job_of(db.session(), job_id) if job_id else None
    kind = job.kind if job else kind if kind in KINDS else ""
    kept = {"job": job_id or None, "kind": kind if kind and not job_id else None}
    chosen = read(kind)
    shown = context(chosen, lambda **params: url_for("executions.index", **kept | params), job_id or None)
    any_url = url_for("executions.index", **chosen.params)
    named = {"public_id": job_id, "name": job.name if job else job_id, "any_url": any_url} if job_id else None
    kinds = [(EXPORT, "Exports"), (IMPORT, "Imports")]
    return shown | {"kinds": kinds, "of_job": named, "list_url": url_for("executions.index")}
