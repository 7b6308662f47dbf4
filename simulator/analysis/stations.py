"""Solve one station exactly: nodes that share staff, and the streams that come to them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulator import theory
from simulator.analysis.streams import Stream
from simulator.draws.contract import Distribution
from simulator.draws.distributions import Exponential, ExponentialOfRate
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.pathway import StaffedNode
from simulator.theory.steady import Steady


class Unsolvable(Exception):  # noqa: N818  the name completes the sentence "raises Unsolvable"
    """Queueing theory has no exact answer, or this program does not know it. Argument: why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Nodes with one waiting list."""

    nodes: tuple[StaffedNode, ...]
    staff: tuple[str, ...]
    servers: int  # who can work at the same time; 0 where that is no one number
    why_not: str = ""  # why no theory applies, whoever comes


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """A station in steady state."""

    model: str  # in Kendall's notation
    waits: Sequence[float]  # mean wait of the served, minutes, in the order of the streams
    served: float = 1.0  # share of all who come
    queue: float | None = None  # mean number waiting; None: rate times wait
    shares: dict[str, float] = field(default_factory=dict)  # delayed, blocked, reneged
    quantiles: dict[str, float] = field(default_factory=dict)  # p50 and p95 of the wait, minutes


def stations(scenario: ScenarioForm) -> list[Station]:
    """Return the staffed nodes, together where they share staff."""
    left, found = scenario.staffed(), []
    while left:
        nodes, staff = [left[0]], set(left[0].staff)
        while more := [node for node in left if node not in nodes and staff & set(node.staff)]:
            nodes += more
            staff |= {name for node in more for name in node.staff}
        left = [node for node in left if node not in nodes]
        found.append(_station(scenario, nodes, sorted(staff)))
    return found


def keeps_poisson(scenario: ScenarioForm, station: Station) -> bool:
    """Return whether what leaves the station is Poisson if what comes to it is."""
    if station.why_not:
        return False
    plain = all(
        node.queue.order == "fifo" and node.queue.room is None and not _leaves(scenario, node)
        for node in station.nodes
    )
    services = [
        one.service.get(node.id, node.service)
        for one in scenario.patient_classes
        for node in station.nodes
    ]
    return plain and _alike(services)


def solve(scenario: ScenarioForm, station: Station, streams: Sequence[Stream]) -> Solved:
    """Return the steady state of a station to which independent Poisson streams come.

    Raises:
        Unsolvable: no exact result.
        Unstable, Impossible: as theory says.
    """
    if station.why_not:
        raise Unsolvable(station.why_not)
    rate = sum(stream.rate for stream in streams)
    if rate == 0:
        raise Unsolvable("nobody comes")
    if not all(math.isfinite(stream.service.scv) for stream in streams):
        raise Unsolvable("service has so heavy a tail that its spread is infinite")
    if any(node.queue.room is not None for node in station.nodes):
        return _with_room(scenario, station, streams, rate)
    if any(_leaves(scenario, node) for node in station.nodes):
        return _impatient(scenario, station, streams, rate)
    if len({stream.rank for stream in streams}) > 1:
        return _ranked(station, streams)
    return _first_come(station, streams, rate)


def solve_renewal(
    station: Station, streams: Sequence[Stream], gap: Callable[[float], float]
) -> Solved:
    """Return the steady state of G/M/1.

    Parameters:
        gap: transform of the time from one patient to the next, minutes.

    Raises:
        Unsolvable: another station.
    """
    if station.why_not:
        raise Unsolvable(station.why_not)
    node = station.nodes[0]
    fits = len(station.nodes) == 1 and station.servers == 1 and node.queue.room is None
    if not fits or node.queue.patience or len({stream.rank for stream in streams}) > 1:
        raise Unsolvable("arrivals that are not Poisson are solved for one fifo server alone")
    mean_min = _same_exponential(streams)
    steady = theory.gm1(gap, sum(stream.rate for stream in streams), 1 / mean_min)
    return _of("G/M/1", steady, streams)


def _station(scenario: ScenarioForm, nodes: list[StaffedNode], staff: list[str]) -> Station:
    counts = [scenario.staff[name].levels()[0][1] for name in staff]
    why = ""
    if any(len(scenario.staff[n].levels()) > 1 or scenario.staff[n].absent for n in staff):
        why = "the number of people on duty changes"
    elif len(nodes) > 1 and len(staff) > 1:
        why = "several nodes need some of the same people, and others, too"
    elif any(node.queue.overdue_after_min is not None for node in nodes):
        why = "the order depends on how long somebody has waited"
    elif any(node.queue.balk is not None for node in nodes):
        why = "patients turn away at the sight of the queue"
    elif len({node.queue.preempt for node in nodes}) > 1:
        why = "some nodes interrupt and others do not"
    return Station(nodes=tuple(nodes), staff=tuple(staff), servers=min(counts), why_not=why)


def _leaves(scenario: ScenarioForm, node: StaffedNode) -> bool:
    return any(_patience(node, one) is not None for one in scenario.patient_classes)


def _patience(node: StaffedNode, one: ClassSpec) -> Distribution | None:
    return one.patience.get(node.id, node.queue.patience)


def _exponential(service: Distribution | None) -> bool:
    return isinstance(service, Exponential | ExponentialOfRate)


def _alike(services: Sequence[Distribution]) -> bool:
    return all(_exponential(one) for one in services) and len({s.mean_min for s in services}) == 1


def _same_exponential(streams: Sequence[Stream]) -> float:
    """Return the mean of a service that is exponential and the same for all."""
    if not _alike([stream.service for stream in streams]):
        raise Unsolvable("service is not exponential and alike for all")
    return streams[0].service.mean_min


def _moments(streams: Sequence[Stream]) -> tuple[float, float, float]:
    """Return rate, E S and E S² of a mixture."""
    rate = sum(stream.rate for stream in streams)
    means = [stream.service.mean_min for stream in streams]
    first = sum(one.rate * mean for one, mean in zip(streams, means, strict=True)) / rate
    second = sum(
        one.rate * mean**2 * (1 + one.service.scv) for one, mean in zip(streams, means, strict=True)
    )
    return rate, first, second / rate


def _of(model: str, steady: Steady, streams: Sequence[Stream]) -> Solved:
    shares = {} if steady.delayed is None else {"delayed": steady.delayed}
    return Solved(model=model, waits=[steady.wait or 0.0] * len(streams), shares=shares)


def _first_come(station: Station, streams: Sequence[Stream], rate: float) -> Solved:
    services = [stream.service for stream in streams]
    servers = station.servers
    if _alike(services):
        mu = 1 / services[0].mean_min
        solved = _of(f"M/M/{servers}", theory.mmc(rate, mu, servers), streams)
        for name, p in (("p50", 0.5), ("p95", 0.95)):
            solved.quantiles[name] = theory.wait_quantile(rate, mu, servers, p)
        return solved
    _, mean, second = _moments(streams)
    if servers == 1:
        scv = second / mean**2 - 1
        # Rounding can leave less than nothing.
        return _of("M/G/1", theory.mg1(rate, mean, max(scv, 0.0)), streams)
    if len({one.mean_min for one in services}) == 1 and all(one.sd_min == 0 for one in services):
        return _of(f"M/D/{servers}", theory.mdc(rate, mean, servers), streams)
    raise Unsolvable(f"{servers} servers and a service that is neither exponential nor constant")


def _with_room(
    scenario: ScenarioForm, station: Station, streams: Sequence[Stream], rate: float
) -> Solved:
    node, servers = station.nodes[0], station.servers
    if len(station.nodes) > 1 or node.queue.room is None:
        raise Unsolvable("a waiting room at nodes that share staff")
    if _leaves(scenario, node) or len({stream.rank for stream in streams}) > 1:
        raise Unsolvable("a waiting room together with patience or an order")
    places = servers + node.queue.room
    if node.queue.room == 0:
        _, mean, _ = _moments(streams)
        model, steady = f"M/G/{servers}/{places}", theory.loss(rate, 1 / mean, servers)
    else:
        mean = _same_exponential(streams)
        model = f"M/M/{servers}/{places}"
        steady = theory.mmck(rate, 1 / mean, servers, places)
    return Solved(
        model=model,
        waits=[steady.wait or 0.0] * len(streams),
        served=1 - steady.blocked,
        queue=steady.queue,
        shares={"blocked": steady.blocked, "delayed": steady.delayed or 0.0},
    )


def _impatient(
    scenario: ScenarioForm, station: Station, streams: Sequence[Stream], rate: float
) -> Solved:
    node, servers = station.nodes[0], station.servers
    patience = [_patience(node, one) for one in scenario.patient_classes]
    means = {one.mean_min for one in patience if one is not None}
    if len(station.nodes) > 1 or len({stream.rank for stream in streams}) > 1:
        raise Unsolvable("patience together with an order or with shared staff")
    if not all(_exponential(one) for one in patience) or len(means) > 1:
        raise Unsolvable("patience is not exponential and alike for all")
    mean_min, [patience_min] = _same_exponential(streams), means
    steady = theory.erlang_a(rate, 1 / mean_min, servers, 1 / patience_min)
    served = 1 - steady.reneged
    # Whoever reneges was delayed; the metric is the share of the served.
    delayed = ((steady.delayed or 0.0) - steady.reneged) / served
    return Solved(
        model=f"M/M/{servers}+M",
        waits=[steady.wait or 0.0] * len(streams),
        served=served,
        queue=steady.queue,
        shares={"reneged": steady.reneged, "delayed": max(delayed, 0.0)},
    )


def _ranked(station: Station, streams: Sequence[Stream]) -> Solved:
    ranks = sorted({stream.rank for stream in streams})
    levels = [[stream for stream in streams if stream.rank == rank] for rank in ranks]
    rates, means, seconds = zip(*(_moments(level) for level in levels), strict=True)
    interrupts, servers = station.nodes[0].queue.preempt == "resume", station.servers
    if servers == 1:
        kind = "M/M/1" if _alike([stream.service for stream in streams]) else "M/G/1"
        of = theory.preemptive_resume if interrupts else theory.nonpreemptive
        steady = of(rates, means, seconds)
    else:
        kind, mu = f"M/M/{servers}", 1 / _same_exponential(streams)
        of_many = theory.preemptive_resume_mmc if interrupts else theory.nonpreemptive_mmc
        steady = of_many(rates, mu, servers)
    place = {rank: index for index, rank in enumerate(ranks)}
    waits = []
    for stream in streams:
        level = place[stream.rank]
        wait = steady[level].wait or 0.0
        if interrupts and servers == 1:
            # Who needs longer than the others of the level is interrupted more often.
            before = sum(r * m for r, m in zip(rates[:level], means[:level], strict=True))
            wait += (stream.service.mean_min - means[level]) * before / (1 - before)
        waits.append(wait)
    how = "with interruption" if interrupts else "without interruption"
    shares = {} if interrupts else {"delayed": steady[0].delayed or 0.0}
    return Solved(model=f"{kind}, {len(ranks)} priorities {how}", waits=waits, shares=shares)
