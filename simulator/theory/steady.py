"""What exact queueing theory says of a station, and how it refuses what has no answer."""

import math
from dataclasses import dataclass


class Impossible(ValueError):  # noqa: N818  the name completes the sentence "raises Impossible"
    """An argument that no queue can have. Arguments: name, value, what was expected."""

    def __str__(self) -> str:
        name, value, expected = self.args
        return f"{name}={value!r}: expected {expected}"


class Unstable(ValueError):  # noqa: N818  the field's own word
    """Work comes faster than it is done: no steady state. Arguments: station, load per server."""

    def __str__(self) -> str:
        station, load = self.args
        return f"{station} has no steady state: load per server {load!r}, expected below 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """A station in steady state. Times are in the unit of time that the rates were given in.

    Little's law holds twice: `number` is `time` times the rate of those who enter, and `queue` is
    `wait_all` times that rate (J. D. C. Little 1961, Operations Research 9(3), 383-387).
    A field is None where the model does not define it.
    """

    wait: float | None = None  # Wq: mean wait of those who are served
    wait_all: float | None = None  # mean wait of all who enter, those who leave unserved included
    queue: float | None = None  # Lq: mean number waiting
    time: float | None = None  # W: mean time in the station of all who enter
    number: float | None = None  # L: mean number in the station
    utilisation: float | None = None  # share of the servers' time that is spent in service
    delayed: float | None = None  # probability that one who enters has to wait
    blocked: float = 0.0  # share of arrivals lost because the room is full
    reneged: float = 0.0  # share of arrivals who lose patience and leave unserved


def patient(
    arrival_rate: float, mean_service: float, servers: float, wait: float, delayed: float | None
) -> Steady:
    """Return the station whose every arrival is served after `wait` on average.

    Parameters:
        arrival_rate: per unit of time.
        mean_service: in units of time.
        servers: how many; infinity is allowed.
        wait: mean wait in queue, in units of time.
        delayed: probability of waiting, or None.
    """
    return Steady(
        wait=wait,
        wait_all=wait,
        queue=arrival_rate * wait,
        time=wait + mean_service,
        number=arrival_rate * (wait + mean_service),
        utilisation=arrival_rate * mean_service / servers,
        delayed=delayed,
    )


def positive(name: str, value: float) -> float:
    """Return a finite number above 0, or raise Impossible.

    >>> positive("arrival_rate", -1.0)
    Traceback (most recent call last):
    simulator.theory.steady.Impossible: arrival_rate=-1.0: expected a finite number above 0
    """
    if not (value > 0 and math.isfinite(value)):
        raise Impossible(name, value, "a finite number above 0")
    return float(value)


def nonnegative(name: str, value: float) -> float:
    """Return a finite number, 0 or more, or raise Impossible."""
    if not (value >= 0 and math.isfinite(value)):
        raise Impossible(name, value, "a finite number, 0 or more")
    return float(value)


def share(name: str, value: float) -> float:
    """Return a number from 0 to 1, or raise Impossible."""
    if not 0 <= value <= 1:
        raise Impossible(name, value, "a number from 0 to 1")
    return float(value)


def count(name: str, value: int, least: int = 1) -> int:
    """Return a whole number of at least `least`, or raise Impossible."""
    if not (value >= least and value == int(value)):
        raise Impossible(name, value, f"a whole number, {least} or more")
    return int(value)


def stable(station: str, load: float) -> float:
    """Return the load per server when it is below 1, or raise Unstable."""
    if not load < 1:
        raise Unstable(station, load)
    return load
