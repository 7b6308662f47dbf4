"""One server and any service distribution; and an approximation for several servers."""

from simulator.theory.erlang import mmc
from simulator.theory.steady import Steady, nonnegative, patient, positive, stable


def mg1(arrival_rate: float, mean: float, scv: float) -> Steady:
    """Return M/G/1 in steady state; the wait is that of first come, first served.

    Parameters:
        arrival_rate: per unit of time.
        mean: of the service time, in units of time.
        scv: squared coefficient of variation of the service time, variance / mean².

    Raises:
        Unstable: the load is 1 or more.

    Pollaczek-Khinchine: Wq = rho mean (1 + scv) / (2 (1 - rho)); L. Kleinrock (1975), Queueing
    Systems I, sec. 5.6. The wait is 0 with probability 1 - rho.

    >>> round(mg1(0.8, 1.0, 0.0).wait, 6), round(mg1(0.8, 1.0, 2.0).wait, 6)
    (2.0, 6.0)
    """
    rho = stable("M/G/1", positive("arrival_rate", arrival_rate) * positive("mean", mean))
    wait = rho * mean * (1 + nonnegative("scv", scv)) / (2 * (1 - rho))
    return patient(arrival_rate, mean, 1, wait, rho)


def allen_cunneen_approximation(
    arrival_rate: float, service_rate: float, servers: int, scv_arrival: float, scv_service: float
) -> Steady:
    """Return an approximation, not an exact result, for G/G/c.

    Wq is about that of M/M/c times (ca² + cs²) / 2: A. O. Allen (1990), Probability, Statistics,
    and Queueing Theory, 2nd ed., ch. 5. Exact for M/M/c and for M/G/1; elsewhere it can be
    tens of per cent off. `delayed` is None, for the approximation says nothing of it.

    Parameters:
        arrival_rate: per unit of time.
        service_rate: of one server, per unit of time.
        servers: 1 or more.
        scv_arrival: squared coefficient of variation of the time between arrivals.
        scv_service: squared coefficient of variation of the service time.

    >>> round(allen_cunneen_approximation(0.8, 1.0, 1, 1.0, 2.0).wait, 6)
    6.0
    """
    factor = nonnegative("scv_arrival", scv_arrival) + nonnegative("scv_service", scv_service)
    exponential = mmc(arrival_rate, service_rate, servers)
    wait = (exponential.wait or 0.0) * factor / 2
    return patient(arrival_rate, 1 / service_rate, servers, wait, None)
