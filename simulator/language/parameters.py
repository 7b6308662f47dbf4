"""Parameters of distributions: how each is written in a scenario, read and described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from simulator.draws.distributions import Distribution
from simulator.language.signed import format_signed_duration, parse_signed_duration
from simulator.quantities import (
    QuantityError,
    format_duration,
    parse_duration,
    parse_share,
)

Schema = dict[str, Any]

# As `parse_duration` reads it; a test holds the two together.
_NUMBER: Final = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
DURATION_PATTERN: Final = rf"^\s*{_NUMBER} *(w|d|h|min|ms|s)\s*$"
SIGNED_PATTERN: Final = rf"^\s*[+-]?\s*{_NUMBER} *(w|d|h|min|ms|s)\s*$"
_PERCENTAGE_PATTERN: Final = rf"^\s*{_NUMBER} *%\s*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """A sort of value that a parameter can have."""

    read: Callable[[object], object]  # raises QuantityError
    write: Callable[[Any], object]  # the inverse
    schema: Schema  # in JSON Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a distribution."""

    field: str  # its name in the dataclass, with the unit
    key: str  # its name in a scenario
    about: str  # one sentence for whoever writes a scenario
    example: object  # as written in a scenario
    sort: Sort  # where all is positive
    signed_sort: Sort | None = None  # for times relative to an appointment, when not the same
    signed_example: object = None

    def read(self, value: object, *, signed: bool) -> object:
        """Return the field's value for a scenario's; raises QuantityError."""
        return self._sort(signed=signed).read(value)

    def write(self, value: object, *, signed: bool) -> object:
        """Return the scenario's value for the field's."""
        return self._sort(signed=signed).write(value)

    def schema(self, *, signed: bool) -> Schema:
        """Return the JSON Schema of the scenario's value."""
        schema = self._sort(signed=signed).schema
        example = self.signed_example if signed and self.signed_sort else self.example
        return {"description": self.about, **schema, "examples": [example]}

    def _sort(self, *, signed: bool) -> Sort:
        return self.signed_sort if signed and self.signed_sort else self.sort


def parameters(kind: type[Distribution]) -> Mapping[str, Parameter]:
    """Return the parameters of a distribution's class by their key in a scenario.

    >>> from simulator.draws.distributions import Erlang
    >>> list(parameters(Erlang))
    ['phases', 'mean']
    """
    given = [_BY_FIELD[field.name] for field in fields(kind) if field.init]  # type: ignore[arg-type]
    return {parameter.key: parameter for parameter in given}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QuantityError((), f"{value!r} is no number; accepted is one as in 0.5")
    try:
        return float(value)
    except OverflowError as error:
        raise QuantityError((), f"{value!r} is too large") from error


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise QuantityError((), f"{value!r} is no whole number; accepted is one as in 3")
    return value


def _each(sort: Sort) -> Sort:
    """Return the sort of a list of what `sort` reads."""

    def read(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise QuantityError((), f"expected a list, got {value!r}")
        entries = []
        for number, entry in enumerate(value, start=1):
            try:
                entries.append(sort.read(entry))
            except QuantityError as error:
                raise QuantityError((), f"entry {number}: {error.args[1]}") from error
        return tuple(entries)

    def write(value: Any) -> object:  # noqa: ANN401 a tuple of whatever `sort` writes
        return [sort.write(entry) for entry in value]

    return Sort(
        read=read, write=write, schema={"type": "array", "items": sort.schema, "minItems": 1}
    )


DURATION: Final = Sort(
    read=parse_duration,
    write=format_duration,
    schema={"type": "string", "pattern": DURATION_PATTERN},
)
SIGNED_DURATION: Final = Sort(
    read=parse_signed_duration,
    write=format_signed_duration,
    schema={"type": "string", "pattern": SIGNED_PATTERN},
)
_NUMBER_SORT: Final = Sort(
    read=_number, write=float, schema={"type": "number", "exclusiveMinimum": 0}
)
_COUNT_SORT: Final = Sort(read=_count, write=int, schema={"type": "integer", "minimum": 1})
SHARE: Final = Sort(
    read=parse_share,
    write=float,
    schema={
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", "pattern": _PERCENTAGE_PATTERN},
        ]
    },
)


def _duration(field: str, about: str, example: str, key: str = "") -> Parameter:
    key = key or field.removesuffix("_min")
    return Parameter(field=field, key=key, about=about, example=example, sort=DURATION)


_PARAMETERS: Final = (
    Parameter(
        field="mean_min",
        key="mean",
        about="The mean.",
        example="6 min",
        sort=DURATION,
        signed_sort=SIGNED_DURATION,
        signed_example="-5 min",
    ),
    _duration("sd_min", "The standard deviation.", "2 min"),
    _duration("centre_min", "The mean, before negative times are cut off.", "6 min", "mean"),
    _duration("spread_min", "The standard deviation, before the cut.", "2 min", "sd"),
    _duration("median_min", "The median: half take longer.", "6 min"),
    _duration("scale_min", "The scale: times are in proportion to it.", "6 min"),
    _duration("low_min", "The shortest time possible.", "2 min"),
    _duration("mode_min", "The most likely time, from low to high.", "5 min"),
    _duration("high_min", "The longest time possible.", "15 min"),
    Parameter(
        field="rate_per_h",
        key="rate_per_h",
        about="How many end in an hour of work: 60 min divided by the mean.",
        example=10,
        sort=_NUMBER_SORT,
    ),
    Parameter(
        field="sigma",
        key="sigma",
        about="The standard deviation of the natural logarithm, a number without unit.",
        example=0.4,
        sort=_NUMBER_SORT,
    ),
    Parameter(
        field="shape",
        key="shape",
        about="The shape, a number without unit: the larger, the less spread.",
        example=2.5,
        sort=_NUMBER_SORT,
    ),
    Parameter(
        field="phases",
        key="phases",
        about="How many exponential phases follow each other.",
        example=3,
        sort=_COUNT_SORT,
    ),
    Parameter(
        field="means_min",
        key="means",
        about="The mean of each exponential.",
        example=["5 min", "30 min"],
        sort=_each(DURATION),
    ),
    Parameter(
        field="values_min",
        key="values",
        about="The times that occur.",
        example=["5 min", "10 min"],
        sort=_each(DURATION),
    ),
    Parameter(
        field="shares",
        key="shares",
        about="How often each occurs; they sum to 1.",
        example=[0.3, 0.7],
        sort=_each(SHARE),
    ),
)
_BY_FIELD: Final = {parameter.field: parameter for parameter in _PARAMETERS}
