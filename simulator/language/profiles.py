"""How arrivals spread over the week: a factor for each hour, whose mean is 1.

The named profiles are assumptions: they have the shape that planners draw, not one that was
measured. Whoever has counts by the hour writes them as a list.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainValidator

from simulator.quantities import QuantityError

HOURS: Final = 168  # of a week, the first from Monday 00:00

ProfileName = Literal["weekday-clinic", "six-day-clinic", "emergency"]

_CLOSED: Final = (0.0,) * 24
# 08:00-17:00, fuller in the morning, thin at noon (assumption).
_CLINIC: Final = (*(0.0,) * 8, 1.2, 1.4, 1.3, 1.1, 0.5, 1.0, 1.0, 0.9, 0.6, *(0.0,) * 7)
_MORNING: Final = (*(0.0,) * 8, 1.0, 1.2, 1.0, 0.8, *(0.0,) * 12)  # 08:00-12:00 (assumption)
# Least before dawn, most before noon, high until the evening (assumption).
_EMERGENCY: Final = (
    *(0.55, 0.45, 0.40, 0.35, 0.35, 0.40, 0.50, 0.75),
    *(1.05, 1.30, 1.50, 1.50, 1.40, 1.35, 1.35, 1.30),
    *(1.30, 1.35, 1.35, 1.30, 1.20, 1.05, 0.90, 0.70),
)
NAMED: Final[Mapping[str, tuple[float, ...]]] = {
    "weekday-clinic": (*_CLINIC * 5, *_CLOSED * 2),
    "six-day-clinic": (*_CLINIC * 5, *_MORNING, *_CLOSED),
    "emergency": _EMERGENCY,
}


def parse_profile(value: object) -> str | tuple[float, ...]:
    """Return the name of a profile, or its factors as they were given.

    Raises:
        QuantityError: no such name, or not 24 or 168 numbers of 0 or more that are not all 0.
    """
    if isinstance(value, str) and value in NAMED:
        return value
    accepted = f"{', '.join(NAMED)}, or a list of 24 (a day) or {HOURS} (a week) factors"
    if not isinstance(value, list | tuple):
        raise QuantityError((), f"{value!r} is no profile; accepted is {accepted}")
    if len(value) not in (24, HOURS):
        raise QuantityError((), f"has {len(value)} factors; accepted is {accepted}")
    for index, factor in enumerate(value):
        number = isinstance(factor, int | float) and not isinstance(factor, bool)
        if not number or not 0 <= factor < float("inf"):
            raise QuantityError((str(index),), f"{factor!r} is no factor: expected 0 or more")
    if not any(value):
        raise QuantityError((), "all factors are 0: nobody would ever come")
    return tuple(float(factor) for factor in value)


def hourly_factors(profile: str | tuple[float, ...] | None) -> NDArray[np.float64]:
    """Return the factors of the 168 hours of the week, (168,) float64 with mean 1.

    A day's factors hold on all seven days; None is the same rate at all times.

    >>> factors = hourly_factors("weekday-clinic")
    >>> round(float(factors.mean()), 12), float(factors[7]), float(factors[24 * 5 + 9])
    (1.0, 0.0, 0.0)
    """
    given = NAMED[profile] if isinstance(profile, str) else profile
    factors = np.array(given if given is not None else [1.0] * 24)
    week = np.tile(factors, HOURS // len(factors))
    # Divided by the largest first, so that no sum of huge factors overflows.
    week = week / week.max()
    return np.asarray(week / (math.fsum(week) / HOURS))


Profile = Annotated[
    str | tuple[float, ...],
    PlainValidator(parse_profile, json_schema_input_type=ProfileName | list[float]),
]
assert set(NAMED) == set(get_args(ProfileName))
