"""Poisson arrivals, exponential service, c servers, endless room: Erlang's formulas."""

import math

from simulator.theory.steady import Steady, count, nonnegative, patient, positive, share, stable


def erlang_b(load: float, servers: int) -> float:
    """Return the share of calls lost at `servers` servers without a waiting room.

    Parameters:
        load: offered load in erlang: arrival rate times mean service time.
        servers: 0 or more.

    B(0) = 1, B(k) = a B(k-1) / (k + a B(k-1)), which neither overflows nor cancels: A. K. Erlang
    (1917); recursion in L. Kleinrock (1975), Queueing Systems I, sec. 3.7, and D. L. Jagerman
    (1974), Bell System Technical Journal 53(3), 525-551.

    >>> round(erlang_b(2.0, 3), 6)
    0.210526
    """
    load, servers = nonnegative("load", load), count("servers", servers, least=0)
    lost = 1.0
    for k in range(1, servers + 1):
        lost = load * lost / (k + load * lost)
    return lost


def mmc(arrival_rate: float, service_rate: float, servers: int) -> Steady:
    """Return M/M/c in steady state.

    Parameters:
        arrival_rate: per unit of time.
        service_rate: of one server, per unit of time.
        servers: 1 or more.

    Raises:
        Unstable: the load per server is 1 or more.

    Erlang C from Erlang B: C = B / (1 - rho (1 - B)), Wq = C / (c mu - lambda); D. Gross, J. F.
    Shortle, J. M. Thompson, C. M. Harris (2008), Fundamentals of Queueing Theory, 4th ed.,
    sec. 2.3.

    >>> round(mmc(0.2, 0.1, 3).wait, 5)
    4.44444
    """
    load = positive("arrival_rate", arrival_rate) / positive("service_rate", service_rate)
    rho = stable(f"M/M/{count('servers', servers)}", load / servers)
    lost = erlang_b(load, servers)
    delayed = lost / (1 - rho * (1 - lost))
    wait = delayed / (servers * service_rate - arrival_rate)
    return patient(arrival_rate, 1 / service_rate, servers, wait, delayed)


def wait_quantile(arrival_rate: float, service_rate: float, servers: int, p: float) -> float:
    """Return the wait that a share `p` of M/M/c's customers does not exceed, served in turn.

    P(wait > t) = C exp(-(c mu - lambda) t): Gross et al. (2008), sec. 2.3. It is 0 when more than
    `p` need not wait at all. Parameters as in `mmc`; p is from 0 to 1, and 1 gives infinity.

    >>> round(wait_quantile(0.08, 0.1, 1, 0.95), 4)
    138.6294
    """
    if share("p", p) == 1:
        return math.inf
    delayed = mmc(arrival_rate, service_rate, servers).delayed
    if delayed is None or delayed <= 1 - p:
        return 0.0
    return math.log(delayed / (1 - p)) / (servers * service_rate - arrival_rate)


def mminf(arrival_rate: float, service_rate: float) -> Steady:
    """Return M/G/inf: a server for everyone, so nobody waits, whatever the service distribution.

    The number in the station is Poisson with mean lambda / mu: Gross et al. (2008), sec. 2.7 and
    5.2.2. Utilisation is not defined and None.

    >>> mminf(3.0, 2.0).number
    1.5
    """
    load = positive("arrival_rate", arrival_rate) / positive("service_rate", service_rate)
    return Steady(
        wait=0.0,
        wait_all=0.0,
        queue=0.0,
        time=1 / service_rate,
        number=load,
        delayed=0.0,
    )
