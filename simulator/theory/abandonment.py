"""Impatient customers: M/M/c+M, known as Erlang A."""

from typing import Final

import numpy as np

from simulator.theory.birth_death import Vector, stationary
from simulator.theory.steady import Impossible, Steady, count, positive

# Assumption: a queue that needs more states than this (128 MB) is a mistake in the rates.
MOST_STATES: Final = 2**24
# Assumption: states with a share below this do not show in double precision.
NEGLIGIBLE: Final = 1e-18


def erlang_a(
    arrival_rate: float, service_rate: float, servers: int, patience_rate: float
) -> Steady:
    """Return M/M/c+M: each waiting customer leaves after an exponential patience.

    Parameters:
        arrival_rate: per unit of time.
        service_rate: of one server, per unit of time.
        servers: 1 or more.
        patience_rate: 1 / mean patience, per unit of time. Patience ends when service begins.

    Any load is stable. `wait` is of those who are served, `wait_all` of all who come, `time` of
    all who come, `delayed` the share that finds all servers busy.

    Raises:
        Impossible: the mean queue is so long that the sums have more than 2**24 states.

    C. Palm (1957), Research on telephone traffic carried by full availability groups, Tele 1;
    A. Mandelbaum, S. Zeltyn (2007), Service engineering in action: the Palm/Erlang-A queue.
    Reneging follows from the balance lambda P(renege) = theta Lq. Wait of the served: who finds
    j waiting is served if the j + 1 moves up come before the own patience ends, each against the
    rate theta; that has probability c mu / (c mu + (j+1) theta), and the moves then take
    sum of 1 / (c mu + (k+1) theta), k = 0..j, on average.

    >>> station = erlang_a(1.0, 1.0, 1, 1.0)  # then the number present is Poisson with mean 1
    >>> round(station.queue, 6), round(station.reneged, 6)
    (0.367879, 0.367879)
    """
    positive("arrival_rate", arrival_rate)
    positive("service_rate", service_rate)
    count("servers", servers)
    positive("patience_rate", patience_rate)
    chances = _chances(arrival_rate, service_rate, servers, patience_rate)
    waiting = chances[servers:]  # shares with 0, 1, ... in the queue and all servers busy
    ahead = np.arange(len(waiting))
    queue = float(waiting @ ahead)
    number = float(chances @ np.arange(len(chances)))
    capacity = servers * service_rate
    moves = capacity + (ahead + 1) * patience_rate
    served_after_wait = waiting * (capacity / moves)
    served = float(chances[:servers].sum() + served_after_wait.sum())
    return Steady(
        wait=float(served_after_wait @ np.cumsum(1 / moves)) / served,
        wait_all=queue / arrival_rate,
        queue=queue,
        time=number / arrival_rate,
        number=number,
        utilisation=(number - queue) / servers,
        delayed=float(waiting.sum()),
        reneged=patience_rate * queue / arrival_rate,
    )


def _chances(
    arrival_rate: float, service_rate: float, servers: int, patience_rate: float
) -> Vector:
    size = servers + 256
    while size <= MOST_STATES:
        states = np.arange(1, size + 1)
        deaths = service_rate * np.minimum(states, servers) + patience_rate * np.maximum(
            states - servers, 0
        )
        chances = stationary(arrival_rate, deaths)
        ratio = arrival_rate / deaths[-1]
        # Beyond the last state the shares fall at least as fast as this geometric series, whose
        # contribution to the mean number is at most size * tail / (1 - ratio).
        if ratio < 1 and size * chances[-1] * ratio / (1 - ratio) ** 2 < NEGLIGIBLE:
            return chances
        size *= 2
    raise Impossible("patience_rate", patience_rate, f"a queue of fewer than {MOST_STATES} states")
