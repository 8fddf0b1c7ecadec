"""Every exception that Data Hub raises on purpose. The class says what to do next."""

from __future__ import annotations


class DataHubError(Exception):
    """Root of the tree. `code` is the stable word that the JSON API shows beside the message."""

    code = "error"


class ConfigError(DataHubError):
    """A person must change something before another try can help."""

    code = "configuration"


class InstallationError(ConfigError):
    """This process is set up wrongly: another one may do it, or the same once its settings are mended."""


class SettingError(InstallationError):
    """A setting of this installation is missing or malformed; the message names it."""

    code = "setting"


class OutboundRefusedError(InstallationError):
    """The gate for outgoing connections refused an address; the message names the setting that permits it."""

    code = "outbound_refused"


class HostKeyError(ConfigError):
    """The server showed a host key that nobody accepted. No secret has been sent."""

    code = "host_key"

    def __init__(self, message: str, *, host_key: str, fingerprint: str) -> None:
        super().__init__(message)
        self.host_key = host_key
        self.fingerprint = fingerprint


class RenderError(ConfigError):
    """An order cannot be written in the chosen format, or its file cannot be named."""

    code = "cannot_render"


class SourceError(ConfigError):
    """The source of an import cannot be read. `line` is the physical line it fails at, counted from 1."""

    code = "unreadable_source"

    def __init__(self, message: str, *, code: str = code, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.line = line


class SourceMissingError(ConfigError):
    """There is no such file to be read."""

    code = "source_missing"


class TransientError(DataHubError):
    """The network or the other side failed; the same attempt may succeed later."""

    code = "transient"


class ConnectionLostError(TransientError):
    """The connection itself is dead or not to be trusted: everything else sent over it fails too."""

    code = "connection_lost"


class SourceChangedError(TransientError):
    """The file was written or taken away while it was read."""

    code = "source_changed"


class OutcomeUnknownError(DataHubError):
    """The database went away before it said whether a change was made: a person must look before it is repeated."""

    code = "outcome_unknown"


class NotFoundError(DataHubError):
    """What was asked for does not exist, or not for this caller."""

    code = "not_found"


class InvalidError(DataHubError):
    """Input breaks a rule. `fields` maps each faulty field to its messages; dotted paths name nested ones."""

    code = "validation_failed"

    def __init__(self, message: str, fields: dict[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class ConflictError(DataHubError):
    """The state of the thing forbids this now: in use, already there, still running."""

    code = "conflict"


class IllegalMoveError(ConflictError):
    """A status change that the life cycle forbids, such as stopping what has ended."""

    code = "illegal_move"


class FieldConflictError(ConflictError):
    """A value is taken. `field` names the form field to show it at."""

    code = "already_taken"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class OtherStoresError(FieldConflictError):
    """The change would reach what belongs to stores that the caller does not see."""

    code = "other_stores"


class LostClaimError(DataHubError):
    """The caller no longer owns the execution it is working on; it must end without another effect."""

    code = "lost_claim"

    def __init__(self, public_id: str) -> None:
        super().__init__(f"execution {public_id} is no longer claimed by this worker")
