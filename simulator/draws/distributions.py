"""How long things take: distributions of a duration, stated in the terms people measure.

Formulas: N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions, 2nd ed.,
Wiley, vol. 1 (1994; log-normal: chapter 14, gamma: 17, exponential: 19) and vol. 2 (1995;
triangular: chapter 26).
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from simulator.language.quantities import QuantityError, format_duration, parse_duration, settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Always the same."""

    value_min: float  # 0 or more

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return self.value_min

    def draw(self, generator: np.random.Generator) -> float:  # noqa: ARG002 one contract for all
        """Return the value, in minutes."""
        return self.value_min


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Without memory: how long it still takes does not depend on how long it took."""

    mean_min: float  # above 0

    def __post_init__(self) -> None:
        _require_positive("mean", self.mean_min)

    def draw(self, generator: np.random.Generator) -> float:
        """Return one draw, in minutes."""
        return settled(generator.exponential(self.mean_min))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lognormal:
    """Skewed, with a long tail; mean and standard deviation are those of the duration itself."""

    mean_min: float  # above 0
    sd_min: float  # above 0

    def __post_init__(self) -> None:
        _require_positive("mean", self.mean_min)
        _require_positive("sd", self.sd_min)

    def draw(self, generator: np.random.Generator) -> float:
        """Return one draw, in minutes.

        The logarithm has variance ln(1 + sd²/mean²) and mean ln(mean) less half that variance.
        """
        variance = math.log1p((self.sd_min / self.mean_min) ** 2)
        centre = math.log(self.mean_min) - variance / 2
        return settled(generator.lognormal(centre, math.sqrt(variance)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangular:
    """An expert's guess: at least, most likely, at most."""

    low_min: float  # 0 or more
    mode_min: float  # from low to high
    high_min: float  # above low

    def __post_init__(self) -> None:
        if self.low_min == self.high_min:
            raise QuantityError(("high",), "is equal to low; write a constant instead")
        if not self.low_min <= self.mode_min <= self.high_min:
            raise QuantityError((), "expected low <= mode <= high")

    @property
    def mean_min(self) -> float:
        """Mean in minutes: a third of the sum of the three."""
        return (self.low_min + self.mode_min + self.high_min) / 3

    def draw(self, generator: np.random.Generator) -> float:
        """Return one draw, in minutes."""
        return settled(generator.triangular(self.low_min, self.mode_min, self.high_min))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gamma:
    """Skewed, with a lighter tail than the log-normal; an Erlang when mean²/sd² is whole."""

    mean_min: float  # above 0
    sd_min: float  # above 0

    def __post_init__(self) -> None:
        _require_positive("mean", self.mean_min)
        _require_positive("sd", self.sd_min)

    def draw(self, generator: np.random.Generator) -> float:
        """Return one draw, in minutes: shape mean²/sd², scale sd²/mean."""
        shape = (self.mean_min / self.sd_min) ** 2
        return settled(generator.gamma(shape, self.mean_min / shape))


Distribution = Constant | Exponential | Lognormal | Triangular | Gamma

# A distribution's name in a scenario; its parameters are its fields without their unit.
DISTRIBUTIONS: Final[Mapping[str, type[Distribution]]] = {
    kind.__name__.lower(): kind for kind in (Constant, Exponential, Lognormal, Triangular, Gamma)
}


def from_plain(value: object) -> Distribution:
    """Return the distribution that a scenario's value names; a bare duration is a constant.

    Raises:
        QuantityError: not a distribution, with the path to the part at fault.

    >>> from_plain({"lognormal": {"mean": "6 min", "sd": "2 min"}})
    Lognormal(mean_min=6.0, sd_min=2.0)
    >>> from_plain("30 s")
    Constant(value_min=0.5)
    """
    if not isinstance(value, Mapping):
        return Constant(value_min=parse_duration(value))
    if len(value) != 1:
        known = ", ".join(DISTRIBUTIONS)
        raise QuantityError((), f"expected exactly one of {known}, got {len(value)} keys")
    [(name, given)] = value.items()
    if name not in DISTRIBUTIONS:
        reason = f"no such distribution{nearest(name, DISTRIBUTIONS)}"
        raise QuantityError((name,), f"{reason}; there are {', '.join(DISTRIBUTIONS)}")
    if name == "constant":
        return Constant(value_min=_duration((name,), given))
    kind = DISTRIBUTIONS[name]
    wanted = [field.name.removesuffix("_min") for field in fields(kind)]
    if not isinstance(given, Mapping):
        raise QuantityError((name,), f"expected a mapping with {', '.join(wanted)}, got {given!r}")
    for key in given:
        if key not in wanted:
            raise QuantityError((name, key), f"unknown key{nearest(key, wanted)}")
    for key in wanted:
        if key not in given:
            raise QuantityError((name, key), "is required")
    values = {f"{key}_min": _duration((name, key), given[key]) for key in wanted}
    try:
        return kind(**values)
    except QuantityError as error:
        path, reason = error.args
        raise QuantityError((name, *path), reason) from error


def to_plain(distribution: Distribution) -> dict[str, object]:
    """Return the scenario's value that `from_plain` turns into `distribution`.

    >>> to_plain(Exponential(mean_min=90.0))
    {'exponential': {'mean': '90 min'}}
    """
    name = type(distribution).__name__.lower()
    if isinstance(distribution, Constant):
        return {name: format_duration(distribution.value_min)}
    values = {
        field.name.removesuffix("_min"): format_duration(getattr(distribution, field.name))
        for field in fields(distribution)
    }
    return {name: values}


def nearest(word: object, valid: Mapping[str, object] | list[str]) -> str:
    """Return ", did you mean …?" with the nearest valid word, or nothing if none is near.

    >>> nearest("lognorml", ["gamma", "lognormal"])
    ", did you mean 'lognormal'?"
    """
    # Cut-off 0.5 (assumption): near enough that 'rate' finds 'rate_per_h'.
    close = difflib.get_close_matches(str(word), list(valid), n=1, cutoff=0.5)
    return f", did you mean {close[0]!r}?" if close else ""


def _duration(path: tuple[str, ...], value: object) -> float:
    try:
        return parse_duration(value)
    except QuantityError as error:
        raise QuantityError(path, error.args[1]) from error


def _require_positive(name: str, value_min: float) -> None:
    if not value_min > 0:
        reason = f"must be above 0, got {format_duration(value_min)}; write a constant instead"
        raise QuantityError((name,), reason)
