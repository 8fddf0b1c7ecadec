"""Links of the OpenAPI document: which part of an answer is the id that other paths ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ID, FIRST = "$response.body#/id", "$response.body#/content/0"
IN_PATH = re.compile(r"{(\w+)}")
JOBOUTS = ("/v1/mapper/jobout/{job_id}", "/v2/mapper/jobout/{job_id}", "/v2/jobouts/{job_id}")
JOBS = ("/v1/mapper/jobs/{job_id}", "/job/{job_id}", "/v2/jobs/{job_id}")
EXPORT, IMPORT = "/v2/jobouts/{job_id}/executions/{execution_id}", "/v2/jobs/{job_id}/executions/{execution_id}"
RECORD = "/v1/records/{entity}/{external_id}"


@dataclass(frozen=True)
class Source:
    """An answer, and what it knows of the parameters of the paths that begin with one of `targets`."""

    method: str
    path: str
    status: str
    targets: tuple[str, ...]
    known: dict[str, str]


SOURCES = (
    Source("post", "/v1/mapper/clients", "201", ("/v1/mapper/clients/",), {"client_id": ID}),
    Source("get", "/v1/mapper/clients", "200", ("/v1/mapper/clients/",), {"client_id": f"{FIRST}/id"}),
    Source("post", "/v1/mapper/jobout", "201", JOBOUTS, {"job_id": ID}),
    Source("post", "/v1/mapper/jobout/{job_id}/duplicate", "201", JOBOUTS, {"job_id": ID}),
    Source("get", "/v1/mapper/jobout", "200", JOBOUTS, {"job_id": f"{FIRST}/id"}),
    Source(
        "get",
        "/v2/jobouts/{job_id}/executions",
        "200",
        (EXPORT,),
        {"job_id": "$request.path.job_id", "execution_id": f"{FIRST}/exportIntegrationId"},
    ),
    Source("post", "/v2/mapper/jobs", "201", JOBS, {"job_id": ID}),
    Source("get", "/v1/mapper/jobs", "200", JOBS, {"job_id": f"{FIRST}/id"}),
    Source(
        "post",
        "/v1/mapper/jobs/{job_id}/run",
        "202",
        (IMPORT,),
        {"job_id": "$request.path.job_id", "execution_id": "$response.body#/jobStatusId"},
    ),
    Source("post", "/v1/orders", "201", ("/v1/orders/",), {"reference": "$response.body#/reference"}),
    Source("get", "/v1/orders", "200", ("/v1/orders/",), {"reference": f"{FIRST}/reference"}),
    Source(
        "post",
        "/v1/orders/{reference}/incidents",
        "201",
        ("/v1/incidents/",),
        {"incident_id": "$response.body#/incidentId"},
    ),
    Source("get", "/v1/incidents", "200", ("/v1/incidents/",), {"incident_id": f"{FIRST}/incidentId"}),
    Source("post", "/v1/custom-fields", "201", ("/v1/custom-fields/",), {"custom_field_id": ID}),
    Source("get", "/v1/custom-fields", "200", ("/v1/custom-fields/",), {"custom_field_id": f"{FIRST}/id"}),
    *(
        Source(
            "put",
            RECORD,
            status,
            (RECORD,),
            {"entity": "$request.path.entity", "external_id": "$request.path.external_id"},
        )
        for status in ("201", "200")
    ),
)


def add_links(paths: dict[str, Any]) -> None:
    """Each source leads to all operations whose path asks for just what it knows."""
    for source in SOURCES:
        links = paths[source.path][source.method]["responses"][source.status].setdefault("links", {})
        for path, operations in paths.items():
            if path.startswith(source.targets) and set(IN_PATH.findall(path)) == set(source.known):
                for operation in operations.values():
                    name = operation["operationId"]
                    links[name] = {"operationId": name, "parameters": source.known}
