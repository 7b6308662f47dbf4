"""Published numbers, limits and brute force against the formulas of Erlang and of M/G/1."""

import doctest
import importlib
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import theory
from simulator.theory import Impossible, Steady, Unstable

loads = st.floats(0.01, 0.98)
services = st.floats(0.01, 100)
staff = st.integers(1, 60)


def check(station: Steady, arrival_rate: float) -> None:
    """Little's law, and shares within 0..1."""
    entering = arrival_rate * (1 - station.blocked)
    assert station.wait is not None and station.time is not None and station.queue is not None
    assert station.wait_all is not None and station.number is not None
    assert station.number == pytest.approx(entering * station.time, rel=1e-9)
    assert station.queue == pytest.approx(entering * station.wait_all, rel=1e-9)
    for chance in (station.utilisation, station.delayed, station.blocked, station.reneged):
        assert chance is None or 0 <= chance <= 1 + 1e-12
    assert station.wait >= 0


@pytest.mark.parametrize("name", [
    "abandonment", "birth_death", "erlang", "finite", "network",
    "pollaczek", "priority", "renewal", "steady", "triage",
])  # fmt: skip
def test_examples_of_the_docstrings(name: str) -> None:
    results = doctest.testmod(importlib.import_module(f"simulator.theory.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("arrival_rate", "service_rate", "servers", "wait"),
    [(0.08, 0.1, 1, 40), (0.2, 0.1, 3, 4.44444), (0.25, 0.1, 4, 2.13238), (8, 1, 10, 0.204590)],
)
def test_mmc_published(arrival_rate: float, service_rate: float, servers: int, wait: float) -> None:
    assert theory.mmc(arrival_rate, service_rate, servers).wait == pytest.approx(wait, rel=5e-6)


@given(loads, services, staff)
def test_mmc_invariants(load: float, service_rate: float, servers: int) -> None:
    arrival_rate = load * service_rate * servers
    station = theory.mmc(arrival_rate, service_rate, servers)
    check(station, arrival_rate)
    assert station.utilisation == pytest.approx(load)


def test_mmc_with_a_thousand_servers_agrees_with_the_chain() -> None:
    # Another way to the same number: the balance equations, with a room that never fills.
    station, chain = theory.mmc(980, 1, 1000), theory.mmck(980, 1, 1000, 4000)
    assert station.wait == pytest.approx(chain.wait, rel=1e-10)
    assert station.delayed == pytest.approx(chain.delayed, rel=1e-10)
    assert theory.mmc(1.0, 1, 1000).delayed == 0  # a chance below the smallest double


def test_wait_quantile_inverts_the_distribution() -> None:
    station = theory.mmc(0.25, 0.1, 4)
    assert station.delayed is not None
    t = theory.wait_quantile(0.25, 0.1, 4, 0.9)
    assert station.delayed * math.exp(-(0.4 - 0.25) * t) == pytest.approx(0.1)
    assert theory.wait_quantile(0.25, 0.1, 4, 1 - station.delayed - 1e-9) == 0
    assert theory.wait_quantile(0.25, 0.1, 4, 1) == math.inf
    # The mean is the integral of the quantiles.
    p = (np.arange(20_000) + 0.5) / 20_000
    mean = np.mean([theory.wait_quantile(0.25, 0.1, 4, float(q)) for q in p])
    assert mean == pytest.approx(station.wait, rel=1e-3)


def test_mminf_is_the_limit_of_many_servers() -> None:
    endless, many = theory.mminf(3, 2), theory.mmc(3, 2, 200)
    assert endless.number == pytest.approx(many.number)
    assert endless.time == pytest.approx(many.time)
    assert endless.utilisation is None


def test_mmck_published() -> None:
    station = theory.mmck(3, 4, 2, 3)
    assert station.number == pytest.approx(0.762340, abs=5e-7)
    assert station.blocked == pytest.approx(0.0493601, abs=5e-8)  # = 27/547
    assert station.blocked == pytest.approx(27 / 547, rel=1e-14)


@given(st.floats(0.01, 5), services, st.integers(1, 20), st.integers(0, 50))
def test_mmck_invariants(load: float, service_rate: float, servers: int, places: int) -> None:
    arrival_rate = load * service_rate * servers
    station = theory.mmck(arrival_rate, service_rate, servers, servers + places)
    check(station, arrival_rate)
    # What enters is what is served.
    assert station.utilisation is not None
    assert arrival_rate * (1 - station.blocked) == pytest.approx(
        station.utilisation * servers * service_rate, rel=1e-9
    )


def test_mmck_limits() -> None:
    wide, endless = theory.mmck(0.7, 1, 1, 500), theory.mmc(0.7, 1, 1)
    assert wide.wait == pytest.approx(endless.wait)
    assert wide.delayed == pytest.approx(endless.delayed)
    closed = theory.loss(7, 1, 9)
    assert closed.blocked == pytest.approx(theory.erlang_b(7, 9), rel=1e-12)
    assert (closed.wait, closed.queue, closed.delayed) == (0, 0, 0)
    # At equal rates all states of M/M/1/K are equally likely.
    assert theory.mmck(1, 1, 1, 4).number == pytest.approx(2)
    # Overload far beyond what the weights could be written as.
    crowded = theory.mmck(100, 1, 1, 2000)
    assert crowded.blocked == pytest.approx(0.99)
    assert crowded.number == pytest.approx(2000 - 1 / 99)


def test_mg1_published_and_limit() -> None:
    assert theory.mg1(0.8, 1, 0).wait == pytest.approx(2)
    assert theory.mg1(0.8, 1, 2).wait == pytest.approx(6)
    assert theory.mg1(0.08, 10, 1) == theory.mg1(0.08, 10, 1.0)
    assert theory.mg1(0.08, 10, 1).wait == pytest.approx(theory.mmc(0.08, 0.1, 1).wait)


@given(loads, services, st.floats(0, 20))
def test_mg1_invariants(load: float, mean: float, scv: float) -> None:
    check(theory.mg1(load / mean, mean, scv), load / mean)


def test_allen_cunneen_is_exact_where_it_should_be() -> None:
    approximation = theory.allen_cunneen_approximation
    assert approximation(0.25, 0.1, 4, 1, 1).wait == theory.mmc(0.25, 0.1, 4).wait
    assert approximation(0.8, 1, 1, 1, 0.3).wait == pytest.approx(theory.mg1(0.8, 1, 0.3).wait)
    # Elsewhere near: M/D/2.
    exact = theory.mdc(1.6, 1, 2).wait
    assert approximation(1.6, 1, 2, 1, 0).wait == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("load", [0.1, 0.5, 0.8, 0.95, 0.999])
def test_gm1(load: float) -> None:
    exponential = theory.gm1(lambda s: load / (load + s), load, 1)
    assert exponential.wait == pytest.approx(theory.mmc(load, 1, 1).wait, rel=1e-9)
    one_stage = theory.gm1(theory.erlang_k(load, 1), load, 1)
    assert one_stage.wait == pytest.approx(exponential.wait, rel=1e-9)
    regular = theory.gm1(theory.deterministic(load), load, 1)
    many_stages = theory.gm1(theory.erlang_k(load, 100_000), load, 1)
    assert many_stages.wait == pytest.approx(regular.wait, rel=1e-3)
    assert regular.wait is not None and exponential.wait is not None
    assert regular.wait < exponential.wait
    check(regular, load)


def test_gm1_refuses_a_transform_of_another_mean() -> None:
    with pytest.raises(Impossible, match=r"arrival_rate=0\.8"):
        theory.gm1(theory.deterministic(0.4), 0.8, 1)


@pytest.mark.parametrize(("load", "servers"), [(0.3, 2), (1.6, 2), (2.7, 3), (9, 10)])
def test_mdc_agrees_with_its_chain(load: float, servers: int) -> None:
    # X' = max(X - c, 0) + Poisson(load), turned until nothing changes.
    size = 400
    poisson = np.exp(
        np.arange(size) * math.log(load) - load - [math.lgamma(k + 1) for k in range(size)]
    )
    chances = np.eye(1, size)[0]
    for _ in range(3000):
        left = chances[servers:].copy()
        left[0] += chances[:servers].sum()
        chances = np.convolve(left, poisson)[:size]
    station = theory.mdc(load, 1, servers)
    queue = chances[servers:] @ np.arange(size - servers)
    assert station.queue == pytest.approx(queue, rel=1e-9)
    assert station.delayed == pytest.approx(chances[servers:].sum(), rel=1e-9)


def test_mdc_limits() -> None:
    assert theory.mdc(0.8, 1, 1).wait == pytest.approx(theory.mg1(0.8, 1, 0).wait)
    assert theory.mdc(0.8, 1, 1).delayed == pytest.approx(0.8)
    many = theory.mdc(0.5, 1, 1000)  # nobody waits
    assert many.wait == pytest.approx(0, abs=1e-8)
    assert many.delayed == pytest.approx(0, abs=1e-8)
    check(theory.mdc(995, 1, 1000), 995)


@given(st.floats(0.01, 3), services, st.integers(1, 30), st.floats(0.001, 1000))
def test_erlang_a_invariants(
    load: float, service_rate: float, servers: int, impatience: float
) -> None:
    arrival_rate = load * service_rate * servers
    station = theory.erlang_a(arrival_rate, service_rate, servers, impatience * service_rate)
    check(station, arrival_rate)
    # Who comes is served or leaves.
    assert station.utilisation is not None
    assert station.utilisation * servers * service_rate == pytest.approx(
        arrival_rate * (1 - station.reneged), rel=1e-6, abs=1e-12
    )


def test_erlang_a_limits() -> None:
    patient, endless = theory.erlang_a(0.25, 0.1, 4, 1e-9), theory.mmc(0.25, 0.1, 4)
    assert patient.wait == pytest.approx(endless.wait, rel=1e-6)
    assert patient.delayed == pytest.approx(endless.delayed, rel=1e-6)
    hasty, closed = theory.erlang_a(7, 1, 9, 1e9), theory.loss(7, 1, 9)
    assert hasty.reneged == pytest.approx(closed.blocked, rel=1e-6)
    # With theta = mu every one present leaves at rate mu: the number present is Poisson.
    poisson = theory.erlang_a(20, 1, 15, 1)
    assert poisson.number == pytest.approx(20, rel=1e-12)
    # Overload is served at capacity: reneged = 1 - 1/rho in the fluid limit.
    assert theory.erlang_a(2000, 1, 1000, 1).reneged == pytest.approx(0.5, rel=1e-9)


def test_erlang_a_wait_of_the_served_by_simulation() -> None:
    # Lindley's recursion with patience. Who finds more
    # unfinished work than patience leaves without adding any.
    rng = np.random.default_rng(7)
    n = 200_000
    gaps, work, patience = rng.exponential(1 / 0.9, n), rng.exponential(1, n), rng.exponential(2, n)
    ahead, served, lost = 0.0, [], 0
    for gap, service, limit in zip(gaps.tolist(), work.tolist(), patience.tolist(), strict=True):
        ahead = max(ahead - gap, 0.0)
        if ahead < limit:
            served.append(ahead)
            ahead += service
        else:
            lost += 1
    station = theory.erlang_a(0.9, 1, 1, 0.5)
    assert np.mean(served) == pytest.approx(station.wait, rel=0.02)
    assert lost / n == pytest.approx(station.reneged, rel=0.02)
    assert station.wait_all is not None and station.wait is not None
    assert station.wait > 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: theory.mmc(1, 1, 1), "M/M/1 has no steady state: load per server 1.0"),
        (lambda: theory.mg1(0.2, 10, 1), "M/G/1 has no steady state: load per server 2.0"),
        (lambda: theory.mdc(4, 1, 3), "M/D/3"),
        (lambda: theory.gm1(theory.deterministic(2), 2, 1), "G/M/1"),
    ],
)
def test_overload_is_unstable(call: object, said: str) -> None:
    with pytest.raises(Unstable, match=said):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: theory.mmc(-1, 1, 1), "arrival_rate=-1"),
        (lambda: theory.mmc(math.nan, 1, 1), "arrival_rate=nan"),
        (lambda: theory.mmc(1, math.inf, 1), "service_rate=inf"),
        (lambda: theory.mmc(1, 2, 0), "servers=0"),
        (lambda: theory.mmc(1, 2, 1.5), "servers=1.5"),  # type: ignore[arg-type]
        (lambda: theory.mmck(1, 2, 3, 2), "room=2"),
        (lambda: theory.mg1(0.5, 1, -0.1), "scv=-0.1"),
        (lambda: theory.wait_quantile(0.5, 1, 1, 1.2), "p=1.2"),
        (lambda: theory.erlang_a(1, 2, 1, 0), "patience_rate=0"),
        (lambda: theory.erlang_a(2, 1, 1, 1e-12), "patience_rate=1e-12"),
        (lambda: theory.erlang_k(1, 0), "stages=0"),
    ],
)
def test_impossible_arguments_are_named(call: object, said: str) -> None:
    with pytest.raises(Impossible, match=said):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("error", [Impossible("p", 2, "less"), Unstable("M/M/1", 1.5)])
def test_errors_are_value_errors_and_survive_pickling(error: ValueError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (type(again), str(again), again.args) == (type(error), str(error), error.args)
