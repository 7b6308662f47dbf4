"""Labelled cases as columns: what a stack is fitted to, and what it is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Cases with a label that counts, in canonical order: arrival, then case id."""

    case_id: tuple[str, ...]  # of n, as are all others
    at_min: NDArray[np.float64]  # arrival
    log_odds: NDArray[np.float64]  # (n, learners), nats; NaN where a learner was missing
    sketch: NDArray[np.float64]  # (n, columns)
    malignant: NDArray[np.bool_]  # as the clinic says
    referred: NDArray[np.bool_]  # whether the readers referred; False where it is not known
    p_verified: NDArray[np.float64]  # probability that the pathway verifies such a patient
    weight: NDArray[np.float64]  # inverse probability of being labelled, as used
    image: NDArray[np.intp]  # number of the picture: patients with one picture share it
    held_out: NDArray[np.bool_]  # for the gate: never fitted to, by no version
    groups: Mapping[str, tuple[str | None, ...]]  # "sex", "age_band", ... -> each case's

    def __len__(self) -> int:
        return len(self.case_id)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return some of the cases: those that are true, or those at places, in their order."""
        places = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        listed = places.tolist()
        some = {
            one.name: getattr(self, one.name)[places]
            for one in fields(self)
            if one.name not in ("case_id", "groups")
        }
        return type(self)(
            case_id=tuple(self.case_id[place] for place in listed),
            groups={
                name: tuple(values[place] for place in listed)
                for name, values in self.groups.items()
            },
            **some,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One stack's answers to the cases of an evidence."""

    p_malignant: NDArray[np.float64]  # (n,)
    threshold: float

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """Which cases it calls malignant."""
        return self.p_malignant >= self.threshold
