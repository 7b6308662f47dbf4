import pytest
from scenarios_by_feature import CLINIC, IMAGES, queue

from simulator.analysis.forecast import GroupForecast, expected_patients, forecast
from simulator.clinic.people import People
from simulator.language.scenario import load
from simulator.theory import mg1, mmc


def desk(text: str) -> GroupForecast:
    return forecast(load(text, "x.yaml")).groups["clerk"]


def test_random_arrivals_and_exponential_service_wait_as_erlang_says() -> None:
    one = desk(queue(service="{exponential: {mean: 25 min}}", staff="3"))
    assert one.wait_min == pytest.approx(mmc(0.1, 1 / 25, 3).wait)
    assert (one.why_none, one.nodes, one.bounded, one.peak) == ("", ("desk",), (), 3)


def test_one_server_waits_as_pollaczek_and_khinchine_say() -> None:
    one = desk(queue(service="{gamma: {mean: 8 min, sd: 4 min}}"))
    assert one.wait_min == pytest.approx(mg1(0.1, 8, 0.25).wait)


def test_two_classes_are_one_service_time_that_is_mixed() -> None:
    classes = "classes:\n  - {id: a, share: 0.5}\n  - {id: b, share: 0.5, service: {desk: 2 min}}"
    one = desk(queue(classes, service="8 min"))
    assert one.wait_min == pytest.approx(mg1(0.1, 5, 9 / 25).wait)


def test_regular_arrivals_of_constant_services_do_not_wait() -> None:
    assert desk(queue(arrivals="{gap: 10 min}", service="9 min")).wait_min == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (queue(staff="{count: 8, roster: 'Mon-Fri 08:00-17:00'}"), "a roster"),
        (queue(arrivals="{rate_per_h: 3, profile: emergency}"), "uneven arrivals"),
        (queue(arrivals="{rate_per_h: 3, batch: 2}"), "uneven arrivals"),
        (queue(queue="{room: 3}"), "a bounded queue"),
        (queue(queue="{order: priority, preempt: true}"), "preemption"),
        (queue("allow_unstable: true\n", service="11 min"), "too much work"),
    ],
)
def test_where_theory_is_silent_there_is_a_reason_and_no_number(text: str, why: str) -> None:
    one = desk(text)
    assert (one.wait_min, one.why_none) == (None, why)


def test_runs_are_replications_times_points() -> None:
    found = forecast(load(CLINIC, "x.yaml"))
    assert (found.points, found.least_runs, found.most_runs) == (4, 20, 200)
    one = forecast(load(queue("replications: 7\n"), "x.yaml"))
    assert (one.points, one.least_runs, one.most_runs) == (1, 7, 7)


def test_images_bring_their_own_facts_and_number() -> None:
    found = forecast(load(IMAGES.replace(", count: 5", ""), "x.yaml"))
    assert (found.patients, found.groups) == (None, {})
    assert forecast(load(IMAGES, "x.yaml")).patients == 5


@pytest.mark.parametrize(
    "arrivals",
    [
        "{rate_per_h: 6}",
        "{rate_per_h: 6, profile: weekday-clinic, no_show: 50 %}",
        "{rate_per_h: 3, batch: {sizes: [1, 3], shares: [0.5, 0.5]}}",
        "{gap: 10 min}",
        "{appointments: {every: 20 min, during: 'Mon-Fri 08:00-12:00', patients: 2}}",
        "{replay: {times: [0, 90, 2 h, 20 h, 5000 h]}}",
    ],
)
@pytest.mark.parametrize("horizon", ["30 h", "40 d"])
def test_as_many_come_as_are_expected(arrivals: str, horizon: str) -> None:
    text = queue("allow_unstable: true\n", arrivals=arrivals).replace("100 h", horizon)
    scenario = load(text.replace("cases", "start: Tue 10:15\ncases"), "x.yaml")
    expected = expected_patients(scenario)
    assert expected is not None
    come = [sum(1 for _ in People(scenario, replication)) for replication in range(10)]
    # Groups of up to three: their standard deviation is below twice that of a Poisson process.
    assert sum(come) / 10 == pytest.approx(expected, abs=1e-9 + 4 * 2 * (expected / 10) ** 0.5)


def test_a_count_is_the_most(tmp_path: object) -> None:
    text = queue().replace("source: nominal", "source: nominal, count: 9")
    assert expected_patients(load(text, "x.yaml")) == 9
