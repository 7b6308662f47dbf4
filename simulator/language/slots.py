"""Appointments: the weekly slots, and how patients keep them."""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, model_validator

from simulator.language.calendar import WEEK_MIN, WeeklyWindows, WeekTime
from simulator.language.fields import Count, Duration, PositiveDuration, Share, Strict
from simulator.quantities import QuantityError, format_duration, parse_duration

# Assumptions: one slot a minute is the finest that a clinic books, and who comes a week off does
# not keep the appointment.
SHORTEST_SLOT_MIN: Final = 1.0
FARTHEST_MIN: Final = WEEK_MIN
CUT_SDS: Final = 4.0  # normal deviates are cut there: one of 16 000 is (assumption)


def parse_signed(value: object) -> float:
    """Return a duration in minutes that may have a sign.

    Raises:
        QuantityError: not a number with a unit.

    >>> parse_signed("-5 min"), parse_signed("30 s")
    (-5.0, 0.5)
    """
    if isinstance(value, str) and (match := re.fullmatch(r"\s*([+-])\s*(.*)", value)):
        minutes = parse_duration(match[2])
        return -minutes if match[1] == "-" else minutes
    return parse_duration(value)


def format_signed(minutes: float) -> str:
    """Return a signed duration as `parse_signed` reads it back.

    >>> format_signed(-5.0)
    '-5 min'
    """
    return f"-{format_duration(-minutes)}" if minutes < 0 else format_duration(minutes)


SignedDuration = Annotated[
    float,
    PlainValidator(parse_signed, json_schema_input_type=str),
    PlainSerializer(format_signed, return_type=str),
]


def _not_all(share: float) -> float:
    if share == 1:
        raise QuantityError((), "1 is nobody at all: expected less")
    return share


NoShow = Annotated[Share, AfterValidator(_not_all)]


class PunctualitySpec(Strict):
    """How far from the appointment patients come: normally distributed, cut at ±4 sd."""

    mean_min: SignedDuration = Field(
        default=0.0,
        alias="mean",
        description="Mean; negative is before the appointment.",
        examples=["-5 min"],
    )
    sd_min: Duration = Field(alias="sd", description="Standard deviation.", examples=["10 min"])

    @model_validator(mode="after")
    def _near(self) -> Self:
        for name, minutes in (("mean", self.mean_min), ("sd", self.sd_min)):
            if abs(minutes) > FARTHEST_MIN:
                raise QuantityError((name,), f"{format_signed(minutes)} is more than a week")
        return self


class AppointmentSpec(Strict):
    """Weekly slots, `every` so often `during` the windows or listed with `at`."""

    every_min: PositiveDuration | None = Field(
        default=None,
        alias="every",
        description=(
            "Time from slot to slot. The first slot is where a window opens; the last begins "
            "before it closes."
        ),
        examples=["15 min"],
    )
    during: WeeklyWindows | None = Field(
        default=None,
        description="Weekly windows in which appointments begin.",
        examples=["Mon-Fri 08:00-16:00"],
    )
    at: Annotated[tuple[WeekTime, ...], Field(strict=False)] | None = Field(
        default=None,
        description="The slots of the week, listed; instead of `every` and `during`.",
        examples=[["Mon 08:00", "Mon 08:30"]],
    )
    patients: Count = Field(
        default=1,
        le=1000,  # assumption: more is a mistake
        description="Patients booked for each slot.",
        examples=[1],
    )
    punctuality: PunctualitySpec | None = Field(
        default=None,
        description=(
            "How far from the appointment patients come, earlier or later; nobody comes before "
            "the run's start. Without, all are on time."
        ),
        examples=[{"mean": "-5 min", "sd": "10 min"}],
    )
    no_show: NoShow = Field(
        default=0.0,
        description="Share of appointments that nobody keeps; each is decided by its own draw.",
        examples=["10 %"],
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.at is not None:
            if self.every_min is not None or self.during is not None:
                raise QuantityError(("at",), "stands beside every and during; give one of them")
            if not self.at:
                raise QuantityError(("at",), "is empty: expected at least one time")
            if len(set(self.at)) < len(self.at):
                raise QuantityError(("at",), "names a slot twice; patients says how many share it")
        elif self.every_min is None or self.during is None:
            raise QuantityError((), "needs every and during, or at")
        elif self.every_min < SHORTEST_SLOT_MIN:
            shown = format_duration(self.every_min)
            raise QuantityError(("every",), f"{shown} is less than 1 min, the shortest slot")
        return self

    def slots(self) -> tuple[float, ...]:
        """Return the slots of a week in minutes since Monday 00:00, in order.

        >>> spec = AppointmentSpec(every="15 min", during="Mon 08:00-08:40")
        >>> spec.slots()
        (480.0, 495.0, 510.0)
        """
        if self.at is not None:
            return tuple(sorted(self.at))
        every_min, found = self.every_min, set()
        for opens, closes in () if self.during is None else self.during.unbroken():
            slot_min, index = opens, 0
            while every_min is not None and slot_min < closes:
                found.add(slot_min % WEEK_MIN)
                index += 1
                slot_min = opens + index * every_min
        return tuple(sorted(found))
