"""Regular arrivals or regular service: G/M/1 and M/D/c, from roots of their equations."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.theory.steady import Impossible, Steady, count, patient, positive, stable

STEPS: Final = 200  # halvings; 1074 would exhaust a double, 200 pass its precision by far
NEWTON_STEPS: Final = 100  # quadratic convergence needs fewer than ten
SMALL: Final = 1e-15  # change of a root at which rounding has the last word


def gm1(transform: Callable[[float], float], arrival_rate: float, service_rate: float) -> Steady:
    """Return G/M/1: independent times between arrivals, exponential service, one server.

    Parameters:
        transform: Laplace transform of the time between arrivals, s -> E exp(-s T).
        arrival_rate: 1 / E T, per unit of time.
        service_rate: per unit of time.

    Raises:
        Unstable: the load is 1 or more.
        Impossible: the transform does not have the mean 1 / arrival_rate.

    An arrival waits with probability sigma, the root in (0, 1) of sigma = T*(mu (1 - sigma)), and
    Wq = sigma / (mu (1 - sigma)): L. Kleinrock (1975), Queueing Systems I, sec. 6.4.
    About 1e-16 / (1 - rho) of sigma is rounding.

    >>> round(gm1(deterministic(0.8), 0.8, 1.0).wait, 4)  # D/M/1
    1.6927
    """
    positive("arrival_rate", arrival_rate)
    positive("service_rate", service_rate)
    rho = stable("G/M/1", arrival_rate / service_rate)
    _check_mean(transform, arrival_rate)
    # f(s) = T*(mu (1 - s)) - s is convex, positive at 0, zero at 1, and falls below zero between
    # the root and 1: halving finds the root.
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        sigma = (low + high) / 2
        if transform(service_rate * (1 - sigma)) > sigma:
            low = sigma
        else:
            high = sigma
    if not high < 1:
        raise Impossible("arrival_rate", arrival_rate, f"a load that differs from 1, not {rho!r}")
    wait = high / (service_rate * (1 - high))
    return patient(arrival_rate, 1 / service_rate, 1, wait, high)


def deterministic(rate: float) -> Callable[[float], float]:
    """Return the transform of equal times 1 / rate between arrivals."""
    positive("rate", rate)
    return lambda s: math.exp(-s / rate)


def erlang_k(rate: float, stages: int) -> Callable[[float], float]:
    """Return the transform of Erlang times with `stages` stages and mean 1 / rate."""
    positive("rate", rate)
    count("stages", stages)
    return lambda s: math.exp(-stages * math.log1p(s / (stages * rate)))


def mdc(arrival_rate: float, mean: float, servers: int) -> Steady:
    """Return M/D/c: Poisson arrivals, every service exactly `mean` long, c servers.

    Raises:
        Unstable: the load per server is 1 or more.

    After one service time those in service are gone and Poisson(a) have come, a = lambda mean, so
    the number present repeats X' = max(X - c, 0) + Poisson(a) (C. D. Crommelin 1932, Post Office
    Electrical Engineers' Journal 25, 41-50). Its generating function has the zeros z_k of
    z^c = exp(a (z - 1)) in the unit disc (H. Bruneel, B. G. Kim 1993, Discrete-Time Models for
    Communication Systems Including ATM, ch. 1), from which
    Lq = sum of 1 / (1 - z_k), k = 1..c-1, + (a² - c (c-1)) / (2 (c - a)), and
    P(no wait) = (c - a) / product of (1 - z_k).
    Absolute rounding of Lq is about 1e-16 c².

    >>> round(mdc(0.8, 1.0, 1).wait, 6)
    2.0
    """
    load = positive("arrival_rate", arrival_rate) * positive("mean", mean)
    stable(f"M/D/{count('servers', servers)}", load / servers)
    gaps = 1 - _zeros(load, servers)
    queue = float(np.sum(1 / gaps).real)
    queue += (load * load - servers * (servers - 1)) / (2 * (servers - load))
    # Logarithms, for the product of a thousand factors overflows.
    at_once = math.exp(math.log(servers - load) - float(np.sum(np.log(np.abs(gaps)))))
    # Where hardly anybody waits, rounding can fall on the wrong side of the limits.
    wait, delayed = max(queue, 0.0) / arrival_rate, min(max(1 - at_once, 0.0), 1.0)
    return patient(arrival_rate, mean, servers, wait, delayed)


def _zeros(load: float, servers: int) -> NDArray[np.complex128]:
    """Return the c - 1 roots of z^c = exp(a (z - 1)) within the unit disc, z = 1 left out."""
    turns = np.exp(2j * np.pi * np.arange(1, servers) / servers)
    slope = load / servers
    # Each root solves z = turn exp(slope (z - 1)), which contracts: a few steps of that lead
    # into the reach of Newton's method.
    roots: NDArray[np.complex128] = turns
    for _ in range(10):
        roots = turns * np.exp(slope * (roots - 1))
    for _ in range(NEWTON_STEPS):
        image = turns * np.exp(slope * (roots - 1))
        change = (roots - image) / (1 - slope * image)
        roots = roots - change
        if float(np.max(np.abs(change), initial=0.0)) < SMALL:
            break
    return roots


def _check_mean(transform: Callable[[float], float], arrival_rate: float) -> None:
    step = arrival_rate * 1e-6  # -dT*/ds at 0 is the mean; the error of this quotient is ~1e-6
    mean = (1 - transform(step)) / step
    if not math.isclose(mean * arrival_rate, 1, rel_tol=1e-3):
        raise Impossible("arrival_rate", arrival_rate, f"1 / mean of the transform, {1 / mean!r}")
