"""Does the simulated utilisation fit the load that the arrivals bring?"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from simulator.analysis.check import Check, check
from simulator.analysis.flows import loses
from simulator.analysis.precision import t_quantile
from simulator.language.arrivals import PoissonArrivals, RenewalArrivals
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.load import Load, offered_load

_THREE_SIGMAS: Final = 0.99865  # share of a normal distribution below its mean plus three sigmas


def check_loads(scenario: ScenarioForm, values: Mapping[str, Sequence[float]]) -> list[Check]:
    """Hold each group's utilisation to the load that its arrivals bring: λ E[S] / c.

    Parameters:
        values: `utilisation.<group>` -> one value for each replication.

    A check that cannot be judged holds, and its words begin with "not judged".
    """
    loads = offered_load(scenario)
    found = []
    for group, load in loads.items():
        seen = values.get(f"utilisation.{group}", ())
        if not len(seen):
            continue
        name, mean = f"load.{group}", float(np.mean(seen))
        reason = _unjudged(scenario, load, loads, len(seen))
        if reason:
            gap = abs(mean - load.share)
            found.append(check(name, load.share, mean, gap, f"not judged: {reason}"))
            continue
        error = float(np.std(seen, ddof=1)) / math.sqrt(len(seen))
        # As rare as three sigmas of a normal distribution, whatever the number of replications.
        most = t_quantile(_THREE_SIGMAS, len(seen) - 1) * error
        most += _start(scenario, group, load.share)
        words = "utilisation is the load offered, within three standard errors"
        found.append(check(name, load.share, mean, most, words))
    return found


def _unjudged(
    scenario: ScenarioForm, load: Load, loads: Mapping[str, Load], replications: int
) -> str:
    """Return why utilisation need not be the load; empty if it must."""
    reasons = [
        (not math.isfinite(load.share), "nobody is ever on duty"),
        (load.error > 0, "routes ask for something, so that the load is an estimate"),
        (replications < 2, "one replication tells nothing of chance"),
        (
            scenario.horizon_min is None or scenario.cases.count is not None,
            "arrivals end after a number of patients",
        ),
        (
            any(len(one.levels()) > 1 or one.absent for one in scenario.staff.values()),
            "the number of people on duty changes",
        ),
        (
            not all(_steady(scenario, one) for one in scenario.patient_classes),
            "the arrival rate changes with time",
        ),
        (
            any(loses(node, one) for one in scenario.patient_classes for node in scenario.pathway),
            "some patients leave unserved",
        ),
        (any(one.share >= 1 for one in loads.values()), "a group cannot keep up"),
    ]
    return next((reason for holds, reason in reasons if holds), "")


def _steady(scenario: ScenarioForm, one: ClassSpec) -> bool:
    spec = one.arrivals or scenario.arrivals
    regular = isinstance(spec, PoissonArrivals) and spec.profile is None
    return regular or isinstance(spec, RenewalArrivals)


def _start(scenario: ScenarioForm, group: str, load: float) -> float:
    """Return what starting empty can take off the utilisation.

    Assumption: about the work that a queue of the M/M/1 at that load holds, over the run.
    """
    services = [
        one.service.get(node.id, node.service).mean_min
        for one in scenario.patient_classes
        for node in scenario.staffed()
        if group in node.staff
    ]
    return max(services, default=0.0) / (1 - load) / (scenario.horizon_min or math.inf)
