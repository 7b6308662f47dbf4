import pytest
from scenarios_by_feature import queue

from simulator.language.load import Load, mean_visits, offered_load
from simulator.language.scenario import Scenario, load
from twin.errors import ScenarioError

ROUTES = """\
name: routes
horizon: 100 h
cases: {source: nominal, population: {prevalence: 0.25}, ai: {sensitivity: 0.9, specificity: 0.8}}
arrivals: {rate_per_h: 6}
pathway:
  - {id: first, staff: clerk, service: 5 min, then: FIRST}
  - {id: ai, twin: score, then: second}
  - {id: second, staff: clerk, service: 10 min, then: end}
staff: {clerk: 9}
"""


def routes(first: str, more: str = "") -> Scenario:
    return load(ROUTES.replace("FIRST", first) + more, "x.yaml")


def visits(scenario: Scenario) -> dict[str, float]:
    return mean_visits(scenario, scenario.patient_classes[0])[0]


def clerk(text: str) -> Load:
    return offered_load(load(text, "x.yaml"))["clerk"]


def test_one_queue() -> None:
    one = clerk(queue())
    assert (one.share, one.error, one.capacity, one.grows) == (0.5, 0, 1, False)


def test_probabilities_are_exact() -> None:
    # Half come back: 1 + 1/2 + 1/4 + ... = 2 visits; then 0.3 / 0.5 go on.
    found = visits(routes("{first: 0.5, ai: 0.3, end: otherwise}"))
    assert found["first"] == pytest.approx(2, rel=1e-12)
    assert found["second"] == pytest.approx(0.6, rel=1e-12)


def test_conditions_are_walked_with_their_error() -> None:
    scenario = routes("{ai: malignant, end: otherwise}")
    mean, errors = mean_visits(scenario, scenario.patient_classes[0])
    assert mean["second"] == pytest.approx(0.25, abs=4 * errors["second"])
    assert 0 < errors["second"] < 0.02
    assert mean["first"] == 1


def test_the_same_scenario_has_the_same_load() -> None:
    text = ROUTES.replace("FIRST", "{ai: malignant or age > 60, end: otherwise}")
    assert offered_load(load(text, "x")) == offered_load(load(text, "x"))


def test_a_visit_counts_the_visits_before() -> None:
    assert visits(routes("{first: visits < 3, ai: otherwise}"))["first"] == 3


def test_nodes_that_a_class_never_sees_may_go_round() -> None:
    # `known` never comes to the loop, from which `new` has a way out of its own.
    scenario = load(
        """\
name: loop
horizon: 100 h
cases: {source: nominal}
classes:
  - {id: new, arrivals: {rate_per_h: 1}, then: {b: end}}
  - {id: known, arrivals: {rate_per_h: 1}, then: {first: end}}
pathway:
  - {id: first, staff: clerk, service: 5 min, then: a}
  - {id: a, staff: clerk, service: 5 min, then: b}
  - {id: b, staff: clerk, service: 5 min, then: a}
staff: {clerk: 1}
""",
        "x.yaml",
    )
    new, known = scenario.classes
    assert mean_visits(scenario, new)[0] == {"first": 1, "a": 1, "b": 1}
    assert mean_visits(scenario, known)[0] == {"first": 1, "a": 0, "b": 0}


def test_a_class_has_its_own_service_and_share() -> None:
    text = queue(
        "classes:\n  - {id: a, share: 0.5}\n  - {id: b, share: 0.5, service: {desk: 1 min}}"
    )
    assert clerk(text).share == pytest.approx(6 / 60 * (0.5 * 5 + 0.5 * 1))


def test_a_roster_counts_on_average() -> None:
    one = clerk(queue(staff="{count: 4, roster: 'daily 08:00-20:00'}"))
    assert (one.capacity, one.share) == (2, 0.25)


@pytest.mark.parametrize(
    ("more", "grows"),
    [
        ("fifo", True),
        ("{room: 5}", False),
        ("{patience: 5 min}", False),
        ("{balk: {at_length: 3}}", False),
        ("{balk: {at_length: 3, share: 99 %}}", True),
    ],
)
def test_a_bounded_queue_does_not_grow(more: str, grows: bool) -> None:
    one = clerk(queue("allow_unstable: true\n", service="15 min", queue=more))
    assert (one.share, one.grows) == (pytest.approx(1.5), grows)


def test_a_load_of_one_grows() -> None:
    with pytest.raises(ScenarioError, match=r"load 1\.00"):
        load(queue(service="10 min"), "x.yaml")


def test_a_log_ends_and_no_queue_grows_for_ever() -> None:
    one = clerk(queue(arrivals="{replay: {times: [0, 1, 2, 3]}}"))
    assert one.share > 1
    assert not one.grows
