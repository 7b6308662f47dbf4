"""Classes of unequal urgency at one station; class 0 goes first, each class in order of arrival.

Rates are per unit of time, times in that unit. Each function returns one Steady per class, in the
order given; `utilisation` is the share of the servers' time that the class takes. A class without
arrivals has the wait that a rare visitor of that class would have.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from simulator.theory.erlang import mmc
from simulator.theory.steady import (
    Impossible,
    Steady,
    count,
    nonnegative,
    patient,
    positive,
    stable,
)


def nonpreemptive(
    rates: Sequence[float], means: Sequence[float], second_moments: Sequence[float]
) -> tuple[Steady, ...]:
    """Return M/G/1 where the most urgent is taken next and no service is interrupted.

    Parameters:
        rates: arrival rate per class.
        means: of the service time per class.
        second_moments: E S² of the service time per class; 2 mean² if exponential.

    Raises:
        Unstable: the load of all classes is 1 or more.

    Wq_k = R / ((1 - s_{k-1}) (1 - s_k)), R = sum of lambda_i E S_i² / 2, s_k the load of classes
    0..k: A. Cobham (1954), Priority assignment in waiting line problems, Journal of the
    Operations Research Society of America 2(1), 70-76; L. Kleinrock (1976), Queueing Systems II,
    ch. 3.

    >>> [round(k.wait, 6) for k in nonpreemptive((0.3, 0.5), (1.0, 1.0), (2.0, 2.0))]
    [1.142857, 5.714286]
    """
    loads = _loads("M/G/1", rates, means, second_moments)
    residual = sum(rate * second / 2 for rate, second in zip(rates, second_moments, strict=True))
    return tuple(
        patient(rate, mean, 1, residual / ((1 - before) * (1 - up_to)), loads[-1])
        for rate, mean, (before, up_to) in zip(rates, means, pairwise(loads), strict=True)
    )


def preemptive_resume(
    rates: Sequence[float], means: Sequence[float], second_moments: Sequence[float]
) -> tuple[Steady, ...]:
    """Return M/G/1 where an urgent arrival interrupts a less urgent service, which goes on later.

    `wait` is the time in the station less the service time: interruptions count as waiting.
    `delayed` is None, for who starts at once may still be interrupted. Parameters and errors as in
    `nonpreemptive`.

    T_k = mean_k / (1 - s_{k-1}) + R_k / ((1 - s_{k-1}) (1 - s_k)), R_k = sum of
    lambda_i E S_i² / 2 over classes 0..k: L. Kleinrock (1976), Queueing Systems II, ch. 3.

    >>> [round(k.wait, 6) for k in preemptive_resume((0.3, 0.5), (1.0, 1.0), (2.0, 2.0))]
    [0.428571, 6.142857]
    """
    loads = _loads("M/G/1", rates, means, second_moments)
    residuals = accumulate(
        rate * second / 2 for rate, second in zip(rates, second_moments, strict=True)
    )
    stations = []
    for rate, mean, residual, (before, up_to) in zip(
        rates, means, residuals, pairwise(loads), strict=True
    ):
        # mean / (1 - before) - mean, without the cancellation
        interrupted = mean * before / (1 - before)
        wait = interrupted + residual / ((1 - before) * (1 - up_to))
        stations.append(patient(rate, mean, 1, wait, None))
    return tuple(stations)


def nonpreemptive_mmc(
    rates: Sequence[float], service_rate: float, servers: int
) -> tuple[Steady, ...]:
    """Return M/M/c without interruption, where service is exponential and alike for all classes.

    Wq_k = C / (c mu) / ((1 - s_{k-1}) (1 - s_k)), C the chance that all servers are busy: R. H.
    Davis (1966), Waiting-time distribution of a multi-server, priority queueing system, Operations
    Research 14(1), 133-136; O. Kella, U. Yechiali (1985), Waiting times in the non-preemptive
    priority M/M/c queue, Communications in Statistics: Stochastic Models 1(2), 257-262.

    >>> [round(k.wait, 6) for k in nonpreemptive_mmc((0.32, 1.28), 1.0, 2)]
    [0.42328, 2.116402]
    """
    loads = _shared_loads(rates, service_rate, servers)
    delayed = _delayed(sum(rates), service_rate, servers)
    free = delayed / (servers * service_rate)  # mean time until a server is free
    return tuple(
        patient(rate, 1 / service_rate, servers, free / ((1 - before) * (1 - up_to)), delayed)
        for rate, (before, up_to) in zip(rates, pairwise(loads), strict=True)
    )


def preemptive_resume_mmc(
    rates: Sequence[float], service_rate: float, servers: int
) -> tuple[Steady, ...]:
    """Return M/M/c with interruption, where service is exponential and alike for all classes.

    Classes 0..k see nothing of the others, so together they are an M/M/c, and class k is the
    difference of two: Lq_k = Lq(classes 0..k) - Lq(classes 0..k-1). J. P. Buzen, A. B. Bondi
    (1983), The response times of priority classes under preemptive resume in M/M/m queues,
    Operations Research 31(3), 456-465; exact, since all service rates are equal. `wait` counts
    interruptions, and `delayed` is None, as in `preemptive_resume`. A class without arrivals has
    no wait here: None.

    >>> [round(k.wait, 6) for k in preemptive_resume_mmc((0.3, 0.5), 1.0, 1)]
    [0.428571, 6.142857]
    """
    _shared_loads(rates, service_rate, servers)
    queues = [0.0, *(_queue(total, service_rate, servers) for total in accumulate(rates))]
    return tuple(
        patient(rate, 1 / service_rate, servers, max(up_to - before, 0.0) / rate, None)
        if rate > 0
        else Steady(queue=0.0, number=0.0, utilisation=0.0)
        for rate, (before, up_to) in zip(rates, pairwise(queues), strict=True)
    )


def _loads(
    station: str, rates: Sequence[float], means: Sequence[float], seconds: Sequence[float]
) -> list[float]:
    """Return the load of no class, of class 0, of classes 0 and 1, and so on."""
    if not len(rates) == len(means) == len(seconds) or not rates:
        lengths = (len(rates), len(means), len(seconds))
        raise Impossible("lengths of rates, means, second_moments", lengths, "equal, 1 or more")
    for k, (rate, mean, second) in enumerate(zip(rates, means, seconds, strict=True)):
        nonnegative(f"rates[{k}]", rate)
        positive(f"means[{k}]", mean)
        # E S² is never below (E S)²; the last bits may be rounded.
        if not positive(f"second_moments[{k}]", second) >= mean * mean * (1 - 1e-12):
            raise Impossible(f"second_moments[{k}]", second, f"at least mean², {mean * mean!r}")
    loads = [0.0, *accumulate(rate * mean for rate, mean in zip(rates, means, strict=True))]
    stable(f"{station} of {len(rates)} classes", loads[-1])
    return loads


def _shared_loads(rates: Sequence[float], service_rate: float, servers: int) -> list[float]:
    if not rates:
        raise Impossible("rates", tuple(rates), "one class or more")
    capacity = count("servers", servers) * positive("service_rate", service_rate)
    totals = accumulate(nonnegative(f"rates[{k}]", rate) for k, rate in enumerate(rates))
    loads = [0.0, *(total / capacity for total in totals)]
    stable(f"M/M/{servers} of {len(rates)} classes", loads[-1])
    return loads


def _delayed(total: float, service_rate: float, servers: int) -> float:
    return mmc(total, service_rate, servers).delayed or 0.0 if total > 0 else 0.0


def _queue(total: float, service_rate: float, servers: int) -> float:
    return mmc(total, service_rate, servers).queue or 0.0 if total > 0 else 0.0
