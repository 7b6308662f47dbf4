import pytest
from clinics import measured

from simulator.language.metrics import (
    DIAGNOSTIC,
    OF_ALL,
    OF_NODE,
    check_bound,
    check_metric,
    groups,
    is_grouped,
    names,
    parse_metric,
    unit_of,
)
from simulator.language.scenario import Scenario, load

QUEUE = """\
name: queue
horizon: 20 h
cases: {source: nominal}
arrivals: {rate_per_h: 20}
pathway:
  - {id: desk, staff: clerk, service: 5 min, then: file}
  - {id: file, staff: [clerk, room], service: 1 min, then: end}
staff: {clerk: 3, room: 1}
"""
CLINIC = """\
name: clinic
horizon: 40 h
cases: {source: nominal, population: {prevalence: 0.3}, ai: {sensitivity: 0.8, specificity: 0.8}}
classes:
  - {id: new, arrivals: {rate_per_h: 12}}
  - {id: known, arrivals: {rate_per_h: 12}}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 5 min, queue: {room: 9}, then: end}
staff: {reader: 3}
"""
SCENARIOS = [
    pytest.param(QUEUE, id="no truth"),
    pytest.param(CLINIC, id="truth and AI"),
    pytest.param(CLINIC.replace("read", "look"), id="nobody decides"),
]


def scenario_of(text: str) -> Scenario:
    return load(text, "x.yaml")


@pytest.mark.parametrize("text", SCENARIOS)
def test_a_run_measures_exactly_what_the_names_say(text: str) -> None:
    scenario = scenario_of(text)
    found = measured(scenario)
    told = set(found.values) | set(found.missing)
    assert {name for name in told if "{" not in name} == set(names(scenario))


@pytest.mark.parametrize("text", SCENARIOS)
def test_a_run_gives_exactly_those_by_group_that_are_grouped(text: str) -> None:
    scenario = scenario_of(text)
    found = measured(scenario)
    told = {name for name in {*found.values, *found.missing} if "{" in name}
    grouped = {name.partition("{")[0] for name in told}
    expected = {name for name in names(scenario) if is_grouped(name)} if groups(scenario) else set()
    assert grouped == expected
    for name in told:
        assert list(check_metric(scenario, name)) == [], name


def test_a_name_is_taken_apart_and_put_together() -> None:
    for text in ("wait.read.p95", "wait.read.p95{class=urgent}", "sensitivity{skin_tone=V-VI}"):
        metric = parse_metric(f" {text} ")
        assert metric is not None
        assert str(metric) == text
    assert parse_metric("wait read") is None
    assert parse_metric("wait{class}") is None
    assert parse_metric("wait{class=a}{sex=male}") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wait.raed.p95", "did you mean 'wait.read.p95'"),
        ("wait.read", "did you mean 'wait.read."),
        ("wait read", "is no metric"),
        ("wait.read.mean{klass=new}", "did you mean 'class'"),
        ("wait.read.mean{class=old}", "never 'old' (known: new, known)"),
        ("utilisation.reader{class=new}", "not given by group"),
        ("verdicts.count{class=new}", "not given by group"),
        ("time_in_system.max{class=new}", "not given by group"),
        ("zzzzzz", "known: wait.read.mean"),
    ],
)
def test_what_no_run_measures_is_refused(text: str, words: str) -> None:
    [reason] = check_metric(scenario_of(CLINIC), text)
    assert words in reason


@pytest.mark.parametrize(
    ("metric", "bound", "sound"),
    [
        ("wait.read.p95", "3 d", True),
        ("wait.read.p95", "3", False),
        ("wait.read.p95", "3 %", False),
        ("time_to_diagnosis.malignant.mean{sex=male}", "3 d", True),
        ("sensitivity", "0.8", True),
        ("sensitivity{class=new}", "80 %", True),
        ("utilisation.reader", "85 %", True),
        ("reneged.read.share", "1.5", False),
        ("sensitivity", "80", False),
        ("sensitivity", "3 d", False),
        ("patients.arrived", "400", True),
        ("patients.arrived", "4 %", False),
        ("biopsies.per_malignant", "3 d", False),
        ("queue.read.max", "12", True),
    ],
)
def test_a_bound_is_written_in_the_unit_of_its_metric(metric: str, bound: str, sound: bool) -> None:
    assert (list(check_bound(metric, bound)) == []) is sound


def test_every_name_is_explained() -> None:
    explained = {name.partition(".")[0] for name in {**OF_NODE, **OF_ALL, **DIAGNOSTIC}}
    for name in names(scenario_of(CLINIC)):
        assert name.partition(".")[0] in explained
        assert unit_of(name) in {"min", "share", "number"}
