"""How often a scenario is run, what is varied, and what must hold."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from simulator.language.fields import Count, Seed, Strict
from simulator.language.parameters import DURATION
from simulator.language.words import shown
from simulator.quantities import (
    QuantityError,
    format_duration,
    parse_duration,
    parse_share,
)


def _fixed(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return {"min": value, "max": value} if whole else value


class ReplicationSpec(Strict):
    """How many independent replications: a number, or until a precision is reached."""

    min: Count = Field(default=1, description="At least so many.")
    max: Count = Field(default=1, description="At most so many.")
    precision: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Go on until the half width of each interval is at most this share of its "
        "mean, between min and max replications.",
    )
    of: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="Metrics whose precision is asked for."
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1, description="Confidence level of all intervals."
    )

    @model_validator(mode="before")
    @classmethod
    def _at_least(cls, value: Any) -> Any:  # noqa: ANN401  pydantic's
        if isinstance(value, dict) and "max" not in value and isinstance(value.get("min"), int):
            return {**value, "max": max(value["min"], 100 if value.get("precision") else 1)}
        return value

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.max < self.min:
            raise QuantityError(("max",), f"{self.max} is less than min, {self.min}")
        if self.precision is not None and not self.of:
            raise QuantityError(("of",), "is required with precision: name the metrics it is of")
        if self.precision is not None and self.min < 2:
            raise QuantityError(("min",), "is 1; a precision needs at least 2 replications")
        return self


Replications = Annotated[
    ReplicationSpec, BeforeValidator(_fixed, json_schema_input_type=Count | ReplicationSpec)
]

Warmup = Annotated[
    float | Literal["auto"],
    BeforeValidator(lambda value: value if value == "auto" else parse_duration(value)),
    PlainSerializer(lambda value: value if value == "auto" else format_duration(value)),
    WithJsonSchema({"anyOf": [{"const": "auto"}, DURATION.schema]}),
]

_GATE: Final = re.compile(r"\s*(?P<metric>[^<>=!]+?)\s*(?P<op><=|>=|==|<|>)\s*(?P<bound>.+?)\s*")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
# A metric's name may hold `=` within braces: a group such as {skin_tone=V-VI}.
_GROUPED: Final = re.compile(
    r"\s*(?P<metric>[^<>=!{]+\{[^}]*\})\s*(?P<op><=|>=|==|<|>)\s*(?P<bound>.+?)\s*"
)


_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}

# For editors: a metric, a comparison, and something that looks like a bound.
GATE_PATTERN: Final = r"^[^<>=!]+(\{[^}]*\})? *(<=|>=|==|<|>) *[+-]?[0-9].*$"


class Gate(Strict):
    """What must hold: a metric on one side of a bound."""

    text: str
    metric: str
    op: Literal["<", "<=", ">", ">=", "=="]
    bound: float  # minutes where the bound is a duration, a share where it is a percentage
    written: str  # the bound as it stands in the file

    def holds(self, value: float) -> bool:
        """Return whether a figure is on the right side of the bound; not-a-number never is."""
        return _HOLDS[self.op](value, self.bound)


def _gate(value: object) -> object:
    if isinstance(value, Gate):
        return value
    if not isinstance(value, str):
        raise QuantityError((), f"expected such as 'wait.read.p95 < 3 d', got {shown(value)}")
    match = _GROUPED.fullmatch(value) or _GATE.fullmatch(value)
    if match is None:
        reason = f"{shown(value)} is no gate: expected a metric, one of <, <=, >, >=, ==, and a"
        raise QuantityError((), f"{reason} bound, as in 'wait.read.p95 < 3 d'")
    return {
        "text": value.strip(),
        "metric": match["metric"].strip(),
        "op": match["op"],
        "bound": parse_bound(match["bound"]),
        "written": match["bound"],
    }


def parse_bound(text: str) -> float:
    """Return the bound of a gate: a number, a share of 1 for a percentage, minutes for a duration.

    Raises:
        QuantityError: none of them.

    >>> parse_bound("15 %"), parse_bound("3 h"), parse_bound("0")
    (0.15, 180.0, 0.0)
    """
    if _NUMBER.fullmatch(text):
        return float(text)
    for parse in (parse_share, parse_duration):
        try:
            return parse(text)
        except QuantityError:
            continue
    reason = "expected a number, a percentage or a duration, as in '3 d'"
    raise QuantityError((), f"{shown(text)} is no bound: {reason}")


def kind_of(written: str) -> Literal["number", "percentage", "duration"]:
    """Return how a bound is written.

    >>> kind_of("15 %"), kind_of("3 h"), kind_of("0")
    ('percentage', 'duration', 'number')
    """
    if _NUMBER.fullmatch(written):
        return "number"
    return "percentage" if written.endswith("%") else "duration"


Gates = Annotated[
    tuple[
        Annotated[
            Gate,
            BeforeValidator(_gate),
            PlainSerializer(lambda gate: gate.text),
            WithJsonSchema({"type": "string", "pattern": GATE_PATTERN}),
        ],
        ...,
    ],
    Field(strict=False),
]


class SweepSpec(Strict):
    """What is varied, over all combinations or over a Latin hypercube."""

    grid: dict[str, Annotated[tuple[Any, ...], Field(strict=False, min_length=1)]] | None = Field(
        default=None,
        description="Dotted key and the values it takes; every combination is run.",
        examples=[{"staff.dermatologist.count": [1, 2, 3]}],
    )
    ranges: dict[str, Annotated[tuple[float, ...], Field(strict=False)]] | None = Field(
        default=None,
        description="Dotted key and its least and most; a Latin hypercube of `points` is run.",
        examples=[{"decision.threshold": [0.1, 0.9]}],
    )
    points: Count | None = Field(default=None, description="Points of the Latin hypercube.")
    seed: Seed = Field(default=1, description="Of the Latin hypercube.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.grid is None) == (self.ranges is None):
            raise QuantityError((), "give grid, or ranges and points")
        if (self.ranges is None) != (self.points is None):
            raise QuantityError((), "ranges and points belong together")
        for key, bounds in (self.ranges or {}).items():
            if len(bounds) != 2 or not bounds[0] < bounds[1]:
                reason = f"expected least and most, got {list(bounds)}"
                raise QuantityError(("ranges", key), reason)
        return self


def _sweep(value: object) -> object:
    """Take a plain mapping of keys to lists as a grid, as people write it."""
    if isinstance(value, dict) and value and not {"grid", "ranges", "points"} & set(value):
        return {"grid": value}
    return value


_Values = Annotated[list[Any], Field(min_length=1)]
Sweep = Annotated[
    SweepSpec, BeforeValidator(_sweep, json_schema_input_type=SweepSpec | dict[str, _Values])
]
