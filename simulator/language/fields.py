"""The kinds of field that a scenario has: what people write, turned into plain numbers.

Each refuses with a `QuantityError`, which says what is accepted.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from simulator.draws.contract import Distribution
from simulator.language.distribution_field import from_plain, json_schema, to_plain
from simulator.language.parameters import DURATION, SHARE
from simulator.quantities import (
    QuantityError,
    format_duration,
    parse_duration,
    parse_share,
)


def _slug(value: str) -> str:
    # The name becomes part of topics, keys and folder names.
    if not (value.isascii() and value.replace("-", "").isalnum() and value == value.lower()):
        raise QuantityError((), f"{value!r}: expected small letters, digits and hyphens")
    if value[0] == "-" or len(value) > 60:
        raise QuantityError((), f"{value!r}: expected at most 60 characters, the first no hyphen")
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise QuantityError((), f"expected more than 0, got {format_duration(value)}")
    return value


def _threshold(value: object) -> float | Literal["model"]:
    if value == "model":
        return "model"
    try:
        return parse_share(value)
    except QuantityError as error:
        raise QuantityError((), f"{error}, or the word model") from error


def whole(shares: dict[str, float]) -> dict[str, float]:
    """Check that shares sum to 1.

    Raises:
        QuantityError: they do not.
    """
    total = sum(shares.values())
    if abs(total - 1) > 1e-6:
        raise QuantityError((), f"shares sum to {total:.6g}, expected 1")
    return shares


def tag(default: str, *, key: str = "", lone: Sequence[str] = ()) -> Discriminator:
    """Choose a variant: a `lone` key if it is there, else the value of `key`, else `default`."""

    def choose(value: object) -> str:
        fields = dict(value) if isinstance(value, BaseModel | Mapping) else {}
        alone = next((name for name in lone if name in fields), None)
        return f"<{alone or fields.get(key, default)}>"

    return Discriminator(choose)


def _identifier(value: str) -> str:
    # Names of nodes, staff and classes become parts of metric names and columns.
    if not _IDENTIFIER.fullmatch(value):
        raise QuantityError((), f"{value!r}: expected a letter, then letters, digits, _ or -")
    if value in _RESERVED:
        raise QuantityError((), f"{value!r} has a meaning of its own; choose another name")
    return value


_WORD: Final = "[A-Za-z][A-Za-z0-9_-]{0,59}"
_IDENTIFIER: Final = re.compile(_WORD)
_RESERVED: Final = ("end", "otherwise", "default", "all")
# The same for editors: ECMA-262, as JSON Schema asks.
SLUG_PATTERN: Final = "^[a-z0-9][a-z0-9-]{0,59}$"
IDENTIFIER_PATTERN: Final = f"^(?!({'|'.join(_RESERVED)})$){_WORD}$"

Slug = Annotated[
    str,
    Field(min_length=1),
    AfterValidator(_slug),
    WithJsonSchema({"type": "string", "pattern": SLUG_PATTERN}),
]
Identifier = Annotated[
    str,
    AfterValidator(_identifier),
    WithJsonSchema({"type": "string", "pattern": IDENTIFIER_PATTERN}),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema(DURATION.schema),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive), WithJsonSchema(DURATION.schema)]
Share = Annotated[float, BeforeValidator(parse_share), WithJsonSchema(SHARE.schema)]
Service = Annotated[
    Distribution,
    PlainValidator(from_plain),
    PlainSerializer(to_plain),
    WithJsonSchema(json_schema()),
]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Threshold = Annotated[
    float | Literal["model"],
    PlainValidator(_threshold),
    WithJsonSchema({"anyOf": [{"const": "model"}, SHARE.schema]}),
]
SkinTone = Literal["I-II", "III-IV", "V-VI"]  # Fitzpatrick types
SkinTones = Annotated[dict[SkinTone, Share], AfterValidator(whole)]


class Strict(BaseModel):
    """Base of all: unknown keys, conversions between types and not-a-number are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
