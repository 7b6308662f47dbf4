"""The exact values of a scenario's metrics, where it is a queue that theory has solved.

They hold in steady state; a run agrees with them up to chance and warm-up. What is recognised: one
station or a network of them, each M/M/c, M/G/1, M/D/c, M/M/c/K, M/G/c/c, M/M/c+M (Erlang A), G/M/1,
with priorities or an AI's order, with interruption or without, and delays between them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulator import theory
from simulator.analysis.flows import Flows, flows, loses
from simulator.analysis.stations import (
    Solved,
    Station,
    Unsolvable,
    keeps_poisson,
    solve,
    solve_renewal,
    stations,
)
from simulator.analysis.streams import Stream, streams
from simulator.draws.distributions import Constant, Erlang
from simulator.language.arrivals import AppointmentArrivals, ArrivalForm, RenewalArrivals
from simulator.language.calendar import WEEK_MIN
from simulator.language.cases import ImageCases, NominalCases
from simulator.language.form import ScenarioForm
from simulator.language.load import rate_of
from simulator.language.pathway import DelayNode
from simulator.language.ways import entrance, ways
from simulator.theory.steady import Impossible, Unstable


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """What theory says of a scenario."""

    model: str  # such as "M/M/3", or one for each node
    values: Mapping[str, float]  # by metric, in its unit
    why_not: Mapping[str, str]  # node -> why nothing is said of it


def exact(scenario: ScenarioForm) -> Exact | None:
    """Return the exact values of a scenario's metrics, or None if theory has none.

    Where only some nodes are solvable, these are; `why_not` speaks of the others.
    """
    if _nowhere(scenario):
        return None
    solver = _Solver(scenario)
    return solver.result() if solver.models else None


def why_not(scenario: ScenarioForm) -> str:
    """Return in words why theory cannot tell everything; empty if it can."""
    if reason := _nowhere(scenario):
        return reason
    return "; ".join(f"{node}: {why}" for node, why in _Solver(scenario).why_not.items())


def _nowhere(scenario: ScenarioForm) -> str:
    if scenario.clock == "real":
        return "on the real clock, the twin's answers take time"
    if scenario.horizon_min is None or scenario.cases.count is not None:
        return "arrivals end after a number of patients: there is no steady state"
    # How images are taken moves what the AI says alone, and no queue that is solved asks for that.
    if any(shift.population is not None for shift in scenario.shifts):
        return "the patients change while the clinic runs"
    if isinstance(scenario.cases, ImageCases) and scenario.bank is not None:
        return "who is in the bank is known only when its images have been read"
    if not isinstance(scenario.cases, NominalCases) and any(
        node.queue.order in {"ai", "flag"} for node in scenario.staffed()
    ):
        return "what the AI says is known only when it has been asked"
    return ""


class _Solver:
    """Solves what it can, once."""

    def __init__(self, scenario: ScenarioForm) -> None:
        self.values: dict[str, float] = {}
        self.models: dict[str, str] = {}
        self.why_not: dict[str, str] = {}
        self._scenario = scenario
        self._number = 0.0  # of patients in all nodes solved so far
        found = stations(scenario)
        keeps = dict.fromkeys((node.id for node in scenario.pathway), True)
        for station in found:
            keeps |= dict.fromkeys(
                (node.id for node in station.nodes), keeps_poisson(scenario, station)
            )
        self._flows = flows(scenario, keeps)
        for station in found:
            self._take(station)
        for node in scenario.pathway:
            if isinstance(node, DelayNode):
                self._delay(node)
        self._whole()

    def result(self) -> Exact:
        """Return what was solved."""
        different = set(self.models.values())
        named = [f"{name}: {model}" for name, model in self.models.items()]
        model = different.pop() if len(different) == 1 else ", ".join(named)
        return Exact(model=model, values=self.values, why_not=self.why_not)

    def _take(self, station: Station) -> None:
        names = [node.id for node in station.nodes]
        try:
            coming = _coming(self._scenario, station, self._flows)
            solved = _solved(self._scenario, station, coming, self._flows)
        except (Unsolvable, Unstable, Impossible) as error:
            self.why_not |= dict.fromkeys(names, str(error))
            return
        self.models |= dict.fromkeys(names, solved.model)
        busy = 0.0
        for name in names:
            here = [
                (stream, wait)
                for stream, wait in zip(coming, solved.waits, strict=True)
                if stream.node == name
            ]
            if here:
                busy += self._node(name, here, solved)
        for group in station.staff:
            self.values[f"utilisation.{group}"] = busy / self._scenario.staff[group].peak

    def _node(self, name: str, here: Sequence[tuple[Stream, float]], solved: Solved) -> float:
        """Take over a node; return the mean number in service there."""
        rate = sum(stream.rate for stream, _ in here)
        wait = sum(stream.rate * wait for stream, wait in here) / rate
        busy = solved.served * sum(stream.rate * stream.service.mean_min for stream, _ in here)
        queue = rate * wait if solved.queue is None else solved.queue
        self.values |= {
            f"wait.{name}.mean": wait,
            f"queue.{name}.mean": queue,
            f"number.{name}.mean": queue + busy,
        }
        self.values |= {f"{share}.{name}.share": part for share, part in solved.shares.items()}
        self.values |= {f"wait.{name}.{p}": minutes for p, minutes in solved.quantiles.items()}
        for group in dict.fromkeys(group for stream, _ in here for group in stream.groups):
            part = [(stream.rate, wait) for stream, wait in here if group in stream.groups]
            mean = sum(share * wait for share, wait in part) / sum(share for share, _ in part)
            self.values[f"wait.{name}.mean{{{group[0]}={group[1]}}}"] = mean
        self._number += queue + busy
        return busy

    def _delay(self, node: DelayNode) -> None:
        if node.id in self._flows.irregular:
            self.why_not[node.id] = self._flows.irregular[node.id]
            return
        self.models[node.id] = "M/G/∞"
        self._number += sum(
            self._flows.rates[one.id, node.id] * one.service.get(node.id, node.delay).mean_min
            for one in self._scenario.patient_classes
            if (one.id, node.id) in self._flows.rates
        )

    def _whole(self) -> None:
        scenario = self._scenario
        lost = any(loses(n, one) for n in scenario.pathway for one in scenario.patient_classes)
        rate = sum(rate_of(scenario, one) for one in scenario.patient_classes)
        if self.why_not or lost or rate == 0:
            return
        self.values |= {
            "number_in_system.mean": self._number,
            "time_in_system.mean": self._number / rate,
            "throughput.per_h": rate * 60,
        }


def _coming(scenario: ScenarioForm, station: Station, found: Flows) -> list[Stream]:
    for node in station.nodes:
        if node.id in found.unknown:
            raise Unsolvable(found.unknown[node.id])
    return [
        stream
        for node in station.nodes
        for one in scenario.patient_classes
        if found.rates.get((one.id, node.id), 0.0) > 0
        for stream in streams(scenario, node, one, found.rates[one.id, node.id])
    ]


def _solved(
    scenario: ScenarioForm, station: Station, coming: Sequence[Stream], found: Flows
) -> Solved:
    irregular = [node.id for node in station.nodes if node.id in found.irregular]
    if not irregular:
        return solve(scenario, station, coming)
    gap = _only_source(scenario, irregular[0])
    if gap is None:
        raise Unsolvable(found.irregular[irregular[0]])
    return solve_renewal(station, coming, gap)


def _only_source(scenario: ScenarioForm, node: str) -> Callable[[float], float] | None:
    """Return the transform of the gaps where one renewal process alone feeds a node."""
    classes = scenario.patient_classes
    sources = [one.arrivals for one in classes if one.arrivals is not None]
    if scenario.arrivals is not None and any(one.arrivals is None for one in classes):
        sources.append(scenario.arrivals)
    fed = any(node in after for one in classes for after in ways(scenario, one).values())
    # Who is not referred leaves longer gaps behind, which no transform here has.
    fed = fed or scenario.is_filtered()
    if len(sources) != 1 or fed or any(entrance(scenario, one) != node for one in classes):
        return None
    return _transform(sources[0])


def _transform(spec: ArrivalForm) -> Callable[[float], float] | None:
    """Return s -> E exp(-s T) of the times between patients who come; None where unknown."""
    if isinstance(spec, RenewalArrivals):
        no_show, gap = spec.no_show, spec.gap
        if isinstance(gap, Constant):
            of_gap = theory.deterministic(1 / gap.mean_min)
        elif isinstance(gap, Erlang):
            of_gap = theory.erlang_k(1 / gap.mean_min, gap.phases)
        else:
            return None
    elif isinstance(spec, AppointmentArrivals):
        booked = spec.appointments
        slots = booked.slots()
        gaps = {late - early for early, late in pairwise([*slots, slots[0] + WEEK_MIN])}
        if len(gaps) != 1 or booked.patients != 1 or booked.punctuality is not None:
            return None
        no_show, of_gap = booked.no_show, theory.deterministic(1 / gaps.pop())
    else:
        return None
    # A geometric number of gaps where some do not come.
    return lambda s: (1 - no_show) * of_gap(s) / (1 - no_show * of_gap(s))
