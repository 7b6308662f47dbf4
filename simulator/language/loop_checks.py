"""What re-stacking, watching for drift and faults must satisfy beside the rest of a scenario."""

import math

from simulator.language.disturbances import LEARNERS
from simulator.language.faults import LearnerOut
from simulator.language.form import ScenarioForm
from simulator.language.restack import RestackSpec
from simulator.language.route_checks import Found
from simulator.language.yaml_source import Path
from simulator.quantities import format_duration


def loop_holds(scenario: ScenarioForm) -> Found:
    """Yield re-stacking that could never happen, and reports that nobody could make."""
    keys = [key for key in ("restack", "drift") if getattr(scenario, key) is not None]
    if not scenario.has_images:
        reason = "nominal cases have no base learners: an AI known by its figures stays as it is"
        for key in (*keys, *(("faults",) if scenario.faults else ())):
            yield (key,), f"{reason}; take cases of source synthetic or images"
        return
    restack, drift = scenario.restack, scenario.drift
    if restack is not None and scenario.feedback is None:
        yield ("restack",), "without labels there is nothing to fit to: give feedback, too"
    if restack is not None and drift is not None:
        every, other = drift.every_min, restack.every_min
        if every is not None and every != other:
            reason = f"{format_duration(every)} is not restack.every, {format_duration(other)}"
            yield ("drift", "every"), f"{reason}: there is one row of epochs; leave it out"
    if keys:
        yield from _epochs(scenario, keys[0])
    if restack is not None:
        yield from _window(restack)
        yield from _orders(scenario, restack)


def faults_hold(scenario: ScenarioForm) -> Found:
    """Yield faults that nobody would see, that overlap, or that leave no learner."""
    if not scenario.has_images:
        return  # said already
    end_min = math.inf if scenario.end_min is None else scenario.end_min
    end = "the horizon" if scenario.stress is None else "the end of the load"
    places = [place for place, one in enumerate(scenario.faults) if one.component is not None]
    outages = scenario.outages
    for number, (place, one) in enumerate(zip(places, outages, strict=True)):
        path: Path = ("faults", place)
        if one.at_min >= end_min:
            begins, ends = format_duration(one.at_min), format_duration(end_min)
            reason = f"begins at {begins}: after {end}, {ends}, nobody comes"
            yield (*path, "at"), f"{reason}; begin before it"
        out = {other.component for other in outages if _during(other, one.at_min)}
        # Not twice for two that begin together.
        earlier = any(other.at_min == one.at_min for other in outages[:number])
        if out == set(LEARNERS) and not earlier:
            when = format_duration(one.at_min)
            reason = f"from {when} on all {len(LEARNERS)} learners are out: there is no verdict"
            yield (*path, "at"), f"{reason}; leave one in"
        for before in outages[:number]:
            if before.component == one.component and _overlap(before, one):
                until = format_duration(before.at_min + before.for_min)
                reason = f"{one.component} is out already, from {format_duration(before.at_min)}"
                yield (*path, "component"), f"{reason} to {until}; name the whole time once"
                break


def _epochs(scenario: ScenarioForm, key: str) -> Found:
    every_min, end_min = scenario.epoch_min, scenario.end_min
    assert every_min is not None  # one of the keys is there
    if end_min is None and scenario.stress is None:
        yield (key,), "has epochs up to the horizon: give a horizon"
    elif end_min is not None and every_min > end_min:
        every, ends = format_duration(every_min), format_duration(end_min)
        of = "the horizon" if scenario.stress is None else "the load"
        yield (key, "every"), f"{every} is longer than {of}, {ends}: no epoch is reached"


def _window(spec: RestackSpec) -> Found:
    if spec.window_min < spec.every_min:
        window, every = format_duration(spec.window_min), format_duration(spec.every_min)
        reason = f"{window} is shorter than every, {every}: some labels would never count"
        yield ("restack", "window"), f"{reason}; give at least as much"


def _orders(scenario: ScenarioForm, spec: RestackSpec) -> Found:
    if scenario.end_min is None:
        return
    last = math.floor(scenario.end_min / spec.every_min)  # epoch
    for place, one in enumerate(spec.orders):
        path: Path = ("restack", "orders", place)
        epoch = math.ceil(one.at_min / spec.every_min)  # that carries it out
        if epoch > last:
            when, ends = format_duration(one.at_min), format_duration(last * spec.every_min)
            yield (*path, "at"), f"{when} is after the last epoch, {ends}; order it before"
        elif one.to >= epoch:
            reason = f"version {one.to} cannot be there by epoch {epoch}, which carries it out"
            yield (*path, "to"), f"{reason}: each epoch makes one at most; name 0 to {epoch - 1}"


def _during(fault: LearnerOut, at_min: float) -> bool:
    return fault.at_min <= at_min < fault.at_min + fault.for_min


def _overlap(one: LearnerOut, other: LearnerOut) -> bool:
    return _during(one, other.at_min) or _during(other, one.at_min)
