"""The warm-up of a point: as stated, or by MSER-5 on the average of a few pilot replications."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simulator.analysis.warmup import mser5
from simulator.language.schema import Scenario

_SHOWN = 200  # points of a curve in the report


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """A warm-up and its evidence."""

    warmup_min: float
    how: str  # given, or MSER-5
    valid: bool = True
    reason: str = ""
    pilots: int = 0
    spell_min: float = 0.0  # length of one step of the curves
    average: tuple[float, ...] = ()  # patients in the clinic over time, mean of the pilots
    statistic: tuple[float, ...] = ()  # MSER for each candidate, over the first half
    statistic_step_min: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def warm_up_of(scenario: Scenario, series: Sequence[Sequence[float]]) -> Warm:
    """Return the warm-up of a scenario.

    Parameters:
        series: of each pilot, patients in the clinic over equal spells of the horizon; used where
            the scenario says auto.

    Averaging over replications first follows Welch (1983); the cut is MSER-5's.
    """
    if scenario.warmup_min != "auto":
        return Warm(warmup_min=scenario.warmup_min, how="given")
    span_min = scenario.horizon_min
    if span_min is None:
        reason = "no horizon: warm-up by MSER-5 needs one; nothing was left out"
        return Warm(warmup_min=0.0, how="MSER-5", valid=False, reason=reason)
    average = np.mean(np.array(series), axis=0)
    found = mser5(average.tolist())
    spell_min = span_min / len(average)
    every = max(1, len(average) // _SHOWN)
    coarse = average[: len(average) // every * every].reshape(-1, every).mean(axis=1)
    step = max(1, len(found.curve) // _SHOWN)
    return Warm(
        warmup_min=round(found.cut * spell_min, 6),
        how="MSER-5",
        valid=found.valid,
        reason=found.reason,
        pilots=len(series),
        spell_min=spell_min * every,
        average=tuple(float(f"{value:.6g}") for value in coarse),
        statistic=tuple(float(f"{value:.6g}") for value in found.curve[::step]),
        statistic_step_min=spell_min * found.batch * step,
    )
