"""What a twin is told about re-stacking: plain values, made from a scenario."""

from dataclasses import dataclass, field
from typing import Literal

Weighting = Literal["known", "estimated", "none"]
Remedy = Literal["threshold", "recalibrate", "restack"]  # from the smallest on


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """What a challenger may lose against the champion, on labels that neither has seen."""

    auc_drop_max: float = 0.01
    sensitivity_drop_max: float = 0.02  # at each one's own operating point
    calibration_rise_max: float = 0.02  # of the expected calibration error
    label_noise_max: float = 0.20  # share of wrong labels at which a feed is not trusted
    per: tuple[str, ...] = ("sex", "age_band", "skin_tone")  # groups judged beside all
    confidence: float = 0.95  # of each one-sided bound


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOrder:
    """Somebody orders an earlier version back."""

    at_min: float
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestackPlan:
    """When and how the stack is fitted again."""

    every_min: float
    window_min: float = 28 * 1440.0  # cases that arrived within it give labels
    weighting: Weighting = "known"  # of the fit; the gate always weights by what is known
    remedies: tuple[Remedy, ...] = ("threshold", "recalibrate", "restack")
    gate: GatePlan | None = field(default_factory=GatePlan)  # None: promote whatever was fitted
    rollback: bool = True  # when a promoted stack does worse on later labels
    orders: tuple[RollbackOrder, ...] = ()
