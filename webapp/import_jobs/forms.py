"""The form of an import job over SFTP, without its mapping. What needs the database is checked by the domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from datahub.entities.base import EntityType
from datahub.errors import FieldConflictError, InvalidError
from datahub.jobs.import_format import example_of
from datahub.jobs.import_jobs import PATH_LENGTH, Configuration
from datahub.jobs.job_rules import NAME_LENGTH
from datahub.models.import_job import WAIT_FOR_NEXT, ImportJob
from webapp.import_jobs.lines import Lines
from webapp.import_jobs.schedule_fields import ScheduleForm, stored_schedule
from webapp.import_jobs.shown import POLICIES

ONE_FILE, FOLDER = "file", "folder"


class ImportJobForm(ScheduleForm):
    """The choice of a connection is not validated here: the domain refuses what does not exist."""

    name = StringField("Name", [DataRequired("Give the job a name."), Length(max=NAME_LENGTH)])
    connection_id = SelectField("Connection", [DataRequired("Choose a connection.")], validate_choice=False)
    reads = RadioField(
        "Reads",
        choices=[SelectChoice(ONE_FILE, "One file"), SelectChoice(FOLDER, "Every CSV file of a folder (bulk)")],
        default=ONE_FILE,
    )
    file_path = StringField("File", [Length(max=PATH_LENGTH)])
    inbound_directory = StringField("Inbound folder", [Length(max=PATH_LENGTH)])
    outbound_directory = StringField("Outbound folder", [Length(max=PATH_LENGTH)])
    delimiter = RadioField(
        "Delimiter",
        [DataRequired("Choose the one that the file uses: with the wrong one nothing is read.")],
        choices=[SelectChoice(",", "Comma ,"), SelectChoice(";", "Semicolon ;")],
    )
    by_name = BooleanField("Match columns by their names", default=True)
    simultaneous_execution = RadioField(
        "When it fires while a run of it has not ended",
        choices=[SelectChoice(policy, words) for policy, words in POLICIES.items()],
        default=WAIT_FOR_NEXT,
    )
    import_full_mode = BooleanField("Full mode")
    full_mode_known = BooleanField("I know that values are removed from the records in the file")
    active = BooleanField("Active", default=True)
    # Whoever switched Full mode on before has confirmed it then.
    full_mode_was_on = False
    store_external_ids = SelectField("Store", validate_choice=False)
    # Where the form asks for no store, scripts may have given some.
    has_store = False
    has_delimiter = True
    example = ""
    kept_stores: Sequence[str] = ()

    def validate_full_mode_known(self, known: BooleanField) -> None:
        if self.import_full_mode.data and not self.full_mode_was_on and not known.data:
            raise ValidationError("Tick this if you want that, or switch Full mode off.")

    def is_for(self, entity: EntityType, job: ImportJob | None = None) -> None:
        """What the entity asks for, and what a job that is edited has and the form does not show."""
        self.store_external_ids.flags.required = bool(entity.scoped_by)
        self.has_store = bool(entity.scoped_by) or entity.takes_store
        self.has_delimiter = entity.elements is None
        self.example = example_of(entity)
        if entity.elements:
            self.delimiter.validators, self.delimiter.validate_choice, self.delimiter.data = (), False, ""
            self.reads.choices = [
                SelectChoice(ONE_FILE, "One file"),
                SelectChoice(FOLDER, "Every XML file of a folder (bulk)"),
            ]
        if job is not None:
            self.full_mode_was_on = job.import_full_mode
            self.kept_stores = job.store_external_ids

    def configuration(self, lines: Lines) -> Configuration:
        """What the domain's create and update take. Raises InvalidError for a schedule with faults."""
        return self._configuration(lines, self.read_cron())

    def unfinished(self, lines: Lines) -> Configuration:
        """Without a schedule where it has faults."""
        try:
            return self.configuration(lines)
        except InvalidError:
            return self._configuration(lines, None)

    def _configuration(self, lines: Lines, cron: str | None) -> Configuration:
        bulk = self.reads.data == FOLDER
        return Configuration(
            name=self.name.data or "",
            connection_id=self.connection_id.data or "",
            delimiter=self.delimiter.data or "",
            bulk=bulk,
            file_path=None if bulk else self.file_path.data,
            inbound_directory=self.inbound_directory.data if bulk else None,
            outbound_directory=self.outbound_directory.data if bulk else None,
            mapping=None if self.by_name.data else lines.mapping(),
            transcoding=lines.transcoding(),
            cron=cron,
            schedule_enabled=self.schedule_enabled.data and cron is not None,
            simultaneous_execution=self.simultaneous_execution.data or "",
            import_full_mode=self.import_full_mode.data,
            store_external_ids=self._stores(),
            active=self.active.data,
        )

    def _stores(self) -> Sequence[str]:
        if not self.has_store:
            return self.kept_stores
        return [self.store_external_ids.data] if self.store_external_ids.data else []

    def show_at(self, lines: Lines, error: InvalidError | FieldConflictError) -> None:
        """Faults of the mapping and the transcoding go to their lines, the others to their fields."""
        if isinstance(error, InvalidError) and (rest := lines.take_faults(error.fields)) != error.fields:
            if not rest:
                return
            error = InvalidError(str(error), rest)
        self.show(error)


def stored_values(job: ImportJob) -> dict[str, Any]:
    names = ("name", "file_path", "inbound_directory", "outbound_directory", "delimiter", "simultaneous_execution")
    return {name: getattr(job, name) for name in (*names, "import_full_mode", "active")} | {
        "connection_id": job.connection.public_id,
        "reads": FOLDER if job.bulk else ONE_FILE,
        "by_name": job.mapping is None,
        "store_external_ids": next(iter(job.store_external_ids), ""),
        **stored_schedule(job.cron, enabled=job.schedule_enabled),
    }
