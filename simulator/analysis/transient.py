"""How far a run that starts empty may still be from the steady state that theory speaks of."""

import math
from typing import Final

from simulator.language.form import ScenarioForm
from simulator.language.load import offered_load

MOST_BIAS: Final = 0.01  # share of a mean; above it a run is not held against theory: assumption
_FULL: Final = 0.99  # load from which on a bounded queue is taken to settle as at this one


def settling_min(scenario: ScenarioForm) -> float:
    """Return the relaxation time of the slowest queue, in minutes.

    Of M/M/1 it is 1 / (μ (1 - √ρ)²) (Cohen 1982, The Single Server Queue, III.7; Abate and Whitt
    1987, doi:10.1007/BF01182933). For c servers and other services it is scaled as in heavy
    traffic, by (1 + scv) / 2c, and a service time is added: a rough figure, used as a guard alone.
    """
    slowest = 0.0
    loads = offered_load(scenario)
    for node in scenario.staffed():
        share = min(max(loads[name].share for name in node.staff), _FULL)
        people = min(loads[name].capacity for name in node.staff)
        for one in scenario.patient_classes:
            service = one.service.get(node.id, node.service)
            scale = service.mean_min * (1 + service.scv) / 2 / max(people, 1.0)
            slowest = max(slowest, scale / (1 - math.sqrt(share)) ** 2 + service.mean_min)
    return slowest


def bias_of(scenario: ScenarioForm, warmup_min: float, span_min: float) -> float:
    """Return about what share of a mean a run lacks because it started empty.

    The lack decays with the relaxation time τ, so over a window it averages to
    τ / span · exp(-warm-up / τ).

    Parameters:
        warmup_min: left out at the start.
        span_min: length of the window that is measured, above 0.
    """
    settling = settling_min(scenario)
    if settling == 0.0:
        return 0.0
    return settling / span_min * math.exp(-warmup_min / settling)
