"""Which page of a list a script asks for, and in which order. Read from the query string."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from datahub.errors import InvalidError

DEFAULT_SIZE = 20
LARGEST_SIZE = 100
LARGEST_OFFSET = 10_000


@dataclass(frozen=True)
class Paging:
    """`sort` is the domain's name of a column."""

    page: int
    size: int
    sort: str
    descending: bool

    @property
    def offset(self) -> int:
        return self.page * self.size


def _whole(text: object) -> int:
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise ValueError("must be a whole number")
    return int(text)


Whole = Annotated[int, BeforeValidator(_whole)]


class Query(BaseModel):
    """Unknown parameters are passed over; a parameter that is no list may be given once."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class PageQuery(Query):
    page: Whole = Field(0, ge=0)
    size: Whole = Field(DEFAULT_SIZE, ge=1, description=f"Above {LARGEST_SIZE} counts as {LARGEST_SIZE}.")
    sort: str = ""

    def paging(self) -> Paging:
        """Raises InvalidError for a page that lies too deep."""
        size = min(self.size, LARGEST_SIZE)
        if self.page * size > LARGEST_OFFSET:
            message = f"Page times size is at most {LARGEST_OFFSET}. Narrow the search instead."
            raise InvalidError("The page lies too deep.", {"page": [message]})
        name, _, direction = self.sort.replace("|", ",").partition(",")
        return Paging(self.page, size, to_snake(name), direction == "desc")


class Sorts:
    """Marks `sort` with the names that it takes; without any the list has one order."""

    def __init__(self, *names: str) -> None:
        self._pattern = rf"^({'|'.join(names)})([,|](asc|desc))?$" if names else "^$"
        self._refusal = f"Must be {' or '.join(names)}, with ,asc or ,desc" if names else "Only one order: leave it out"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"pattern": self._pattern}

    def _check(self, given: str) -> str:
        if not re.fullmatch(self._pattern, given):
            raise PydanticCustomError("unknown_sort", self._refusal)
        return given
