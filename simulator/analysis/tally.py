"""What the AI's verdicts came to among some patients, as sums that can be added and taken apart.

Sums of several replications or spells are figures of all of them together. The area under the ROC
curve is then a share of the pairs of a malignant and a benign patient of one sum: patients of two
replications, or of two spells, are never held against each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from simulator.analysis.frames import Floats, Mask
from twin.evaluate import auc, calibration_gaps

FIGURES: Final = (
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "auc",
    "calibration_error",
    "brier",
)
_DIGITS: Final = 12  # significant, of a kept sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts and sums over patients whom the AI answered."""

    n: int = 0
    malignant: int = 0
    hits: int = 0  # malignant and flagged
    alarms: int = 0  # benign and flagged
    won: float = 0.0  # pairs in which the malignant patient has the higher probability; ties half
    pairs: float = 0.0
    squares: float = 0.0  # of probability less truth
    gaps: tuple[float, ...] = ()  # sum of probability less truth, by bin of probability

    @property
    def benign(self) -> int:
        """Patients without a malignant lesion."""
        return self.n - self.malignant

    def figure(self, name: str) -> float | None:
        """Return one of `FIGURES`; None where it has no ground."""
        if name == "calibration_error":
            return sum(abs(gap) for gap in self.gaps) / self.n if self.n else None
        if name == "balanced_accuracy":
            both = self.figure("sensitivity"), self.figure("specificity")
            return None if both[0] is None or both[1] is None else (both[0] + both[1]) / 2
        part, whole = {
            "sensitivity": (self.hits, self.malignant),
            "specificity": (self.benign - self.alarms, self.benign),
            "auc": (self.won, self.pairs),
            "brier": (self.squares, self.n),
        }[name]
        return part / whole if whole else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON wants it."""
        return asdict(self) | {"gaps": list(self.gaps)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Tally":
        """Return what `as_dict` wrote."""
        return cls(**{**data, "gaps": tuple(data["gaps"])})


def tally(ill: Mask, flagged: Mask, p_malignant: Floats) -> Tally:
    """Return the sums over patients.

    Parameters:
        ill: truth, shape (n,).
        flagged: the AI's verdicts, likewise.
        p_malignant: its probabilities, likewise.
    """
    pairs = float(ill.sum()) * float((~ill).sum())
    area = auc(p_malignant, ill) or 0.0
    return Tally(
        n=len(ill),
        malignant=int(ill.sum()),
        hits=int((ill & flagged).sum()),
        alarms=int((~ill & flagged).sum()),
        won=_short(area * pairs),
        pairs=pairs,
        squares=_short(float(((p_malignant - ill) ** 2).sum())),
        gaps=tuple(_short(one) for one in calibration_gaps(p_malignant, ill).tolist()),
    )


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of several.

    >>> total([Tally(n=2, malignant=1, hits=1), Tally(n=1, malignant=1)]).figure("sensitivity")
    0.5
    """
    every = list(tallies)
    gaps = [one.gaps for one in every if one.gaps]
    return Tally(
        n=sum(one.n for one in every),
        malignant=sum(one.malignant for one in every),
        hits=sum(one.hits for one in every),
        alarms=sum(one.alarms for one in every),
        won=sum(one.won for one in every),
        pairs=sum(one.pairs for one in every),
        squares=sum(one.squares for one in every),
        gaps=tuple(np.sum(gaps, axis=0).tolist()) if gaps else (),
    )


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
