"""What a scenario must satisfy as a whole: each check yields places and reasons.

Checks of one value alone stand at its field; these look at several.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final

from simulator.language.arrivals import ReplayArrivals
from simulator.language.cases import ImageCases, ImageModel, NominalCases
from simulator.language.feedback_checks import feedback_holds
from simulator.language.form import ScenarioForm
from simulator.language.load import offered_load
from simulator.language.loop_checks import faults_hold, loop_holds
from simulator.language.metrics import check_bound, check_metric
from simulator.language.pathway import END
from simulator.language.route_checks import (
    Found,
    conditions_hold,
    everybody_leaves,
    orders_hold,
    targets_exist,
)
from simulator.language.shift_checks import populations_hold, referrals_hold, shifts_hold
from simulator.language.stress_checks import disturbances_hold, stress_holds
from simulator.language.stress_metrics import AT_THE_END
from simulator.language.ways import turned_away
from simulator.quantities import QuantityError, format_duration


def problems(scenario: ScenarioForm) -> Found:
    """Yield every problem; later checks are left out where they would only repeat earlier ones."""
    for stage in _STAGES:
        found = [problem for check in stage for problem in check(scenario)]
        if found:
            yield from found
            return


def _ends(scenario: ScenarioForm) -> Found:
    specs = [one.arrivals or scenario.arrivals for one in scenario.patient_classes]
    endless = any(spec and not isinstance(spec, ReplayArrivals) for spec in specs)
    each_once = isinstance(scenario.cases, ImageCases) and scenario.bank is None
    finite = scenario.cases.count or each_once
    if scenario.horizon_min is None and endless and not finite and scenario.stress is None:
        yield (), "arrivals never end: give a horizon or cases.count"
    if scenario.horizon_min is None and scenario.ending == "stop":
        yield ("ending",), "stop needs a horizon"
    warmup_min, horizon_min = scenario.warmup_min, scenario.horizon_min or math.inf
    if isinstance(warmup_min, float) and warmup_min >= horizon_min:
        shown = f"{format_duration(warmup_min)} is not shorter than"
        reason = f"{shown} the horizon, {format_duration(horizon_min)}"
        yield ("warmup",), f"{reason}: nothing would be left to measure"


def _names(scenario: ScenarioForm) -> Found:
    for key, ids in (
        ("pathway", [node.id for node in scenario.pathway]),
        ("classes", [patient_class.id for patient_class in scenario.classes]),
    ):
        for place, name in enumerate(ids):
            if name in ids[:place]:
                yield (key, place, "id"), f"{name!r} appears twice"


def _who_comes(scenario: ScenarioForm) -> Found:
    shared = [c.share for c in scenario.classes if c.share is not None]
    if scenario.stress is None and not scenario.pathway:
        given = "pathway" in scenario.model_fields_set
        yield ("pathway",), "is empty; expected at least one node" if given else "is required"
    mixed = scenario.stress is not None and len(shared) == len(scenario.classes)
    if not scenario.classes and scenario.arrivals is None and not mixed:
        yield ("arrivals",), "is required: when do patients come?"
    if scenario.classes and scenario.arrivals is not None and not shared:
        yield ("arrivals",), "belongs to no class: give the classes a share, or leave it out"
    if shared and scenario.arrivals is None and not mixed:
        yield ("arrivals",), "is required where classes have a share of it"
    comes = all(one.share is not None or one.arrivals for one in scenario.classes)
    if shared and comes and abs(sum(shared) - 1) > 1e-6:
        yield ("classes",), f"shares of the arrivals sum to {sum(shared):.6g}, not to 1"
    for place, one in enumerate(scenario.classes):
        if (one.arrivals is None) == (one.share is None):
            yield ("classes", place), f"{one.id!r} needs arrivals of its own or a share"
        if one.population is not None and isinstance(scenario.cases, ImageCases):
            yield ("classes", place, "population"), "images bring their own facts"


def _nominal(scenario: ScenarioForm) -> Found:
    cases = scenario.cases
    if not isinstance(cases, NominalCases):
        return
    if scenario.scores() and cases.ai is None:
        yield ("cases", "ai"), "is required: a node has 'twin: score', and nominal cases no image"
    populated = all(scenario.population_of(one) for one in scenario.patient_classes)
    if (cases.ai or scenario.decides()) and not populated:
        yield ("cases", "population"), "is required: verdicts and decisions need a truth"


def _honest(scenario: ScenarioForm) -> Found:
    if not isinstance(scenario.cases, ImageCases):
        return
    if "model" not in scenario.model_fields_set:
        yield ("model",), "is required with images: say what the model learns from"
    if isinstance(scenario.model, ImageModel):
        learnt, shown = scenario.model.split, scenario.cases.images.split
        if "all" in {learnt, shown} or learnt == shown:
            reason = f"learns from {learnt!r} while the cases are {shown!r}"
            yield ("model", "split"), f"{reason}: it would be examined on what it has seen"


def _stable(scenario: ScenarioForm) -> Found:
    if isinstance(scenario.cases, ImageCases) or scenario.stress is not None:
        return
    try:
        loads = offered_load(scenario)
    except QuantityError as error:
        yield error.args
        return
    if scenario.allow_unstable or math.isfinite(scenario.patient_count):
        return
    for name, load in loads.items():
        if load.grows:
            reason = f"estimated load {load.share:.2f} ({load.why}): its queue grows without end"
            cure = "give more staff, fewer arrivals, a cases.count, or allow_unstable: true"
            yield ("staff", name), f"{reason}; {cure}"


def _used(scenario: ScenarioForm) -> Found:
    for index, node in enumerate(scenario.pathway):
        queue = getattr(node, "queue", None)
        if queue is None:
            continue
        path = ("pathway", index, "queue")
        if queue.full != END and queue.room is None:
            yield (*path, "full"), f"{queue.full!r} is not used without room"
        leaves = any(queue.left in turned_away(node, one) for one in scenario.patient_classes)
        if queue.left != END and not leaves:
            yield (*path, "left"), f"{queue.left!r} is not used without balk or patience"


def _asked(scenario: ScenarioForm) -> Found:
    for index, gate in enumerate(scenario.gates):
        found = [*check_metric(scenario, gate.metric)]
        for reason in found or check_bound(gate.metric, gate.written):
            yield ("gates", index), reason
    for index, condition in enumerate(scenario.steady_state):
        found = [*check_metric(scenario, condition.metric), *_known_by_then(condition.metric)]
        for reason in found or check_bound(condition.metric, condition.written):
            yield ("steady_state", index), reason
    for index, metric in enumerate(scenario.replications.of):
        for reason in check_metric(scenario, metric):
            yield ("replications", "of", index), reason


def _known_by_then(metric: str) -> Iterator[str]:
    if metric in AT_THE_END:
        yield f"{metric} is known only when the run is over: ask for it in gates"


_Check = Callable[[ScenarioForm], Found]
_STAGES: Final[tuple[tuple[_Check, ...], ...]] = (
    (stress_holds,),
    (_ends, _names, _who_comes, populations_hold),
    (targets_exist, _used, shifts_hold, referrals_hold),
    (conditions_hold, everybody_leaves, orders_hold, _nominal, _honest),
    (feedback_holds, loop_holds, faults_hold, disturbances_hold),
    (_asked, _stable),
)
