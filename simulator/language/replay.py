"""A log whose arrivals are repeated: its times, or the file that has them."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, model_validator

from simulator.language.fields import Strict
from simulator.quantities import QuantityError, format_duration, parse_duration


def _moment(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value < float("inf"):
            raise QuantityError((), f"{value!r} is no time: expected minutes of 0 or more")
        return float(value)
    return parse_duration(value)


Moment = Annotated[
    float,
    PlainValidator(_moment, json_schema_input_type=float | str),
    PlainSerializer(format_duration, return_type=str),
]


class ReplayFile(Strict):
    """The file that has the times of a log."""

    # `sources.gather` reads it and puts a `ReplaySpec` in its place.

    file: str = Field(
        min_length=1,
        description="A CSV file, relative to the scenario's.",
        examples=["arrivals.csv"],
    )
    column: str = Field(
        default="arrival", description="The column of the times.", examples=["arrival"]
    )
    unit: Literal["ms", "s", "min", "h", "d", "w", "datetime"] = Field(
        default="min",
        description=(
            "The unit of numbers since the run's start; or datetime (ISO 8601), whose weekdays "
            "and hours are kept."
        ),
        examples=["datetime"],
    )


class ReplaySpec(Strict):
    """The times of a log."""

    times: Annotated[tuple[Moment, ...], Field(strict=False)] = Field(
        description="Times since the run's start, in order: minutes, or durations with a unit.",
        examples=[[0, 12.5, "1 h"]],
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        # Not as a minimum length: pydantic would report each wrong item as a missing one too.
        if not self.times:
            raise QuantityError(("times",), "is empty: expected at least one time")
        for index, (early, late) in enumerate(pairwise(self.times), start=1):
            if late < early:
                reason = f"{late:g} min comes after {early:g} min; times go up"
                raise QuantityError(("times", str(index)), reason)
        return self


def _not_a_file(value: object) -> object:
    if isinstance(value, Mapping) and "file" in value:
        raise QuantityError(("file",), f"{value['file']!r} was not read: expected its times")
    return value


Replay = Annotated[
    ReplaySpec, BeforeValidator(_not_a_file, json_schema_input_type=ReplaySpec | ReplayFile)
]
