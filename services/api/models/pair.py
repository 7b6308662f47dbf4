"""Two values side by side: then and now, one and the other."""

from typing import Annotated, TypeVar

from pydantic import Field

Value = TypeVar("Value")
# A list and no tuple: JSON Schema's word for tuples is not understood by all that read OpenAPI.
Pair = Annotated[list[Value], Field(min_length=2, max_length=2)]
