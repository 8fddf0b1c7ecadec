"""What the pages of import jobs say, and what their form would send."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from datahub.models.execution import Execution
from datahub.models.import_job import ImportJob
from tests.webapp.conftest import ParsingClient, parse


def page_of(job: ImportJob, action: str = "") -> str:
    return f"/imports/{job.public_id}{action}"


def executions_of(sessions: sessionmaker[Session]) -> list[Execution]:
    with sessions() as session:
        return list(session.scalars(select(Execution).order_by(Execution.id)))


def words(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())


def rows(page: str, caption: str) -> list[list[str]]:
    """The cells of the table that the caption names."""
    (table,) = [it for it in parse(page).iter("table") if words(it.find("caption")) == caption]
    return [[words(cell) for cell in row.iter("td")] for row in table.find("tbody").iter("tr")]


def piece(page: str, identifier: str) -> str:
    (found,) = [it for it in parse(page).iter() if it.get("id") == identifier]
    return " ".join("".join(found.itertext()).split())


def look(client: ParsingClient, data: dict[str, Any], address: str = "/imports/preview?entity=OFFER") -> str:
    """What stands beside the form that is filled in so."""
    answer = client.post(address, data=data, htmx=True)
    assert answer.status_code == 200, answer.text
    assert answer.text.lstrip().startswith('<section id="preview"')
    return answer.text.replace("&#39;", "'").replace("&#34;", '"')


def fields_of(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form as it stands."""
    tree, sent = parse(page), {}
    for box in tree.findall(".//input"):
        if box.get("type") not in ("checkbox", "radio") or box.get("checked") is not None:
            sent.setdefault(box.get("name"), []).append(box.get("value") or "")
    for choice in tree.findall(".//select"):
        options = choice.findall(".//option")
        chosen = [it for it in options if it.get("selected") is not None] or options[:1]
        sent.setdefault(choice.get("name"), []).extend(it.get("value") for it in chosen)
    sent.pop("csrf_token", None)
    return sent


def linked_faults(page: str) -> list[str]:
    """The labels of the faults above the form. Each leads to a control that is marked, or to what mends it."""
    tree = parse(page)
    (summary,) = tree.findall(".//*[@id='faults']")
    ids = {element.get("id") for element in tree.iter() if isinstance(element.tag, str)}
    links = list(summary.iter("a"))
    assert {str(link.get("href")).removeprefix("#") for link in links} <= ids
    return ["".join(link.itertext()).partition(": ")[0] for link in links]
