"""When patients with appointments come."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.draws.contract import settled_all
from simulator.draws.uniforms import Uniforms
from simulator.language.calendar import WEEK_MIN
from simulator.language.slots import CUT_SDS, AppointmentSpec, PunctualitySpec

# Appointments drawn at once (assumption); the times do not depend on it.
BLOCK: Final = 1024

# How a patient's number is made of slot and place: eight places lie side by side, the next eight
# further off than any run has slots. Draws come in blocks, and so few of them serve everyone.
BESIDE: Final = 8
BEYOND: Final = 2**32

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def appointment_times(
    spec: AppointmentSpec, seed: int, replication: int, key: str, start_min: float
) -> Iterator[tuple[Floats, Numbers, Floats]]:
    """Yield blocks of (arrivals, numbers, appointments), shape (n,), without end.

    Times are in minutes since the run's start. A patient's number tells slot and place apart.

    In the order of arrival over all blocks. Appointments before the run's start are left out,
    whoever is early for the first ones comes at time 0. Each draw belongs to its slot, counted
    from the Monday of the first week, and to its place among the slot's patients: one patient
    more for each slot leaves the others alone.

    Parameters:
        spec: slots, punctuality and no-shows.
        seed: of the scenario.
        replication: from 0.
        key: prefix of the streams' names.
        start_min: minutes since Monday 00:00 at time 0, below a week.
    """
    week = np.array(spec.slots())
    shifts = [Uniforms(seed, replication, f"{key}.punctuality.{p}") for p in range(spec.patients)]
    shows = [Uniforms(seed, replication, f"{key}.no_show.{p}") for p in range(spec.patients)]
    size = max(1, BLOCK // spec.patients)
    slot = int(np.searchsorted(week, start_min))
    # Drawn, but others may come before.
    at_min, due_min, number = np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)
    further, beside = np.divmod(np.arange(spec.patients), BESIDE)
    place = further * BEYOND + beside
    while True:
        weeks, places = np.divmod(np.arange(slot, slot + size + 1), len(week))
        slots_min = weeks * WEEK_MIN + week[places] - start_min
        due = np.repeat(slots_min[:-1, np.newaxis], spec.patients, axis=1)
        at = due
        numbers = BESIDE * np.arange(slot, slot + size)[:, np.newaxis] + place
        if spec.punctuality is not None:
            drawn = np.stack([uniforms.block(slot, size) for uniforms in shifts], axis=1)
            at = np.maximum(0.0, due + _offsets(drawn, spec.punctuality))
        if spec.no_show > 0:
            drawn = np.stack([uniforms.block(slot, size) for uniforms in shows], axis=1)
            comes = drawn >= spec.no_show
            due, at, numbers = due[comes], at[comes], numbers[comes]
        at_min = np.concatenate([at_min, settled_all(at.ravel())])
        due_min = np.concatenate([due_min, settled_all(due.ravel())])
        number = np.concatenate([number, numbers.ravel()])
        order = np.argsort(at_min, kind="stable")
        at_min, number, due_min = at_min[order], number[order], due_min[order]
        # Nobody with a later appointment can come before this.
        ready = int(np.searchsorted(at_min, slots_min[-1] - _earliest(spec.punctuality)))
        yield at_min[:ready], number[:ready], due_min[:ready]
        at_min, number, due_min = at_min[ready:], number[ready:], due_min[ready:]
        slot += size


def _offsets(uniforms: Floats, punctuality: PunctualitySpec) -> Floats:
    """Return minutes after the appointment, negative before, by inversion of the normal."""
    from scipy.special import ndtri

    deviates = np.clip(ndtri(uniforms), -CUT_SDS, CUT_SDS)
    # Rounded, since maths libraries of different machines differ in the last digits (law 5).
    return np.asarray(punctuality.mean_min + settled_all(deviates * punctuality.sd_min))


def _earliest(punctuality: PunctualitySpec | None) -> float:
    """Return how many minutes before the appointment a patient can come at most."""
    if punctuality is None:
        return 0.0
    # A little more than the bound itself, for the rounding of the times.
    return CUT_SDS * punctuality.sd_min - punctuality.mean_min + 1e-5
