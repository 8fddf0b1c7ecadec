"""What every blueprint of the JSON API shares: the header that scripts must send, names of fields, what never changes,
old paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, after_this_request, request
from pydantic.alias_generators import to_camel
from werkzeug.exceptions import Forbidden, NotFound

from datahub.errors import FieldConflictError, InvalidError

CLIENT_HEADER = "dj-client"
OPERATOR = "OPERATOR"
# RFC 9745: the moment since which the old paths are deprecated, as seconds since 1970.
DEPRECATED_SINCE = "@1767225600"
Arguments = ParamSpec("Arguments")
View = Callable[Arguments, Response]
AnyView = TypeVar("AnyView", bound=Callable[..., Any])


def make_blueprint(name: str, tag: str) -> APIBlueprint:
    blueprint = APIBlueprint(f"api_{name}", __name__, tag=tag)
    blueprint.before_request(_require_operator)
    blueprint.before_request(_require_clean_path)
    return blueprint


def _require_operator() -> None:
    if request.headers.get(CLIENT_HEADER) != OPERATOR:
        raise Forbidden(f"Send the header {CLIENT_HEADER}: {OPERATOR}.")


def _require_clean_path() -> None:
    # No id holds NUL, and PostgreSQL refuses to look for one.
    if any("\0" in str(value) for value in (request.view_args or {}).values()):
        raise NotFound


def found_first(argument: str, find: Callable[[str], object], name: str) -> Callable[[AnyView], AnyView]:
    """The view gets what `find` knows by this argument of the path under `name`. Goes above the input: a body for what
    does not exist is answered with 404, whatever is wrong with it."""

    def mark(view: AnyView) -> AnyView:
        @wraps(view)
        def answer(**kwargs: Any) -> Any:
            kwargs[name] = find(kwargs.pop(argument))
            return view(**kwargs)

        return answer  # type: ignore[return-value]

    return mark


def deprecated(successor: str) -> Callable[[View[Arguments]], View[Arguments]]:
    """`successor` is the path that replaces this one, with the same arguments in braces."""

    def mark(view: View[Arguments]) -> View[Arguments]:
        @wraps(view)
        def answer(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
            after_this_request(tell)
            return view(*args, **kwargs)

        return answer

    def tell(response: Response) -> Response:
        """Also beside an error."""
        names = {name: quote(str(value), safe="") for name, value in (request.view_args or {}).items()}
        response.headers["Deprecation"] = DEPRECATED_SINCE
        response.headers["Link"] = f'<{successor.format(**names)}>; rel="successor-version"'
        return response

    return mark


@contextmanager
def shown_names(**special: str) -> Iterator[None]:
    """Errors of the domain name its own fields; scripts see them as they wrote them."""
    try:
        yield
    except InvalidError as error:
        fields = {special.get(name) or _as_written(name): messages for name, messages in error.fields.items()}
        raise InvalidError("The request has faults in: " + ", ".join(sorted(fields)) + ".", fields) from error
    except FieldConflictError as error:
        raise type(error)(special.get(error.field) or _as_written(error.field), str(error)) from error


def refuse_change(thing: object, **given: str | None) -> None:
    """For what never changes: raises InvalidError unless it is left out or as it was."""
    fields = {
        name: [f"Never changes: it is {getattr(thing, name)}."]
        for name, value in given.items()
        if value not in (None, getattr(thing, name))
    }
    if fields:
        raise InvalidError("This never changes: " + ", ".join(sorted(fields)) + ".", fields)


def _as_written(path: str) -> str:
    return ".".join(to_camel(name) for name in path.split("."))
