"""Poisson arrivals and exponential service where the room is finite: some are turned away."""

import numpy as np

from simulator.theory.birth_death import stationary
from simulator.theory.steady import Impossible, Steady, count, positive


def mmck(arrival_rate: float, service_rate: float, servers: int, room: int) -> Steady:
    """Return M/M/c/K in steady state; any load is stable, for who finds the room full is lost.

    Parameters:
        arrival_rate: of all who come, per unit of time.
        service_rate: of one server, per unit of time.
        servers: c, 1 or more.
        room: K, places in the whole station, those in service included; at least `servers`.

    `wait`, `time` and `delayed` are those of customers who enter. Balance equations of the
    birth-death chain: D. Gross et al. (2008), Fundamentals of Queueing Theory, 4th ed., sec. 2.5.

    >>> two = mmck(3.0, 4.0, 2, 3)
    >>> round(two.number, 6), round(two.blocked, 7)
    (0.76234, 0.0493601)
    """
    positive("arrival_rate", arrival_rate)
    positive("service_rate", service_rate)
    count("servers", servers)
    if count("room", room) < servers:
        raise Impossible("room", room, f"at least as many places as servers, {servers}")
    states = np.arange(room + 1)
    share = stationary(arrival_rate, service_rate * np.minimum(states[1:], servers))
    blocked = float(share[-1])
    entering = float(share[:-1].sum())  # not 1 - blocked, which cancels in overload
    queue = float(share[servers:] @ (states[servers:] - servers))
    number = float(share @ states)
    entering_rate = arrival_rate * entering
    return Steady(
        wait=queue / entering_rate,
        wait_all=queue / entering_rate,
        queue=queue,
        time=number / entering_rate,
        number=number,
        utilisation=(number - queue) / servers,
        delayed=float(share[servers:-1].sum()) / entering,
        blocked=blocked,
    )


def loss(arrival_rate: float, service_rate: float, servers: int) -> Steady:
    """Return Erlang's loss system M/G/c/c: whoever finds all servers busy is lost.

    Exact for every service distribution with mean 1 / service_rate: B. A. Sevast'yanov (1957),
    Theory of Probability and its Applications 2(1), 104-112.

    >>> round(loss(2.0, 1.0, 3).blocked, 6)
    0.210526
    """
    return mmck(arrival_rate, service_rate, servers, servers)
