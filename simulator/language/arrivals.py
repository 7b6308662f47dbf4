"""When patients come, as a scenario says it: at random, by appointment, or as they once came.

Four forms, told apart by their key: `rate_per_h` or `rate_per_d`, `gap`, `appointments`, `replay`.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from simulator.language.calendar import WEEK_MIN
from simulator.language.fields import Service, Strict
from simulator.language.groups import Batch
from simulator.language.profiles import Profile
from simulator.language.replay import Replay
from simulator.language.slots import AppointmentSpec, NoShow
from simulator.quantities import QuantityError

# Assumptions: beyond them a rate is a mistake (one patient in a century, 28 in a second), and the
# gaps vanish in the rounding of times.
LEAST_PER_H: Final = 1e-6
MOST_PER_H: Final = 1e5
_NO_SHOW: Final = "Share of the patients who never come; each is decided by a draw of its own."


class PoissonArrivals(Strict):
    """Patients, or groups of them, who come independently of each other (a Poisson process)."""

    rate_per_h: float | None = Field(
        default=None,
        ge=LEAST_PER_H,
        le=MOST_PER_H,
        description=(
            "Mean number of arrivals per hour, over the whole week, nights included; with "
            "`batch` it counts groups."
        ),
        examples=[6],
    )
    rate_per_d: float | None = Field(
        default=None,
        ge=LEAST_PER_H * 24,
        le=MOST_PER_H * 24,
        description="The same per day, over all seven days; give one of the two.",
        examples=[40],
    )
    profile: Profile | None = Field(
        default=None,
        description=(
            "How the rate varies: a name, 24 factors for the hours of the day, or 168 for the "
            "hours of the week from Monday 00:00. Only their ratios count: they are scaled so "
            "that the mean over the week is the stated rate."
        ),
        examples=["weekday-clinic"],
    )
    batch: Batch | None = Field(
        default=None,
        description=(
            "How many come together: a number, `{mean: 2.5}` (geometric), or "
            "`{sizes: [1, 2], shares: [0.7, 0.3]}`. Without, each comes alone."
        ),
        examples=[{"mean": 2.5}],
    )
    no_show: NoShow = Field(default=0.0, description=_NO_SHOW, examples=["8 %"])

    @model_validator(mode="after")
    def _one_rate(self) -> Self:
        if self.rate_per_h is None and self.rate_per_d is None:
            raise QuantityError(
                (), "needs one of rate_per_h, rate_per_d, gap, appointments and replay"
            )
        if self.rate_per_h is not None and self.rate_per_d is not None:
            raise QuantityError(("rate_per_d",), "stands beside rate_per_h; give one of the two")
        return self

    @property
    def groups_per_min(self) -> float:
        """Mean number of groups per minute over the week."""
        if self.rate_per_h is not None:
            return self.rate_per_h / 60
        return (self.rate_per_d or 0.0) / 1440  # a sound one has one of the two

    @property
    def mean_rate_per_min(self) -> float:
        """Patients who come per minute, in the long run."""
        size = 1.0 if self.batch is None else self.batch.mean_size
        return self.groups_per_min * size * (1 - self.no_show)


class RenewalArrivals(Strict):
    """Patients who come one after another, the gaps between them independent."""

    gap: Service = Field(
        description="Distribution of the time from one patient to the next, or a fixed time.",
        examples=[{"gamma": {"mean": "10 min", "sd": "5 min"}}],
    )
    no_show: NoShow = Field(default=0.0, description=_NO_SHOW, examples=["8 %"])

    @model_validator(mode="after")
    def _moves_on(self) -> Self:
        if self.gap.mean_min < 60 / MOST_PER_H:
            least = f"expected at least {60 / MOST_PER_H} min"
            raise QuantityError(("gap",), f"has a mean of {self.gap.mean_min:g} min; {least}")
        return self

    @property
    def mean_rate_per_min(self) -> float:
        """Patients who come per minute, in the long run (elementary renewal theorem)."""
        return (1 - self.no_show) / self.gap.mean_min


class AppointmentArrivals(Strict):
    """Patients with an appointment, who come about then."""

    appointments: AppointmentSpec = Field(
        description="When the appointments are, and how patients keep them.",
        examples=[{"every": "15 min", "during": "Mon-Fri 08:00-16:00"}],
    )

    @property
    def mean_rate_per_min(self) -> float:
        """Patients who come per minute, over the week."""
        spec = self.appointments
        return len(spec.slots()) * spec.patients * (1 - spec.no_show) / WEEK_MIN


class ReplayArrivals(Strict):
    """Patients who come when those of a log came; after the last, nobody."""

    replay: Replay = Field(
        description="The times at which patients come: listed, or a column of a CSV file.",
        examples=[{"times": [0, 12.5, "1 h"]}],
    )
    no_show: NoShow = Field(default=0.0, description=_NO_SHOW, examples=["8 %"])

    @property
    def mean_rate_per_min(self) -> float | None:
        """Patients who come per minute between the first and the last; None without a span."""
        times = self.replay.times
        span_min = times[-1] - times[0]
        return (len(times) - 1) * (1 - self.no_show) / span_min if span_min > 0 else None


_LONE: Final[Mapping[str, str]] = {
    "gap": "<renewal>",
    "appointments": "<appointments>",
    "replay": "<replay>",
}
ARRIVAL_VARIANTS: Final[Mapping[str, type[Strict]]] = {
    "<poisson>": PoissonArrivals,
    "<renewal>": RenewalArrivals,
    "<appointments>": AppointmentArrivals,
    "<replay>": ReplayArrivals,
}


def _variant(value: object) -> str:
    fields = dict(value) if isinstance(value, BaseModel | Mapping) else {}
    return next((tag for key, tag in _LONE.items() if key in fields), "<poisson>")


ArrivalForm = PoissonArrivals | RenewalArrivals | AppointmentArrivals | ReplayArrivals
ArrivalSpec = Annotated[
    Annotated[PoissonArrivals, Tag("<poisson>")]
    | Annotated[RenewalArrivals, Tag("<renewal>")]
    | Annotated[AppointmentArrivals, Tag("<appointments>")]
    | Annotated[ReplayArrivals, Tag("<replay>")],
    Discriminator(_variant),
]
