"""Priorities, AI triage and networks: published numbers, laws that must hold, brute force."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import theory
from simulator.theory import Discipline, Impossible, Unstable

# A class: share of the load, mean service, squared coefficient of variation of the service.
classes = st.lists(
    st.tuples(st.floats(0.01, 1), st.floats(0.1, 10), st.floats(0, 5)), min_size=1, max_size=5
)
loads = st.floats(0.05, 0.97)


def of(
    drawn: list[tuple[float, float, float]], load: float
) -> tuple[list[float], list[float], list[float]]:
    total = math.fsum(weight for weight, _, _ in drawn)
    rates = [load * weight / total / mean for weight, mean, _ in drawn]
    return rates, [mean for _, mean, _ in drawn], [m * m * (1 + scv) for _, m, scv in drawn]


def waits(stations: tuple[theory.Steady, ...]) -> list[float]:
    return [station.wait for station in stations if station.wait is not None]


def test_published_single_server() -> None:
    moments = (0.3, 0.5), (1, 1), (2, 2)
    assert waits(theory.nonpreemptive(*moments)) == pytest.approx([1.142857, 5.714286], abs=5e-7)
    assert waits(theory.preemptive_resume(*moments)) == pytest.approx(
        [0.428571, 6.142857], abs=5e-7
    )


def test_published_several_servers() -> None:
    found = waits(theory.nonpreemptive_mmc((0.32, 1.28), 1, 2))
    assert found == pytest.approx([0.423280, 2.116402], abs=5e-7)


@given(classes, loads)
def test_conservation_law(drawn: list[tuple[float, float, float]], load: float) -> None:
    # Kleinrock (1965): no order of service without interruption changes sum of rho_i W_i.
    rates, means, seconds = of(drawn, load)
    residual = sum(r * s / 2 for r, s in zip(rates, seconds, strict=True))
    stations = theory.nonpreemptive(rates, means, seconds)
    kept = sum(r * m * w for r, m, w in zip(rates, means, waits(stations), strict=True))
    assert kept == pytest.approx(load * residual / (1 - load))
    assert waits(stations) == sorted(waits(stations))


@given(classes, loads)
def test_interruption(drawn: list[tuple[float, float, float]], load: float) -> None:
    rates, means, seconds = of(drawn, load)
    stations = theory.preemptive_resume(rates, means, seconds)
    # The first class has the server to itself.
    alone = theory.mg1(rates[0], means[0], drawn[0][2])
    assert stations[0].wait == pytest.approx(alone.wait)
    # It waits no longer than without interruption, and the last class no shorter.
    gentle = theory.nonpreemptive(rates, means, seconds)
    assert waits(stations)[0] <= waits(gentle)[0] * (1 + 1e-9)
    assert waits(stations)[-1] >= waits(gentle)[-1] * (1 - 1e-9)
    for rate, mean, station in zip(rates, means, stations, strict=True):
        assert station.number == pytest.approx(rate * (station.wait or 0) + rate * mean)
        assert station.utilisation == pytest.approx(rate * mean)
        assert station.delayed is None


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=5), loads, st.integers(1, 20))
def test_several_servers(weights: list[float], load: float, servers: int) -> None:
    rates = [load * servers * weight / math.fsum(weights) for weight in weights]
    together = theory.mmc(math.fsum(rates), 1, servers)
    for stations in (
        theory.nonpreemptive_mmc(rates, 1, servers),
        theory.preemptive_resume_mmc(rates, 1, servers),
    ):
        # Service times are alike and forget their past, so no order changes the number present.
        assert sum(s.number or 0 for s in stations) == pytest.approx(together.number)
        assert sum(s.utilisation or 0 for s in stations) == pytest.approx(load)
        assert all(wait >= 0 for wait in waits(stations))
    if servers == 1:
        ones, twos = [1.0] * len(rates), [2.0] * len(rates)
        assert waits(theory.nonpreemptive_mmc(rates, 1, 1)) == pytest.approx(
            waits(theory.nonpreemptive(rates, ones, twos))
        )
        assert waits(theory.preemptive_resume_mmc(rates, 1, 1)) == pytest.approx(
            waits(theory.preemptive_resume(rates, ones, twos)), rel=1e-6
        )


def test_preemption_at_two_servers_agrees_with_the_chain() -> None:
    # Present (i urgent, j other); urgent ones take the servers first. Each state hands its chance
    # on, time step by time step, until nothing changes; the grid is cut where hardly anybody is.
    urgent, other, servers, size = 0.5, 0.7, 2, 50
    step = 1 / (urgent + other + servers)  # no state is left faster
    i, j = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    urgent_done = step * np.minimum(i, servers)
    other_done = step * np.minimum(j, np.maximum(servers - i, 0))
    more_urgent = step * urgent * (i < size - 1)
    more_other = step * other * (j < size - 1)
    stay = 1 - urgent_done - other_done - more_urgent - more_other
    chances = np.zeros((size, size))
    chances[0, 0] = 1
    for _ in range(3000):
        following = chances * stay
        following[1:] += (chances * more_urgent)[:-1]
        following[:-1] += (chances * urgent_done)[1:]
        following[:, 1:] += (chances * more_other)[:, :-1]
        following[:, :-1] += (chances * other_done)[:, 1:]
        chances = following
    stations = theory.preemptive_resume_mmc((urgent, other), 1, servers)
    assert stations[0].number == pytest.approx((chances * i).sum(), rel=1e-6)
    assert stations[1].number == pytest.approx((chances * j).sum(), rel=1e-6)


def test_classes_without_arrivals() -> None:
    first, second = theory.nonpreemptive((0.0, 0.5), (1, 1), (2, 2))
    assert (first.wait, first.number) == (0.5, 0.0)  # a rare urgent visitor waits for the residue
    assert second.wait == pytest.approx(theory.mmc(0.5, 1, 1).wait)
    nobody, all_of_them = theory.preemptive_resume_mmc((0.0, 0.5), 1, 1)
    assert (nobody.wait, nobody.number) == (None, 0.0)
    assert all_of_them.wait == pytest.approx(theory.mmc(0.5, 1, 1).wait)


@pytest.mark.parametrize(
    ("discipline", "diseased", "healthy"),
    [("preemptive", 6.3551, 43.7383), ("nonpreemptive", 13.0841, 42.9907), ("fifo", 40, 40)],
)
def test_ai_triage_published(discipline: Discipline, diseased: float, healthy: float) -> None:
    triage = theory.ai_triage(0.08, 0.1, 0.1, 0.9, 0.1, discipline)
    assert triage.diseased_wait == pytest.approx(diseased, abs=5e-5)
    assert triage.healthy_wait == pytest.approx(healthy, abs=5e-5)
    assert triage.flagged_share == pytest.approx(0.18)


shares = st.floats(0, 1)


@given(
    loads, st.floats(0.01, 0.99), shares, shares, st.integers(1, 8), st.sampled_from(
        theory.DISCIPLINES
    )
)  # fmt: skip
def test_ai_triage_moves_waits_and_makes_none(
    load: float, prevalence: float, sensitivity: float, fpr: float, servers: int,
    discipline: Discipline,
) -> None:  # fmt: skip
    triage = theory.ai_triage(load * servers, 1, prevalence, sensitivity, fpr, discipline, servers)
    fifo = theory.mmc(load * servers, 1, servers).wait
    mean = prevalence * triage.diseased_wait + (1 - prevalence) * triage.healthy_wait
    assert mean == pytest.approx(fifo, rel=1e-6)
    if sensitivity >= fpr:
        assert triage.diseased_wait <= triage.healthy_wait * (1 + 1e-6)


def test_flags_that_say_nothing_change_nothing() -> None:
    fifo = theory.mmc(0.08, 0.1, 1).wait
    for rate in (0.0, 0.3, 1.0):
        triage = theory.ai_triage(0.08, 0.1, 0.2, rate, rate, "preemptive")
        assert triage.diseased_wait == pytest.approx(fifo)
        assert triage.healthy_wait == pytest.approx(fifo)


def test_jackson_tandem_and_feedback() -> None:
    routing = ((0, 0.75, 0.25), (0.2, 0, 0), (0, 0, 0.5))
    external = (2.0, 0.5, 0.0)
    rates = theory.traffic(external, routing)
    assert rates == pytest.approx(
        [external[j] + sum(rates[i] * routing[i][j] for i in range(3)) for j in range(3)]
    )
    nodes = theory.jackson(external, routing, (1, 3, 2), (4, 1, 2))
    for node, rate, mu, c in zip(nodes, rates, (1, 3, 2), (4, 1, 2), strict=True):
        assert node == theory.mmc(rate, mu, c)
    # What comes in goes out.
    leaving = sum(rate * (1 - sum(row)) for rate, row in zip(rates, routing, strict=True))
    assert leaving == pytest.approx(sum(external))


def test_jackson_node_that_nobody_reaches() -> None:
    nodes = theory.jackson((1, 0), ((0, 0), (0.5, 0)), (2, 2), (1, 1))
    assert nodes[0].wait == pytest.approx(0.5)
    assert (nodes[1].wait, nodes[1].number, nodes[1].utilisation) == (None, 0, 0)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: theory.nonpreemptive((1, 1), (1, 1), (2, 2)), Unstable, "of 2 classes"),
        (lambda: theory.nonpreemptive_mmc((1, 1), 1, 2), Unstable, r"per server 1\.0"),
        (lambda: theory.nonpreemptive((0.1,), (1, 1), (2, 2)), Impossible, r"\(1, 2, 2\)"),
        (lambda: theory.nonpreemptive((), (), ()), Impossible, "lengths"),
        (lambda: theory.nonpreemptive((0.1,), (1,), (0.5,)), Impossible, r"second_moments\[0\]"),
        (lambda: theory.preemptive_resume((-0.1,), (1,), (2,)), Impossible, r"rates\[0\]=-0\.1"),
        (lambda: theory.preemptive_resume_mmc((), 1, 1), Impossible, r"rates=\(\)"),
        (lambda: theory.ai_triage(1, 1, 0.1, 0.9, 0.1, "fifo"), Unstable, "M/M/1"),
        (lambda: theory.ai_triage(1, 2, 0, 0.9, 0.1, "fifo"), Impossible, "prevalence=0"),
        (lambda: theory.ai_triage(1, 2, 0.1, 1.9, 0.1, "fifo"), Impossible, r"sensitivity=1\.9"),
        (lambda: theory.ai_triage(1, 2, 0.1, 0.9, 0.1, "lifo"), Impossible, "discipline='lifo'"),  # type: ignore[arg-type]
        (lambda: theory.jackson((1, 0), ((0, 1), (0, 0)), (2, 1), (1, 1)), Unstable, "node 1"),
        (lambda: theory.traffic((1, 0), ((0, 0.5), (0, 1))), Impossible, r"routing\[1\]=.*out"),
        (lambda: theory.traffic((1, 0), ((0, 1), (1, 0))), Impossible, "way out"),
        (lambda: theory.traffic((1, 0), ((0, 1.2), (0, 0))), Impossible, r"routing\[0\]"),
        (lambda: theory.traffic((1, 0), ((0, math.nan), (0, 0))), Impossible, r"routing\[0\]"),
        (lambda: theory.traffic((1, 0), ((0, 1),)), Impossible, "2 rows of 2"),
        (lambda: theory.jackson((1,), ((0,),), (2, 2), (1,)), Impossible, "lengths"),
    ],
)
def test_refusals(call: object, error: type[ValueError], said: str) -> None:
    with pytest.raises(error, match=said):
        call()  # type: ignore[operator]
