"""The OpenAPI document, taken apart for the page that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
# Of one schema within another; what lies deeper is shown as an object.
DEEPEST = 3
BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} of them"),
    ("maxItems", "at most {} of them"),
    ("pattern", "like {}"),
)


@dataclass(frozen=True)
class Value:
    """A parameter, or a field of a body with the names of what it lies in. `where` is empty for a field."""

    name: str
    kind: str
    notes: Sequence[str]
    required: bool
    where: str = ""


@dataclass(frozen=True)
class Content:
    """Of a request or an answer. `status` is empty for a request."""

    media_type: str
    values: Sequence[Value]
    status: str = ""
    description: str = ""


@dataclass(frozen=True)
class Operation:
    """`errors` are the statuses of the answers that all share."""

    id: str
    method: str
    path: str
    title: str
    description: str
    deprecated: bool
    parameters: Sequence[Value]
    bodies: Sequence[Content]
    answers: Sequence[Content]
    errors: Sequence[str]


class Reference:
    """Of one document."""

    def __init__(self, spec: Schema) -> None:
        self._spec = spec

    def groups(self) -> dict[str, list[Operation]]:
        """By tag, in the order of the document."""
        found: dict[str, list[Operation]] = {tag["name"]: [] for tag in self._spec["tags"]}
        for path, operations in self._spec["paths"].items():
            for method, operation in operations.items():
                found[operation["tags"][0]].append(self._operation(path, method, operation))
        return found

    def errors(self) -> list[tuple[str, str]]:
        """Status and what it means."""
        shared = self._spec["components"]["responses"].items()
        return [(name.removeprefix("Error"), answer["description"]) for name, answer in shared]

    def error_values(self) -> list[Value]:
        return list(self._values(self._spec["components"]["schemas"]["Error"]))

    def _operation(self, path: str, method: str, operation: Schema) -> Operation:
        answers = operation["responses"].items()
        return Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            title=operation.get("summary", ""),
            description=operation.get("description", ""),
            deprecated=operation.get("deprecated", False),
            parameters=[self._parameter(self._resolved(given)) for given in operation.get("parameters", ())],
            bodies=list(self._contents(operation.get("requestBody", {}))),
            answers=[it for status, answer in answers if "$ref" not in answer for it in self._answers(status, answer)],
            errors=[status for status, answer in answers if "$ref" in answer],
        )

    def _parameter(self, given: Schema) -> Value:
        schema = self._resolved(given["schema"])
        notes = [given["description"]] if "description" in given else []
        return Value(
            given["name"], self._kind(schema), notes + _notes(schema), given.get("required", False), given["in"]
        )

    def _answers(self, status: str, answer: Schema) -> Iterator[Content]:
        found = list(self._contents(answer)) or [Content("", ())]
        for content in found:
            yield Content(content.media_type, content.values, status, answer["description"])

    def _contents(self, holder: Schema) -> Iterator[Content]:
        for media_type, content in holder.get("content", {}).items():
            yield Content(media_type, list(self._values(self._resolved(content.get("schema", {})))))

    def _values(self, schema: Schema, before: str = "", depth: int = 0) -> Iterator[Value]:
        """Of an object, or of the objects in a list, each before what lies in it."""
        schema, mark = self._inside(schema)
        required = schema.get("required", ())
        for name, given in schema.get("properties", {}).items():
            own = self._resolved(given)
            whole = f"{before}{mark}{'.' if before or mark else ''}{name}"
            yield Value(whole, self._kind(own), _notes(given) or _notes(own), name in required)
            if depth < DEEPEST:
                yield from self._values(own, whole, depth + 1)

    def _inside(self, schema: Schema) -> tuple[Schema, str]:
        """The object that a schema is, or is null or a list of; with the mark of a list."""
        for option in schema.get("anyOf", (schema,)):
            resolved = self._resolved(option)
            if "items" in resolved:
                return self._inside(self._resolved(resolved["items"]))[0], "[]"
            if "properties" in resolved:
                return resolved, ""
        return {}, ""

    def _kind(self, schema: Schema) -> str:
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self._kind(self._resolved(option)) for option in schema["anyOf"]))
        if "enum" in schema:
            return ", ".join(map(str, schema["enum"]))
        if "const" in schema:
            return str(schema["const"])
        if "items" in schema:
            return f"list of {self._kind(self._resolved(schema['items']))}"
        return str(schema.get("format") or schema.get("type") or "anything")

    def _resolved(self, schema: Schema) -> Schema:
        """What a reference into the document points at."""
        if "$ref" not in schema:
            return schema
        found: Any = self._spec
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return self._resolved(found)


def _notes(schema: Schema) -> list[str]:
    notes = [schema["description"]] if "description" in schema else []
    notes += [words.format(schema[name]) for name, words in BOUNDS if name in schema]
    default = schema.get("default")
    return notes if default in (None, "", []) else [*notes, f"default {json.dumps(default)}"]
