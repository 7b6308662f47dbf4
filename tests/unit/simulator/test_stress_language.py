"""A stress scenario as its runner sees it."""

from pathlib import Path

import pytest
from broken_stress import CONSTANT, LOADED
from scenarios_by_feature import FEATURES

from simulator.language.disturbances import ACTIONS, Disturbance
from simulator.language.experiment import Gate
from simulator.language.loop_plans import outages
from simulator.language.metrics import names
from simulator.language.scenario import Scenario, load, resolved
from simulator.language.stress_checks import set_aside
from simulator.language.stress_metrics import AT_THE_END, OF_STRESS
from simulator.language.urgency import levels, mix

FIRST = Path(__file__).parents[3] / "scenarios" / "first-clinic.yaml"


def stressed(more: str = "", *overrides: str) -> Scenario:
    return load(LOADED + CONSTANT + more, "x.yaml", overrides)


def test_faults_of_a_twin_and_learners_that_are_out_are_told_apart() -> None:
    scenario = load(FEATURES["stress"], "x.yaml")
    one, two, three, four = scenario.disturbances
    assert one == Disturbance(at_s=20, for_s=None, action="kill", target="worker-1")
    assert two == Disturbance(at_s=20.5, for_s=5, action="slow", target="catboost", by_s=0.2)
    assert three == Disturbance(at_s=0, for_s=60, action="skew", target="worker-2", by_s=-300)
    assert four == Disturbance(at_s=9, for_s=None, action="send", target="labels_twice", count=10)
    [out] = scenario.outages
    assert (out.component, out.at_min * 60, out.for_min * 60) == ("knn", 30, 6)
    assert [one.component for one in outages(scenario)] == ["knn"]
    assert scenario.is_looped


def test_a_worker_alone_has_no_number() -> None:
    [one] = stressed("faults: [{at: 1 s, kill: worker}]\n").disturbances
    assert one.target == "worker"


@pytest.mark.parametrize("action", ACTIONS)
def test_each_target_of_each_action_can_be_written(action: str) -> None:
    kind = ACTIONS[action]
    more = ", for: 1 s" * kind.lasts + ", by: 1 s" * kind.by + ", count: 1" * kind.count
    rows = "".join(f"  - {{at: 1 s, {action}: {one}{more}}}\n" for one in kind.targets)
    scenario = stressed(f"drift: {{every: 30 s}}\nfaults:\n{rows}")
    assert [one.target for one in scenario.disturbances] == list(kind.targets)


def test_the_load_of_a_scenario_is_its_profile() -> None:
    spec = stressed().stress
    assert spec is not None
    profile = spec.profile
    assert (profile.kind, profile.length_s, profile.rate_at(30)) == ("constant", 60, 40)
    assert len(list(profile.send_times_s())) == 2400
    assert spec.objective.limits_ms() == {"latency.p99_ms": 2000}


def test_a_knee_has_steps_and_no_rate_of_its_own() -> None:
    spec = load(FEATURES["knee"], "x.yaml").stress
    assert spec is not None
    knee = spec.profile.knee
    assert knee is not None
    assert (knee.from_per_s, knee.to_per_s, knee.hold_s, knee.precision) == (20, 200, 20, 0.05)
    assert knee.step(35).cases == 700
    assert spec.objective.limits_ms() == {"latency.p50_ms": 250, "latency.max_ms": 4000}
    with pytest.raises(ValueError, match="makes the steps"):
        spec.profile.curve()


def test_any_clinic_is_put_under_load_by_what_extends_it() -> None:
    text = f"extends: {FIRST}\nname: x\nclock: real\n{CONSTANT}"
    scenario = load(text, "x.yaml", ["stress.profile.constant.rate_per_s=7"])
    assert scenario.stress is not None
    assert scenario.stress.profile.rate_at(0) == 7
    assert set_aside(scenario) == ("arrivals", "pathway", "staff")
    assert load(resolved(scenario), "x.yaml") == scenario


def test_another_profile_takes_the_place_of_the_base_s(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(LOADED + CONSTANT)
    text = "extends: base.yaml\nname: x\nstress: {profile: {soak: {rate_per_s: 1, for: 1 h}}}\n"
    spec = load(text, str(tmp_path / "x.yaml")).stress
    assert spec is not None
    assert (spec.profile.kind, spec.profile.length_s) == ("soak", 3600)


def test_a_load_is_swept() -> None:
    sweep = "sweep: {stress.profile.constant.rate_per_s: [20, 40], stress.workers: [1, 2]}\n"
    assert stressed(sweep).sweep is not None


def test_a_load_needs_no_clinic() -> None:
    scenario = load(FEATURES["load without a clinic"], "x.yaml")
    assert scenario.pathway == ()
    assert mix(scenario) == {"urgent": 0.2, "soon": 0.3, "routine": 0.5}
    assert levels(scenario) == {"urgent": -1, "soon": 1, "routine": 2}
    assert set_aside(scenario) == ()


def test_classes_with_arrivals_of_their_own_mix_by_their_rates() -> None:
    own = "classes:\n  - {id: a, arrivals: {rate_per_h: 3}}\n  - {id: b, arrivals: {gap: 1 h}}\n"
    text = LOADED.replace("arrivals: {rate_per_h: 6}\n", "") + CONSTANT + own
    assert mix(load(text, "x.yaml")) == pytest.approx({"a": 0.75, "b": 0.25})


def test_who_is_urgent_at_one_node_is_urgent() -> None:
    classes = "classes:\n  - {id: a, share: 1, priority: {read: 3, biopsy: -1}}\n"
    assert levels(stressed(classes)) == {"a": -1}
    assert levels(stressed()) == {"patient": 0}


def test_gates_of_a_load_are_on_what_it_measures() -> None:
    known = set(names(load(FEATURES["stress"], "x.yaml")))
    assert set(OF_STRESS) - known == {"knee.rate_per_s"}
    assert set(OF_STRESS) - set(names(stressed())) == {"knee.rate_per_s", "recovery_s.max"}
    asked = stressed("gates: [memory.growth < 5 %, verdicts.lost == 0]\n")
    assert [gate.bound for gate in asked.gates] == [0.05, 0]


@pytest.mark.parametrize("metric", [name for name in OF_STRESS if name not in AT_THE_END])
def test_a_steady_state_is_made_of_conditions(metric: str) -> None:
    [condition] = stressed(f"steady_state: ['{metric} < 7']\n").steady_state
    assert isinstance(condition, Gate)
    assert (condition.metric, condition.bound) == (metric, 7)
    assert [condition.holds(value) for value in (6.9, 7, float("nan"))] == [True, False, False]
