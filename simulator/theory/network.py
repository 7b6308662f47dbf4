"""Open networks of stations with Poisson arrivals, exponential service and random routing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.theory.erlang import mmc
from simulator.theory.steady import Impossible, Steady, Unstable, count, nonnegative, positive

Matrix = NDArray[np.float64]


def traffic(
    external_rates: Sequence[float], routing: Sequence[Sequence[float]]
) -> tuple[float, ...]:
    """Return the arrival rate at each node, from outside and from the other nodes.

    Parameters:
        external_rates: Poisson arrivals from outside, per unit of time, shape (n,).
        routing: routing[i][j] is the chance to go from node i to node j, shape (n, n); what a row
            lacks of 1 leaves the network.

    Raises:
        Impossible: a chance beyond its limits, or a node that nobody can ever leave for good.

    Solves lambda = external + routing' lambda: J. R. Jackson (1957), Networks of waiting lines,
    Operations Research 5(4), 518-521, eq. 1.

    >>> [round(rate, 6) for rate in traffic((1.0, 0.0), ((0.0, 1.0), (0.5, 0.0)))]
    [2.0, 2.0]
    """
    external = np.array(
        [nonnegative(f"external_rates[{i}]", rate) for i, rate in enumerate(external_rates)]
    )
    chances = _chances(routing, len(external))
    rates = np.linalg.solve(np.eye(len(external)) - chances.T, external)
    return tuple(float(rate) for rate in np.maximum(rates, 0.0))


def jackson(
    external_rates: Sequence[float],
    routing: Sequence[Sequence[float]],
    service_rates: Sequence[float],
    servers: Sequence[int],
) -> tuple[Steady, ...]:
    """Return each node of an open Jackson network: an M/M/c at the rate of `traffic`.

    Parameters:
        external_rates, routing: as in `traffic`.
        service_rates: of one server of each node, per unit of time, shape (n,).
        servers: of each node, shape (n,).

    Times are per visit; a visit that comes back counts again. A node that nobody reaches has no
    wait: None. Mean time in the network: sum of `number` over the sum of external rates.

    Raises:
        Unstable: a node cannot keep up; its number is in the message.

    J. R. Jackson (1957), as above, theorem; L. Kleinrock (1975), Queueing Systems I, sec. 4.8.

    >>> nodes = jackson((1.0, 0.0), ((0.0, 1.0), (0.5, 0.0)), (3.0, 4.0), (1, 1))
    >>> [round(node.number, 6) for node in nodes]
    [2.0, 1.0]
    """
    if not len(external_rates) == len(service_rates) == len(servers):
        lengths = (len(external_rates), len(service_rates), len(servers))
        raise Impossible("lengths of external_rates, service_rates, servers", lengths, "equal")
    rates = traffic(external_rates, routing)
    nodes = []
    for i, (rate, service_rate, staff) in enumerate(
        zip(rates, service_rates, servers, strict=True)
    ):
        load = rate / (
            count(f"servers[{i}]", staff) * positive(f"service_rates[{i}]", service_rate)
        )
        if not load < 1:
            raise Unstable(f"node {i}", load)
        nodes.append(
            mmc(rate, service_rate, staff)
            if rate > 0
            else Steady(queue=0.0, number=0.0, utilisation=0.0)
        )
    return tuple(nodes)


def _chances(routing: Sequence[Sequence[float]], nodes: int) -> Matrix:
    if nodes == 0 or len(routing) != nodes or any(len(row) != nodes for row in routing):
        shape = [len(row) for row in routing]
        raise Impossible("lengths of routing's rows", shape, f"{nodes} rows of {nodes}, 1 or more")
    chances = np.array(routing, dtype=np.float64)
    leaving = 1 - chances.sum(axis=1)
    for i, row in enumerate(chances):
        # A row such as ten times 0.1 may miss 1 by rounding.
        if not (np.all(row >= 0) and leaving[i] >= -1e-12):
            raise Impossible(
                f"routing[{i}]", row.tolist(), "chances of 0 or more, together at most 1"
            )
    can_leave = leaving > 1e-12
    for _ in range(nodes):
        can_leave = can_leave | ((chances > 0) @ can_leave)
    if not can_leave.all():
        trapped = int(np.argmin(can_leave))
        raise Impossible(
            f"routing[{trapped}]", chances[trapped].tolist(), "a way out of the network"
        )
    return chances
