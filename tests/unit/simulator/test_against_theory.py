"""The engine against exact results: means over replications within three standard errors.

What a helper of `clinics` compares is the mean over independent replications; `within` is how wide
three standard errors may be, so that a test that sees nothing does not pass for one that agrees.

Of a hundred true statements with nine degrees of freedom, one or two miss three standard errors by
chance. Where that happened, the test takes more replications, never another seed.
"""

import math
from contextlib import closing
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from clinics import assert_agrees, clinic, exponential, measured, patients, per_min, replicated, run

from simulator import theory
from simulator.theory.steady import Steady


def of_desk(steady: Steady, servers: str = "server") -> dict[str, float]:
    """What a station's metrics should be."""
    named = {
        "wait.desk.mean": steady.wait,
        "queue.desk.mean": steady.queue,
        "number.desk.mean": steady.number,
        f"utilisation.{servers}": steady.utilisation,
    }
    return {name: value for name, value in named.items() if value is not None}


@pytest.mark.parametrize(
    ("rate", "service_rate", "servers", "wait", "patients", "within"),
    [
        (0.08, 0.1, 1, 40.0, 20_000, 0.12),
        (0.2, 0.1, 3, 4.444444, 10_000, 0.15),
        (0.25, 0.1, 4, 2.132380, 10_000, 0.16),
        (8.0, 1.0, 10, 0.204590, 12_000, 0.22),
    ],
)
def test_m_m_c(
    rate: float, service_rate: float, servers: int, wait: float, patients: int, within: float
) -> None:
    station = clinic(
        arrivals=per_min(rate),
        service=exponential(1 / service_rate),
        servers=servers,
        horizon=f"{patients / rate!r} min",
    )
    exact = theory.mmc(rate, service_rate, servers)
    assert exact.wait == pytest.approx(wait, rel=1e-5)
    expected = of_desk(exact) | {"delayed.desk.share": exact.delayed}
    warmup_min = 100 / service_rate
    assert_agrees(station, expected, warmup_min=warmup_min, within=within)


def test_m_m_c_with_a_waiting_room() -> None:
    station = clinic(
        arrivals=per_min(3),
        service=exponential(0.25),
        servers=2,
        queue={"room": 1},
        horizon="3000 min",
    )
    exact = theory.mmck(3, 4, 2, 3)
    expected = of_desk(exact) | {
        "number.desk.mean": 0.762340,
        "blocked.desk.share": 0.0493602,
        "delayed.desk.share": exact.delayed,
    }
    assert_agrees(station, expected, warmup_min=10)


@pytest.mark.parametrize(
    ("service", "scv", "wait", "patients"),
    [
        ("1 min", 0.0, 2.0, 8_000),
        ({"lognormal": {"mean": "1 min", "sd": f"{math.sqrt(2)!r} min"}}, 2.0, 6.0, 10_000),
        ({"gamma": {"mean": "1 min", "sd": f"{math.sqrt(2)!r} min"}}, 2.0, 6.0, 10_000),
        ({"hyperexponential": {"mean": "1 min", "sd": f"{math.sqrt(2)!r} min"}}, 2.0, 6.0, 10_000),
        ({"erlang": {"mean": "1 min", "phases": 3}}, 1 / 3, 8 / 3, 8_000),
    ],
    ids=["constant", "lognormal", "gamma", "hyperexponential", "erlang"],
)
def test_m_g_1(service: Any, scv: float, wait: float, patients: int) -> None:
    station = clinic(arrivals=per_min(0.8), service=service, horizon=f"{patients / 0.8} min")
    exact = theory.mg1(0.8, 1.0, scv)
    assert exact.wait == pytest.approx(wait)
    assert_agrees(station, of_desk(exact), within=0.25)


def classes(*rates: float, **of_class: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"c{place}", "arrivals": per_min(rate), "priority": place}
        | {key: values[place] for key, values in of_class.items()}
        for place, rate in enumerate(rates)
    ]


def of_classes(stations: tuple[Steady, ...]) -> dict[str, float]:
    waits = {f"wait.desk.mean{{class=c{k}}}": one.wait for k, one in enumerate(stations)}
    return {name: wait for name, wait in waits.items() if wait is not None}


@pytest.mark.parametrize(
    ("preempt", "rates", "servers", "waits"),
    [
        ("no", (0.3, 0.5), 1, (1.142857, 5.714286)),
        ("resume", (0.3, 0.5), 1, (0.428571, 6.142857)),
        ("no", (0.32, 1.28), 2, (0.423280, 2.116402)),
    ],
)
def test_two_classes(
    preempt: str, rates: tuple[float, ...], servers: int, waits: tuple[float, ...]
) -> None:
    station = clinic(
        classes=classes(*rates),
        service=exponential(1),
        servers=servers,
        queue={"order": "priority", "preempt": preempt},
        horizon="10000 min",
    )
    of = theory.nonpreemptive_mmc if preempt == "no" else theory.preemptive_resume_mmc
    exact = of(rates, 1.0, servers)
    assert [one.wait for one in exact] == pytest.approx(waits, rel=1e-5)
    assert_agrees(station, of_classes(exact), within=0.27)


@pytest.mark.parametrize("preempt", ["no", "resume"])
def test_three_classes_at_several_servers(preempt: str) -> None:
    rates = (0.6, 0.6, 0.9)
    station = clinic(
        classes=classes(*rates),
        service=exponential(1),
        servers=3,
        queue={"order": "priority", "preempt": preempt},
        horizon="4000 min",
    )
    of = theory.nonpreemptive_mmc if preempt == "no" else theory.preemptive_resume_mmc
    assert_agrees(station, of_classes(of(rates, 1.0, 3)), within=0.4)


@pytest.mark.parametrize("preempt", ["no", "resume"])
def test_classes_with_services_of_their_own(preempt: str) -> None:
    rates, means = (0.2, 0.1, 0.1), (1.0, 2.0, 3.0)
    seconds = (2.0, 4.0, 13.5)  # exponential, constant, and gamma of squared cv 1/2
    services = [
        {"desk": exponential(1)},
        {"desk": "2 min"},
        {"desk": {"gamma": {"mean": "3 min", "sd": f"{math.sqrt(4.5)!r} min"}}},
    ]
    station = clinic(
        classes=classes(*rates, service=services),
        queue={"order": "priority", "preempt": preempt},
        horizon="20000 min",
    )
    of = theory.nonpreemptive if preempt == "no" else theory.preemptive_resume
    assert_agrees(station, of_classes(of(rates, means, seconds)), within=0.12)


def reading_room(**queue: str) -> dict[str, Any]:
    return {
        "pathway": [
            {"id": "ai", "twin": "score", "then": "desk"},
            {
                "id": "desk",
                "staff": "server",
                "service": exponential(10),
                "queue": queue,
                "then": "end",
            },
        ]
    }


@pytest.mark.parametrize(
    ("queue", "discipline", "diseased", "healthy"),
    [
        ({"order": "ai", "preempt": "resume"}, "preemptive", 6.3551, 43.7383),
        ({"order": "flag"}, "nonpreemptive", 13.0841, 42.9907),
        ({"order": "fifo"}, "fifo", 40.0, 40.0),
    ],
    ids=["preemptive", "nonpreemptive", "fifo"],
)
def test_ai_triage(queue: dict[str, str], discipline: Any, diseased: float, healthy: float) -> None:
    room = clinic(
        arrivals=per_min(0.08),
        cases={
            "source": "nominal",
            "population": {"prevalence": 0.1},
            "ai": {"sensitivity": 0.9, "specificity": 0.9},
        },
        horizon="100000 min",
        **reading_room(**queue),
    )
    exact = theory.ai_triage(0.08, 0.1, 0.1, 0.9, 0.1, discipline)
    assert exact.diseased_wait == pytest.approx(diseased, rel=1e-5)
    assert exact.healthy_wait == pytest.approx(healthy, rel=1e-5)
    expected = {
        "wait.desk.mean{truth=malignant}": diseased,
        "wait.desk.mean{truth=benign}": healthy,
    }
    assert_agrees(room, expected, warmup_min=2000, within=0.2)


def test_an_ai_with_several_operating_points_makes_several_classes() -> None:
    points = [(0.0, 0.0), (0.05, 0.6), (0.2, 0.9), (1.0, 1.0)]
    prevalence, rate = 0.2, 1.6
    room = clinic(
        arrivals=per_min(rate),
        cases={
            "source": "nominal",
            "population": {"prevalence": prevalence},
            "ai": {"roc": [{"fpr": fpr, "tpr": tpr} for fpr, tpr in points[1:-1]]},
        },
        staff={"server": 2},
        horizon="5000 min",
        pathway=[
            {"id": "ai", "twin": "score", "then": "desk"},
            {
                "id": "desk",
                "staff": "server",
                "service": exponential(1),
                "queue": "ai",
                "then": "end",
            },
        ],
    )
    steps = list(pairwise(points))
    ill = [tpr - tpr0 for (_, tpr0), (_, tpr) in steps]
    well = [fpr - fpr0 for (fpr0, _), (fpr, _) in steps]
    rates = [rate * (prevalence * i + (1 - prevalence) * w) for i, w in zip(ill, well, strict=True)]
    waits = [one.wait or 0.0 for one in theory.nonpreemptive_mmc(rates, 1.0, 2)]
    expected = {
        "wait.desk.mean{truth=malignant}": float(np.dot(ill, waits)),
        "wait.desk.mean{truth=benign}": float(np.dot(well, waits)),
    }
    assert_agrees(room, expected, within=0.2)


def test_a_call_centre_with_impatient_callers() -> None:
    centre = clinic(
        arrivals=per_min(11),
        service=exponential(1),
        servers=10,
        queue={"patience": exponential(2)},
        horizon="700 min",
    )
    exact = theory.erlang_a(11, 1, 10, 0.5)
    assert_agrees(
        centre, of_desk(exact) | {"reneged.desk.share": exact.reneged}, warmup_min=20, within=0.15
    )


@pytest.mark.parametrize(
    "service", [exponential(1), {"lognormal": {"mean": "1 min", "sd": "1.5 min"}}, "1 min"], ids=str
)
def test_a_loss_system_loses_the_same_whatever_the_service(service: Any) -> None:
    # Of an emergency treatment centre without a waiting room: Erlang's formula is insensitive.
    centre = clinic(
        arrivals=per_min(2), service=service, servers=3, queue={"room": 0}, horizon="2500 min"
    )
    exact = theory.loss(2, 1, 3)
    expected = {
        "blocked.desk.share": exact.blocked,
        "number.desk.mean": exact.number or 0.0,
        "utilisation.server": exact.utilisation or 0.0,
    }
    assert_agrees(centre, expected, warmup_min=20)


def test_constant_service_at_several_servers() -> None:
    station = clinic(arrivals=per_min(2.4), service="1 min", servers=3, horizon="3000 min")
    assert_agrees(station, of_desk(theory.mdc(2.4, 1.0, 3)))


@pytest.mark.parametrize(
    "arrivals",
    [
        {"gap": "2 min"},
        {"appointments": {"every": "2 min", "during": "daily 00:00-24:00"}},
    ],
    ids=["gap", "appointments"],
)
def test_regular_arrivals(arrivals: dict[str, Any]) -> None:
    station = clinic(arrivals=arrivals, service=exponential(1.6), horizon="15000 min")
    exact = theory.gm1(theory.deterministic(0.5), 0.5, 1 / 1.6)
    assert_agrees(
        station, of_desk(exact) | {"delayed.desk.share": exact.delayed or 0.0}, within=0.15
    )


def test_renewal_arrivals() -> None:
    station = clinic(
        arrivals={"gap": {"erlang": {"mean": "2 min", "phases": 2}}},
        service=exponential(1.5),
        horizon="20000 min",
    )
    assert_agrees(station, of_desk(theory.gm1(theory.erlang_k(0.5, 2), 0.5, 1 / 1.5)), within=0.12)


NODES = ("triage", "exam", "lab", "imaging", "review")
ROUTING = (
    (0.0, 0.7, 0.0, 0.3, 0.0),
    (0.0, 0.0, 0.4, 0.2, 0.4),
    (0.0, 0.2, 0.0, 0.0, 0.8),
    (0.0, 0.0, 0.1, 0.0, 0.9),
    (0.0, 0.15, 0.0, 0.05, 0.0),
)
MEANS_MIN = (1.0, 3.0, 2.0, 2.5, 1.5)
SERVERS = (2, 4, 2, 2, 3)


def test_a_network_with_feedback() -> None:
    pathway = [
        {
            "id": node,
            "staff": node,
            "service": exponential(mean_min),
            "then": {to: share for to, share in zip(NODES, row, strict=True) if share}
            | ({"end": "otherwise"} if sum(row) < 1 else {}),
        }
        for node, row, mean_min in zip(NODES, ROUTING, MEANS_MIN, strict=True)
    ]
    network = clinic(
        arrivals=per_min(0.9),
        pathway=pathway,
        staff=dict(zip(NODES, SERVERS, strict=True)),
        horizon="5000 min",
    )
    outside = (0.9, 0.0, 0.0, 0.0, 0.0)
    exact = theory.jackson(outside, ROUTING, [1 / mean for mean in MEANS_MIN], SERVERS)
    expected: dict[str, float] = {}
    for node, steady in zip(NODES, exact, strict=True):
        assert steady.number and steady.wait and steady.utilisation
        expected[f"number.{node}.mean"] = steady.number
        expected[f"wait.{node}.mean"] = steady.wait
        expected[f"utilisation.{node}"] = steady.utilisation
    number = sum(steady.number or 0.0 for steady in exact)
    expected |= {"number_in_system.mean": number, "time_in_system.mean": number / 0.9}
    assert_agrees(network, expected, within=0.2)


def test_who_comes_back_queues_again() -> None:
    # Bernoulli feedback: each visit is one to an M/M/1 at rate 0.35 / (1 - 0.5).
    station = clinic(
        arrivals=per_min(0.35),
        pathway=[
            {
                "id": "desk",
                "staff": "server",
                "service": exponential(1),
                "then": {"desk": 0.5, "end": 0.5},
            }
        ],
        horizon="15000 min",
    )
    exact = theory.mmc(0.7, 1, 1)
    expected = of_desk(exact) | {
        "visits.desk.count": 0.7 * 14_800,
        "time_in_system.mean": (exact.number or 0.0) / 0.35,
    }
    assert_agrees(station, expected)


def test_patients_who_come_in_groups() -> None:
    # M^[X]/M/1 with geometric groups of mean m: L = rho m / (1 - rho), since E X² / E X = 2 m - 1
    # (D. Gross et al. 2008, Fundamentals of Queueing Theory, 4th ed., section 3.1).
    m, rho = 2.5, 0.6
    station = clinic(
        arrivals={"rate_per_h": 60 * rho / m, "batch": {"mean": m}},
        service=exponential(1),
        horizon="15000 min",
    )
    number = rho * m / (1 - rho)
    expected = {
        "number.desk.mean": number,
        "wait.desk.mean": number / rho - 1,
        "utilisation.server": rho,
    }
    assert_agrees(station, expected)


def test_delays_have_no_queue() -> None:
    # M/G/infinity: the number there is Poisson, whatever the delay's distribution.
    laboratory = clinic(
        arrivals=per_min(0.5),
        pathway=[
            {"id": "lab", "delay": {"gamma": {"mean": "20 min", "sd": "15 min"}}, "then": "end"}
        ],
        staff={},
        horizon="5000 min",
    )
    expected = {"number_in_system.mean": 10.0, "time_in_system.mean": 20.0}
    assert_agrees(laboratory, expected, within=0.05)
    with closing(run(laboratory)) as journal:
        arrival_min, closed_min = (
            np.array(patients(journal, name)) for name in ("arrival_min", "closed_min")
        )
    looks = np.arange(200.0, 5000.0, 60.0)  # further apart than any two looks can remember
    present = [int(((arrival_min <= at) & (closed_min > at)).sum()) for at in looks]
    # The variance of a Poisson sample of n has a relative standard error of about sqrt(2 / n).
    assert np.var(present, ddof=1) == pytest.approx(10, rel=3 * math.sqrt(2.1 / len(looks)))


def test_a_delay_between_two_stations_leaves_both_as_they_are() -> None:
    # What leaves an M/M/1 is Poisson (Burke 1956), and so is what leaves an M/G/infinity.
    tandem = clinic(
        arrivals=per_min(0.6),
        pathway=[
            {"id": "desk", "staff": "server", "service": exponential(1), "then": "lab"},
            {"id": "lab", "delay": "45 min", "then": "room"},
            {"id": "room", "staff": "doctor", "service": exponential(2), "then": "end"},
        ],
        staff={"server": 1, "doctor": 2},
        horizon="15000 min",
    )
    first, second = theory.mmc(0.6, 1, 1), theory.mmc(0.6, 0.5, 2)
    expected = of_desk(first) | {
        "wait.room.mean": second.wait or 0.0,
        "utilisation.doctor": second.utilisation or 0.0,
        "time_in_system.mean": (first.time or 0.0) + 45 + (second.time or 0.0),
    }
    assert_agrees(tandem, expected)


def test_of_two_groups_needed_together_the_smaller_counts() -> None:
    station = clinic(
        arrivals=per_min(1.4),
        pathway=[
            {"id": "desk", "staff": ["nurse", "room"], "service": exponential(1), "then": "end"}
        ],
        staff={"nurse": 3, "room": 2},
        horizon="8000 min",
    )
    exact = theory.mmc(1.4, 1, 2)
    expected = of_desk(exact, "room") | {"utilisation.nurse": 1.4 / 3}
    assert_agrees(station, expected)


def test_one_group_at_two_nodes_has_one_queue() -> None:
    # M/G/1 of a mixture: E S² = (0.3 × 2 + 0.2 × 8) / 0.5; the wait is the same at both nodes.
    station = clinic(
        classes=[
            {"id": "a", "arrivals": per_min(0.3)},
            {"id": "b", "arrivals": per_min(0.2), "enter": "room"},
        ],
        pathway=[
            {"id": "desk", "staff": "server", "service": exponential(1), "then": "end"},
            {"id": "room", "staff": "server", "service": exponential(2), "then": "end"},
        ],
        horizon="8000 min",
    )
    wait = (0.3 * 2 + 0.2 * 8) / 2 / (1 - 0.7)
    expected = {"wait.desk.mean": wait, "wait.room.mean": wait, "utilisation.server": 0.7}
    assert_agrees(station, expected, replications=24)


def test_who_balks() -> None:
    # A birth-death process: from one patient waiting on, every second newcomer turns away.
    rate = 0.9
    station = clinic(
        arrivals=per_min(rate),
        service=exponential(1),
        queue={"balk": {"at_length": 1, "share": 0.5}},
        horizon="10000 min",
    )
    weights = [1.0, rate]
    weights += [rate**2 * (rate / 2) ** k for k in range(60)]
    chances = np.array(weights) / sum(weights)
    expected = {
        "balked.desk.share": float(chances[2:].sum()) / 2,
        "number.desk.mean": float(chances @ np.arange(62)),
        "utilisation.server": 1 - float(chances[0]),
    }
    assert_agrees(station, expected)


def test_people_on_duty_half_the_day_work_twice_as_much() -> None:
    station = clinic(
        arrivals={"rate_per_h": 6},
        service=exponential(4),
        staff={"server": {"count": 1, "roster": "daily 08:00-20:00"}},
        horizon="28 d",
    )
    expected = {"utilisation.server": 6 / 60 * 4 / 0.5}
    assert_agrees(station, expected, warmup_min=1440, within=0.04)
    with closing(run(station)) as journal:
        start_min = journal.visits["desk"].column("start_min")
    start_min = start_min[~np.isnan(start_min)] % 1440
    assert start_min.min() >= 480 - 1e-6
    assert start_min.max() < 1200 + 1e-6


def test_a_profile_brings_patients_by_the_hour() -> None:
    factors = [0.0] * 7 + [1.0, 3.0, 4.0, 2.0] + [1.0] * 9 + [0.5] * 4
    station = clinic(arrivals={"rate_per_d": 48, "profile": factors}, servers=20, horizon="182 d")
    with closing(run(station)) as journal:
        hours = (np.array(patients(journal, "arrival_min")) // 60 % 24).astype(int)
    counts = np.bincount(hours, minlength=24)
    mean = 182 * 48 * np.array(factors) / sum(factors)
    assert (counts[mean == 0] == 0).all()
    some = mean > 0
    # The 0.999 quantile of chi-squared with 17 degrees of freedom.
    assert some.sum() == 17
    assert (((counts - mean) ** 2)[some] / mean[some]).sum() < 40.8


def test_nobody_is_forgotten_where_the_overdue_go_first() -> None:
    def waits(**queue: Any) -> dict[str, float]:
        station = clinic(
            classes=classes(0.6, 0.3),
            service=exponential(1),
            queue={"order": "priority"} | queue,
            horizon="10000 min",
        )
        return measured(station, warmup_min=200).values

    never, soon, at_once = waits(), waits(overdue_after="15 min"), waits(overdue_after="1 s")
    last, first = "wait.desk.max{class=c1}", "wait.desk.mean{class=c0}"
    assert soon[last] < never[last]
    assert never[first] < soon[first] < at_once[first]
    # All overdue at once is first come, first served.
    assert at_once[first] == pytest.approx(at_once["wait.desk.mean{class=c1}"], rel=0.15)


def test_replications_are_independent() -> None:
    # Of 40 replications, the correlation of neighbours is within three standard errors of none.
    station = clinic(arrivals=per_min(0.5), service=exponential(1), horizon="1000 min")
    waits = replicated(station, ["wait.desk.mean"], 40)["wait.desk.mean"]
    assert len(set(waits.tolist())) == 40
    assert abs(np.corrcoef(waits[:-1], waits[1:])[0, 1]) < 3 / math.sqrt(39)
