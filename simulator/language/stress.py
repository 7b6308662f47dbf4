"""A stress run: the load that is put on a twin that is up, and what keeping up means."""

from collections.abc import Iterator
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from simulator.language.fields import Duration, PositiveDuration, Share, Strict
from simulator.language.rate_curves import RateCurve
from simulator.quantities import QuantityError, format_duration, seconds

_MS_PER_MIN: Final = 60_000.0
_MOST_PER_S: Final = 100_000.0  # assumption: more is a slip of the hand
_LONGEST_MIN: Final = 7 * 1440.0  # assumption: so is a load of more than a week
_MOST_WORKERS: Final = 64  # assumption: no machine of ours has more cores

Rate = Annotated[float, Field(gt=0, le=_MOST_PER_S)]  # cases per second


class _Timed(Strict):
    for_min: PositiveDuration = Field(alias="for", description="How long the load lasts.")

    @property
    def length_s(self) -> float:
        """How long the load lasts."""
        return seconds(self.for_min)

    @model_validator(mode="after")
    def _not_for_ever(self) -> Self:
        if self.for_min > _LONGEST_MIN:
            reason = f"expected at most {format_duration(_LONGEST_MIN)}"
            raise QuantityError(("for",), f"{reason}, got {format_duration(self.for_min)}")
        return self


class ConstantProfile(_Timed):
    """One rate."""

    rate_per_s: Rate = Field(description="Cases per second.")

    def curve(self) -> RateCurve:
        """Return the rate over time."""
        return RateCurve.steady(self.rate_per_s, self.length_s)


class SoakProfile(ConstantProfile):
    """One rate for so long that what leaks is seen."""


class RampProfile(_Timed):
    """A rate that rises, or falls, in a straight line."""

    from_per_s: Rate = Field(description="Cases per second at the begin.")
    to_per_s: Rate = Field(description="Cases per second at the end.")

    def curve(self) -> RateCurve:
        """Return the rate over time."""
        return RateCurve.through((0.0, self.from_per_s), (self.length_s, self.to_per_s))


class SpikeProfile(_Timed):
    """A rate that is much higher for a while."""

    base_per_s: Rate = Field(description="Cases per second, before and after.")
    peak_per_s: Rate = Field(description="Cases per second in the spike.")
    at_min: PositiveDuration = Field(alias="at", description="When the spike begins.")
    last_min: PositiveDuration = Field(alias="last", description="How long the spike lasts.")

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.peak_per_s <= self.base_per_s:
            reason = f"{self.peak_per_s:g} is not more than base_per_s, {self.base_per_s:g}"
            raise QuantityError(("peak_per_s",), reason)
        if self.at_min + self.last_min >= self.for_min:
            ends = format_duration(self.at_min + self.last_min)
            reason = f"the spike ends at {ends}, not before the load does"
            raise QuantityError(("for",), f"{reason}: {format_duration(self.for_min)}; give more")
        return self

    def curve(self) -> RateCurve:
        """Return the rate over time."""
        at_s, end_s = seconds(self.at_min), seconds(self.at_min + self.last_min)
        base, peak = self.base_per_s, self.peak_per_s
        return RateCurve.through(
            *((0.0, base), (at_s, base), (at_s, peak)),
            *((end_s, peak), (end_s, base), (self.length_s, base)),
        )


class KneeProfile(Strict):
    """Steps of one rate each, until the highest at which the twin keeps up is known."""

    from_per_s: Rate = Field(description="Cases per second to begin with.")
    to_per_s: Rate = Field(description="Cases per second at most.")
    hold_min: PositiveDuration = Field(
        default=20 / 60, alias="hold", description="How long each step lasts."
    )
    precision: Share = Field(
        default=0.05, description="How near the knee must be known, as a share of it."
    )

    @property
    def hold_s(self) -> float:
        """How long each step lasts."""
        return seconds(self.hold_min)

    def step(self, rate_per_s: float) -> RateCurve:
        """Return the load of one step."""
        return RateCurve.steady(rate_per_s, self.hold_s)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.to_per_s <= self.from_per_s:
            reason = f"{self.to_per_s:g} is not more than from_per_s, {self.from_per_s:g}"
            raise QuantityError(("to_per_s",), reason)
        if not 0.005 <= self.precision <= 0.5:  # assumption: nothing finer can be measured
            reason = f"expected from 0.5 % to 50 %, got {self.precision:g}"
            raise QuantityError(("precision",), reason)
        return self


class ProfileSpec(Strict):
    """How the rate goes: exactly one of the keys."""

    constant: ConstantProfile | None = Field(default=None, description="One rate.")
    ramp: RampProfile | None = Field(default=None, description="From one rate to another.")
    spike: SpikeProfile | None = Field(default=None, description="Much more for a while.")
    soak: SoakProfile | None = Field(
        default=None, description="One rate for long: does anything leak, does the lag grow?"
    )
    knee: KneeProfile | None = Field(
        default=None, description="The highest rate at which the twin keeps up is looked for."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in PROFILES if getattr(self, name) is not None]
        if len(given) != 1:
            got = " and ".join(given) if given else "none"
            reason = f"expected exactly one of {', '.join(PROFILES)}, got {got}"
            raise QuantityError(tuple(given[1:2]), reason)
        return self

    @property
    def kind(self) -> str:
        """Which one it is."""
        return next(name for name in PROFILES if getattr(self, name) is not None)

    def curve(self) -> RateCurve:
        """Return the rate over time.

        Raises:
            ValueError: for a knee, whose steps depend on how the twin does.
        """
        for one in (self.constant, self.ramp, self.spike, self.soak):
            if one is not None:
                return one.curve()
        raise ValueError("a knee has no rate of its own: whoever looks for it makes the steps")

    @property
    def length_s(self) -> float:
        """How long the load lasts; raises as `curve` does."""
        return self.curve().length_s

    def rate_at(self, t_s: float) -> float:
        """Return cases per second at a time from the start of the load; raises as `curve` does."""
        return self.curve().rate_at(t_s)

    def send_times_s(self) -> Iterator[float]:
        """Yield when each case is to be sent, from the start of the load; raises as `curve`."""
        return self.curve().send_times_s()


PROFILES: Final = tuple(ProfileSpec.model_fields)


class ObjectiveSpec(Strict):
    """Latencies that must not be exceeded, from when a case was to be sent to its verdict."""

    p50_min: PositiveDuration | None = Field(default=None, alias="p50", description="The median.")
    p90_min: PositiveDuration | None = Field(default=None, alias="p90", description="Of 90 %.")
    p95_min: PositiveDuration | None = Field(default=None, alias="p95", description="Of 95 %.")
    p99_min: PositiveDuration | None = Field(default=None, alias="p99", description="Of 99 %.")
    p999_min: PositiveDuration | None = Field(default=None, alias="p999", description="Of 99.9 %.")
    max_min: PositiveDuration | None = Field(default=None, alias="max", description="Of all.")

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.limits_ms():
            raise QuantityError((), "limits nothing: give such as {p99: 2 s}")
        return self

    def limits_ms(self) -> dict[str, float]:
        """Return the metrics that are limited, such as latency.p99_ms, and their limits."""
        given = {name.removesuffix("_min"): value for name, value in self if value is not None}
        return {
            f"latency.{name}_ms": round(value * _MS_PER_MIN, 6) for name, value in given.items()
        }


class ShedSpec(Strict):
    """Which cases are not sent when the twin does not keep up: the least urgent first, by class."""

    above_min: PositiveDuration = Field(
        alias="above",
        description="Expected wait from which on the least urgent are shed; twice it for the next.",
    )
    keep: Share = Field(
        default=0.5, description="Share of that wait below which they are let in again."
    )

    @property
    def above_s(self) -> float:
        """Expected wait from which on cases are shed."""
        return seconds(self.above_min)


class StressSpec(Strict):
    """A load that does not wait for the twin (an open loop), on the wall clock."""

    profile: ProfileSpec = Field(description="How many cases are sent, and when.")
    warmup_min: Duration = Field(
        default=0.0,
        alias="warmup",
        description="Left out of the figures, from the start of the load, or of each step of a "
        "knee.",
    )
    objective: ObjectiveSpec = Field(
        default=ObjectiveSpec.model_validate({"p99": "2 s"}),
        description="What keeping up means, for the knee.",
    )
    shed: ShedSpec | None = Field(
        default=None, description="What is shed under overload; without, nothing is."
    )
    workers: int = Field(
        default=1, ge=1, le=_MOST_WORKERS, description="Workers that share the cases."
    )

    @property
    def warmup_s(self) -> float:
        """Left out of the figures, from the start of the load or of each step of a knee."""
        return seconds(self.warmup_min)
