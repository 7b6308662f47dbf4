"""The times at which patients come, drawn from what a scenario says of arrivals.

Keyed (law 9): the n-th gap, size or no-show is the n-th number of a stream of its own. Another
rate stretches the same pattern, another share of no-shows leaves all others where they were.
"""

import math
from collections.abc import Iterator
from itertools import count
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.clinic.slot_times import appointment_times
from simulator.draws.contract import settled_all
from simulator.draws.uniforms import Uniforms
from simulator.language.arrivals import (
    AppointmentArrivals,
    ArrivalForm,
    PoissonArrivals,
    RenewalArrivals,
)
from simulator.language.calendar import WEEK_MIN
from simulator.language.groups import BatchSpec
from simulator.language.profiles import Profile, hourly_factors

# Patients drawn at once (assumption); the times do not depend on it.
BLOCK: Final = 4096

Floats = NDArray[np.float64]


class Arrival(NamedTuple):
    """One patient's coming."""

    at_min: float  # since the run's start, rounded to a millionth
    number: int  # which of the stream's patients, from 0, those who never come counted (law 9)
    due_min: float | None = None  # the appointment; None for those who have none


def arrival_times(
    spec: ArrivalForm, seed: int, replication: int, name: str, start_min: float = 0.0
) -> Iterator[Arrival]:
    """Yield who comes in the order of coming: without end, unless a replay's log ends.

    Parameters:
        spec: the scenario's `arrivals`.
        seed: of the scenario.
        replication: from 0.
        name: of the patient class; each has streams of its own.
        start_min: when in the week the run starts, minutes since Monday 00:00.
    """
    key = f"arrivals.{name}"
    if isinstance(spec, AppointmentArrivals):
        blocks = appointment_times(spec.appointments, seed, replication, key, start_min)
        for at_min, number, due_min in blocks:
            yield from map(Arrival, at_min.tolist(), number.tolist(), due_min.tolist())
        return
    if isinstance(spec, PoissonArrivals):
        times = _poisson(spec, seed, replication, key, start_min)
    elif isinstance(spec, RenewalArrivals):
        times = _renewal(spec, Uniforms(seed, replication, key))
    else:
        times = iter([np.array(spec.replay.times)])
    shows, patient = Uniforms(seed, replication, f"{key}.no_show"), 0
    for block in times:
        at_min = settled_all(block)
        number = np.arange(patient, patient + len(at_min))
        patient += len(at_min)
        if spec.no_show > 0:
            comes = shows.block(int(number[0]), len(at_min)) >= spec.no_show
            at_min, number = at_min[comes], number[comes]
        yield from map(Arrival, at_min.tolist(), number.tolist())


def _poisson(
    spec: PoissonArrivals, seed: int, replication: int, key: str, start_min: float
) -> Iterator[Floats]:
    """Yield blocks of the patients' times, (n,) minutes; those of a group are equal.

    The times of a process of rate 1 go through the inverse of the cumulative rate (Çinlar 1975,
    Introduction to Stochastic Processes, section 4.7). Inversion, unlike thinning (Lewis and
    Shedler 1979, doi:10.1002/nav.3800260304), throws no draw away, so draws keep their number.
    """
    gaps = Uniforms(seed, replication, key)
    sizes = Uniforms(seed, replication, f"{key}.batch")
    passed = 0.0
    for first in count(step=BLOCK):
        # Rounded here: logarithms differ in the last digits between machines, while sums and
        # quotients of equal numbers do not (law 5).
        unit = np.round(-np.log(gaps.block(first, BLOCK)), 9)
        since_start = np.cumsum(np.concatenate([[passed], unit]))[1:]
        passed = float(since_start[-1])
        at_min = _clock_times(since_start / spec.groups_per_min, spec.profile, start_min)
        if spec.batch is not None:
            at_min = np.repeat(at_min, _sizes(spec.batch, sizes.block(first, BLOCK)))
        yield at_min


def _clock_times(mean_min: Floats, profile: Profile | None, start_min: float) -> Floats:
    """Return when as many arrivals are due as the mean rate brings in `mean_min` minutes.

    Parameters:
        mean_min: (n,) minutes at the mean rate.
        profile: shape of the week; None for a constant rate.
        start_min: minutes since Monday 00:00 at time 0.
    """
    if profile is None:
        return mean_min
    factors = hourly_factors(profile)
    passed = np.concatenate([[0.0], np.cumsum(factors * 60)])  # at the full hours of the week
    hour = int(start_min // 60) % len(factors)
    before = passed[hour] + (start_min % 60) * factors[hour]
    weeks, rest = np.divmod(mean_min + before, passed[-1])
    # The last hour that begins with no more than this passed: never one of rate 0.
    hours = np.searchsorted(passed, rest, side="right") - 1
    return np.asarray(
        weeks * WEEK_MIN + hours * 60.0 + (rest - passed[hours]) / factors[hours] - start_min
    )


def _sizes(batch: BatchSpec, uniforms: Floats) -> NDArray[np.int64]:
    """Return the sizes of groups, (n,), by inversion of their distribution."""
    if batch.mean is not None:
        if batch.mean == 1:
            return np.ones(len(uniforms), dtype=np.int64)
        # P(size > k) = (1 - 1/mean)^k
        return np.asarray(1 + np.log(uniforms) / math.log1p(-1 / batch.mean), dtype=np.int64)
    if batch.sizes is not None and batch.shares is not None:
        bounds = np.cumsum(batch.shares)[:-1]
        return np.array(batch.sizes)[np.searchsorted(bounds, uniforms, side="right")]
    return np.full(len(uniforms), batch.size)


def _renewal(spec: RenewalArrivals, gaps: Uniforms) -> Iterator[Floats]:
    """Yield blocks of times, (n,) minutes; the first patient comes after the first gap."""
    passed = 0.0
    for first in count(step=BLOCK):
        drawn = spec.gap.from_uniform(gaps.block(first, BLOCK))
        at_min = np.cumsum(np.concatenate([[passed], drawn]))[1:]
        passed = float(at_min[-1])
        yield at_min
