"""What a stress run must satisfy as a whole: its load, its cases, and what is done to the twin."""

from simulator.language.faults import OUT, FaultSpec, number_of
from simulator.language.form import ScenarioForm
from simulator.language.route_checks import Found
from simulator.language.stress import StressSpec
from simulator.language.yaml_source import Path
from simulator.quantities import format_duration


def stress_holds(scenario: ScenarioForm) -> Found:
    """Yield why no such load could be put on a twin, or nothing would be left to measure."""
    spec = scenario.stress
    if spec is None:
        if scenario.steady_state:
            yield ("steady_state",), "is that of a stress run: give stress, too, or leave it out"
        return
    if scenario.clock != "real":
        reason = "a stress run takes place on the wall clock, and clock is virtual"
        yield ("stress",), f"{reason}: give clock: real"
    if not scenario.has_images:
        reason = "nominal cases have no image to send"
        yield ("cases", "source"), f"{reason}: take cases of source synthetic or images"
    elif scenario.bank is not None:
        reason = "cases of a bank were scored before the run, and the twin would have nothing to do"
        yield ("cases", "bank"), f"{reason}; leave it out"
    yield from _warmup(spec)
    for place, one in enumerate(scenario.classes):
        if one.arrivals is not None and one.arrivals.mean_rate_per_min is None:
            reason = "a log has no rate by which a stress run could mix the classes"
            yield ("classes", place, "arrivals"), f"{reason}: give the class a share"


def _warmup(spec: StressSpec) -> Found:
    knee = spec.profile.knee
    of, ends_s = ("a step", knee.hold_s) if knee else ("the load", spec.profile.length_s)
    if spec.warmup_s >= ends_s:
        shown = f"{format_duration(spec.warmup_min)} is not shorter than {of}"
        reason = f"{shown}, {format_duration(ends_s / 60)}"
        yield ("stress", "warmup"), f"{reason}: nothing would be left to measure"
    elif knee is None and spec.profile.curve().cases == 0:
        yield ("stress", "profile"), "sends no case: give a higher rate, or a longer load"


def disturbances_hold(scenario: ScenarioForm) -> Found:
    """Yield what cannot be done to this twin, or would be done after everything is over."""
    for place, one in enumerate(scenario.faults):
        path: Path = ("faults", place)
        if one.action is not None:
            yield from _happens(scenario, path, one)
        earlier = scenario.faults[:place] if one.action is not None else ()
        for before in earlier:
            alike = (before.action, before.target) == (one.action, one.target)
            if alike and before.at_min <= one.at_min < before.end_min:
                until = format_duration(before.end_min)
                reason = f"{one.action} {one.target} goes on already, until {until}"
                yield (*path, "at"), f"{reason}; name the whole time once"
                break


def _happens(scenario: ScenarioForm, path: Path, one: FaultSpec) -> Found:
    assert one.action is not None
    here = (*path, one.action)
    if scenario.stress is None:
        if scenario.clock == "virtual":
            reason = f"a virtual run has no processes: {one.action} needs clock: real and stress"
        else:
            reason = f"{one.action} is done to a twin under load: give stress, too"
        yield here, f"{reason}; a learner that is out ({OUT}) is a fault of any run"
        return
    if scenario.stress.profile.knee is not None:
        reason = "the steps of a knee begin and end when they may, so no fault has its time"
        yield here, f"{reason}: give another profile"
        return
    workers = scenario.stress.workers
    if number_of(one.target) > workers:
        have = "there is one worker" if workers == 1 else f"there are {workers} workers"
        yield here, f"no {one.target}: {have} (stress.workers)"
    if one.target == "restacker" and not (scenario.restack or scenario.drift):
        yield here, "there is no restacker: give restack or drift, too"
    end_min = scenario.end_min
    if end_min is not None and one.at_min >= end_min:
        begins, ends = format_duration(one.at_min), format_duration(end_min)
        yield (*path, "at"), f"begins at {begins}: the load ends at {ends}; begin before it"


# Of a clinic's run; a stress run sends cases as its profile says, and nobody waits or reads.
_OF_A_CLINIC = (
    *("start", "speed", "horizon", "ending", "warmup", "replications", "shifts"),
    *("arrivals", "pathway", "staff", "allow_unstable"),
)


def set_aside(scenario: ScenarioForm) -> tuple[str, ...]:
    """Return the keys of a stress scenario that have no meaning in its run."""
    if scenario.stress is None:
        return ()
    fields = type(scenario).model_fields
    given = {fields[name].alias or name for name in scenario.model_fields_set}
    return tuple(key for key in _OF_A_CLINIC if key in given)
