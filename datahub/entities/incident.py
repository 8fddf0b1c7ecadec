"""INCIDENT: moves of incidents to another status, with their custom fields; one row per move."""

from __future__ import annotations

from datahub.entities.base import ORDERS, EntityType, Field
from datahub.entities.values import CHOICE, TEXT
from datahub.models.incident import INCIDENT_STATUSES, Incident

STATUS = Field(
    "incidentStatus", "Incident Status", "status", CHOICE, required_on_update=True, choices=INCIDENT_STATUSES
)
EXTERNAL_ID = Field("incidentExternalId", "Incident External Id", "external_id", TEXT, editable=False)
INCIDENT = EntityType(
    "INCIDENT",
    label="Incidents",
    family=ORDERS,
    model=Incident,
    must_exist=True,
    acts_on="INCIDENT",
    key=Field("incidentId", "Incident Id", "incident_id", TEXT, editable=False, length=36),
    other_key=EXTERNAL_ID,
    fields=(EXTERNAL_ID, STATUS),
    has_custom_fields=True,
)
