"""The shapes of bodies, and how APIFlask reads them: strictly, with our own body reader and error."""

from __future__ import annotations

from typing import Any, ClassVar

from apiflask.schema_adapters import registry
from apiflask.schema_adapters.pydantic import PydanticAdapter
from flask import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from datahub.errors import InvalidError
from webapp.api.body import read_body

WORDS = {
    "missing": "This field is required.",
    "value_error": "Must be a whole number, 0 or more.",
    "greater_than_equal": "Is too small.",
    "extra_forbidden": "There is no such field.",
    "string_type": "Must be text.",
    "bool_type": "Must be true or false.",
    "int_type": "Must be a whole number.",
    "list_type": "Must be a list.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
}


class Shape(BaseModel):
    """Camel case outside, snake case inside. Unknown fields are refused; `replaced` says what to use instead.

    Where the body `may_be_absent`, none counts as an empty object."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)
    replaced: ClassVar[dict[str, str]] = {}
    may_be_absent: ClassVar[bool] = False


class _StrictAdapter(PydanticAdapter):
    def validate_input(self, request: Request, location: str, **kwargs: Any) -> BaseModel:
        if location == "query":
            data: Any = _query(request, self.model_class)
        else:
            absent = getattr(self.model_class, "may_be_absent", False) and not request.content_length
            data = {} if absent else read_body(request)
        try:
            return self.model_class.model_validate(data)
        except ValidationError as error:
            raise _as_invalid(error, getattr(self.model_class, "replaced", {})) from error

    def serialize_output(self, data: Any, many: bool = False) -> Any:
        return data


def _query(request: Request, model: type[BaseModel]) -> dict[str, Any]:
    lists = {field.alias or name for name, field in model.model_fields.items() if field.annotation == list[str]}
    given = request.args.to_dict(flat=False)
    twice = [name for name, values in given.items() if len(values) > 1 and name not in lists]
    if twice:
        raise InvalidError("A parameter is given twice.", {name: ["Give this parameter once."] for name in twice})
    unclean = [name for name, values in given.items() if any("\0" in value for value in values)]
    if unclean:
        raise InvalidError("A parameter holds NUL.", {name: ["Must not hold NUL."] for name in unclean})
    # An empty one of a list counts as not given, as where there is one value.
    return {name: [one for one in values if one] if name in lists else values[0] for name, values in given.items()}


def _as_invalid(error: ValidationError, replaced: dict[str, str]) -> InvalidError:
    fields: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in fault["loc"])
        message = replaced.get(name) or WORDS.get(fault["type"]) or f"{fault['msg']}."
        fields.setdefault(name or "body", []).append(message)
    return InvalidError("The request has faults in: " + ", ".join(sorted(fields)) + ".", fields)


registry.register("pydantic", _StrictAdapter)
