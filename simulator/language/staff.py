"""Who works when: a number of people, a weekly roster, and absences from it."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.language.calendar import WEEK_MIN, Weekly, WeeklyWindows
from simulator.language.fields import Count, Duration, PositiveDuration, Strict
from simulator.quantities import QuantityError


class DutySpec(Strict):
    """One line of a roster."""

    during: WeeklyWindows = Field(
        description="Weekly windows of this duty.", examples=["Mon-Fri 08:00-17:00"]
    )
    count: Count | None = Field(
        default=None,
        description="People on this duty; without, the group's `count`.",
        examples=[2],
    )


class AbsenceSpec(Strict):
    """People who are away for a while, on leave or ill."""

    from_min: Duration = Field(
        alias="from", description="Time since the run's start.", examples=["2 d"]
    )
    for_min: PositiveDuration = Field(alias="for", description="How long.", examples=["3 d"])
    count: Count = Field(default=1, description="People who are away.", examples=[1])


def _duties(value: object) -> object:
    return [{"during": value}] if isinstance(value, str | Weekly) else value


class StaffSpec(Strict):
    """A group of people of whom any one can do the work."""

    count: Count | None = Field(
        default=None,
        description="People on duty, at all times or as the roster says.",
        examples=[2],
    )
    roster: Annotated[
        tuple[DutySpec, ...] | None,
        Field(strict=False),
        BeforeValidator(_duties, json_schema_input_type=str | list[DutySpec] | None),
    ] = Field(
        default=None,
        description=(
            "When they are on duty: weekly windows, or a list of duties with a count each, "
            "added up where they overlap. At all other times nobody is."
        ),
        examples=["Mon-Fri 08:00-17:00"],
    )
    absent: Annotated[tuple[AbsenceSpec, ...], Field(strict=False)] = Field(
        default=(),
        description="Who is away when; while more are away than on duty, nobody is there.",
        examples=[[{"from": "2 d", "for": "3 d", "count": 1}]],
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.roster == ():
            raise QuantityError(("roster",), "is empty: expected at least one duty")
        counts = [None] if self.roster is None else [duty.count for duty in self.roster]
        if self.count is None and None in counts:
            raise QuantityError(("count",), "is required, or a count for each duty of the roster")
        if self.count is not None and None not in counts:
            reason = "is not used: each duty of the roster has a count of its own"
            raise QuantityError(("count",), reason)
        for index, absence in enumerate(self.absent):
            if absence.count > self.peak:
                reason = f"{absence.count} cannot be away: there are never more than {self.peak}"
                raise QuantityError(("absent", str(index), "count"), reason)
        return self

    def levels(self) -> tuple[tuple[float, int], ...]:
        """Return the roster's steps in a week: (minute since Monday 00:00, people from then on).

        The first step is at 0, neighbours differ, absences are not taken off.

        >>> StaffSpec(count=2, roster="Mon 08:00-12:00").levels()
        ((0.0, 0), (480.0, 2), (720.0, 0))
        """
        if self.roster is None:
            return ((0.0, self.count or 0),)
        changes: dict[float, int] = {0.0: 0}
        for duty in self.roster:
            people = duty.count or self.count or 0  # a sound roster has one of the two
            for opens, closes in duty.during.windows:
                changes[opens] = changes.get(opens, 0) + people
                changes[closes] = changes.get(closes, 0) - people
        steps: list[tuple[float, int]] = []
        people = 0
        for minute in sorted(minute for minute in changes if minute < WEEK_MIN):
            people += changes[minute]
            if not steps or steps[-1][1] != people:
                steps.append((minute, people))
        return tuple(steps)

    @property
    def peak(self) -> int:
        """The most people that the roster ever has on duty at once."""
        return max(people for _, people in self.levels())


def mean_capacity(spec: StaffSpec) -> float:
    """Return the mean number of people on duty over the week, absences not taken off.

    >>> mean_capacity(StaffSpec(count=2, roster="daily 08:00-20:00"))
    1.0
    """
    steps = [*spec.levels(), (WEEK_MIN, 0)]
    minutes = sum(people * (until - since) for (since, people), (until, _) in pairwise(steps))
    return minutes / WEEK_MIN


def staff_group(value: object) -> object:
    """Return the mapping that a bare number stands for: so many people at all times."""
    return {"count": value} if isinstance(value, int) else value


Staff = Annotated[StaffSpec, BeforeValidator(staff_group, json_schema_input_type=Count | StaffSpec)]
