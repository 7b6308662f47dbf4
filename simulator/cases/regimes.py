"""Which shifts a patient is in: everybody is in a shift or not, whatever its ramp (law 9).

Each shift has a uniform number for every patient. The patient is in it if the number is below the
share that the shift reaches when the patient comes; so a longer ramp or another onset moves some
patients over and leaves all else about everyone as it was.
"""

from collections.abc import Sequence
from functools import cache

from simulator.draws.uniforms import Uniforms
from simulator.language.populations import PopulationSpec
from simulator.language.shifts import ShiftSpec

Regime = tuple[int, ...]  # places of the shifts that a patient is in, rising
NO_SHIFT: Regime = ()


class Regimes:
    """Tells the regime of each patient of a class.

    Parameters:
        shifts: of the scenario, in its order.
        names: of the shifts; part of the keys of their draws.
        patient_class: id of the class.

    >>> onset = ShiftSpec.model_validate({"at": "1 d", "image": {"defocus": 3}})
    >>> regimes = Regimes([onset], ["blur"], 1, 0, "patient")
    >>> regimes.of(0, at_min=1439.0), regimes.of(0, at_min=1440.0)
    ((), (0,))
    """

    def __init__(
        self,
        shifts: Sequence[ShiftSpec],
        names: Sequence[str],
        seed: int,
        replication: int,
        patient_class: str,
    ) -> None:
        self._shifts = [
            (place, shift, Uniforms(seed, replication, f"shift.{name}.{patient_class}"))
            for place, (shift, name) in enumerate(zip(shifts, names, strict=True))
        ]

    def of(self, key: int, at_min: float) -> Regime:
        """Return the shifts that a patient who comes at a time is in."""
        found = []
        for place, shift, uniforms in self._shifts:
            reached = shift.reached_at(at_min)
            if reached > 0 and uniforms[key] < reached:
                found.append(place)
        return tuple(found)


class Populations:
    """The population of each regime: the base with the changes of its shifts, in their order."""

    def __init__(self, base: PopulationSpec, shifts: Sequence[ShiftSpec]) -> None:
        self._base, self._shifts = base, shifts
        self.of = cache(self._of)

    def _of(self, regime: Regime) -> PopulationSpec:
        spec = self._base
        for place in regime:
            change = self._shifts[place].population
            if change is not None:
                spec = change.applied_to(spec)
        return spec


def severities_of(regime: Regime, shifts: Sequence[ShiftSpec]) -> dict[str, int]:
    """Return how the images of a regime are taken: where two shifts name a kind, the later one."""
    found: dict[str, int] = {}
    for place in regime:
        found.update({str(name): severity for name, severity in shifts[place].image.items()})
    return found
