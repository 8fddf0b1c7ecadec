"""The form of an export job over SFTP. What needs the database is checked by the domain."""

from __future__ import annotations

from wtforms import BooleanField, RadioField, SelectChoice, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length

from datahub.jobs.export_jobs import FOLDER_LENGTH, NAME_LENGTH, Configuration
from datahub.models.export_job import EXPORT_FORMATS, SHORT, STANDARD, XML
from webapp.forms import Form

# Every status of an order, as its life goes.
STATUS_GROUPS = (
    ("Draft", ("CREATING", "DRAFT_ORDER", "DRAFT_ORDER_ON_HOLD", "BLOCKED_BY_POLICY", "BLOCKED_BY_PAYMENT")),
    ("Approval", ("ORDER_CREATED", "WAITING_CUSTOMER_APPROVAL", "WAITING_SUPPLIER_APPROVAL")),
    (
        "Fulfillment",
        (
            "ACCEPTED_BY_SUPPLIER",
            "WAITING_FULFILLMENT",
            "WAITING_SHIPMENT",
            "PARTIALLY_CANCELED",
            "PARTIALLY_SHIPPED",
            "SHIPPED",
        ),
    ),
    ("End", ("INCIDENT", "COMPLETED", "CANCELED", "DECLINED_BY_SUPPLIER", "DECLINED_BY_CUSTOMER")),
)
IN_LIFE_CYCLE_ORDER = [status for _, statuses in STATUS_GROUPS for status in statuses]


class ExportJobForm(Form):
    """Choices are not validated here: the domain refuses what does not exist, and says why."""

    name = StringField("Name", [DataRequired("Give the job a name."), Length(max=NAME_LENGTH)])
    connection_id = SelectField("Connection", [DataRequired("Choose a connection.")], validate_choice=False)
    output_folder = StringField("Folder", [DataRequired("Give the folder on the server."), Length(max=FOLDER_LENGTH)])
    export_format = RadioField("Format of the files", choices=list(EXPORT_FORMATS), default=XML)
    file_name_format = RadioField(
        "File names", choices=[SelectChoice(SHORT, "Short"), SelectChoice(STANDARD, "Standard (long)")], default=SHORT
    )
    trigger_statuses = SelectMultipleField(
        "Export on reaching", [DataRequired("Choose at least one status.")], validate_choice=False
    )
    reexport_on_hold = BooleanField("Export a draft on hold again after each change")
    supplier_external_ids = SelectMultipleField("Suppliers", validate_choice=False)
    active = BooleanField("Active", default=True)

    def configuration(self) -> Configuration:
        return Configuration(
            name=self.name.data or "",
            connection_id=self.connection_id.data or "",
            output_folder=self.output_folder.data or "",
            export_format=self.export_format.data or "",
            file_name_format=self.file_name_format.data or "",
            trigger_statuses=in_life_cycle_order(self.trigger_statuses.data or []),
            supplier_external_ids=self.supplier_external_ids.data or [],
            active=self.active.data,
            reexport_on_hold=self.reexport_on_hold.data,
        )


def in_life_cycle_order(statuses: list[str]) -> list[str]:
    """Unknown ones last, for the domain to refuse."""
    known = [status for status in IN_LIFE_CYCLE_ORDER if status in statuses]
    return known + [status for status in statuses if status not in known]
