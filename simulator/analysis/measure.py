"""One replication in numbers: every metric by its one name, and what each rests on.

A value without ground is missing, with a reason, never a number. Means and shares come with
their numerator and denominator, so that replications can be pooled.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulator.analysis.diagnostics import diagnose
from simulator.analysis.frames import Floats, Mask, Patients, Visits, Window, window_of
from simulator.analysis.loop_metrics import count_labels, count_stacks
from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.clinic.staffing import available_min, capacity_changes
from simulator.clinic.upstream import Upstream
from simulator.language.form import ScenarioForm
from simulator.language.metrics import is_grouped

FEW: Final = 10  # cases; a group with fewer says so instead of showing a number: assumption


@dataclass(slots=True)
class Measured:
    """What one replication says."""

    window: Window
    values: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)  # cases that a value rests on
    ratios: dict[str, tuple[float, float]] = field(default_factory=dict)  # shares: part and whole
    missing: dict[str, str] = field(default_factory=dict)  # why there is no value

    def put(self, name: str, value: float, n: int) -> None:
        """Keep a value."""
        self.values[name] = value
        self.counts[name] = n

    def put_share(self, name: str, part: float, whole: float, why: str) -> None:
        """Keep a part of a whole, or why there is none."""
        if whole > 0:
            self.ratios[name] = (float(part), float(whole))
            self.put(name, float(part) / float(whole), int(whole))
        else:
            self.missing[name] = why

    def put_times(self, name: str, minutes: Floats, why: str) -> None:
        """Keep mean, median, 95th percentile and maximum of times in minutes.

        Percentiles interpolate linearly: type 7 of R. J. Hyndman, Y. Fan (1996), The American
        Statistician 50(4), 361-365.
        """
        if not len(minutes):
            for statistic in ("mean", "p50", "p95", "max"):
                self.missing[f"{name}.{statistic}"] = why
            return
        n = len(minutes)
        self.put(f"{name}.mean", float(minutes.mean()), n)
        p50_min, p95_min = np.quantile(minutes, [0.5, 0.95])
        self.put(f"{name}.p50", float(p50_min), n)
        self.put(f"{name}.p95", float(p95_min), n)
        self.put(f"{name}.max", float(minutes.max()), n)

    def put_group(self, name: str, where: str, minutes: Floats, who: str) -> None:
        """Keep a group's times, as far as they are told by group.

        A mean is kept however few they are, as a sum and its count: replications are pooled
        first, and only then is a group too small. Percentiles cannot be pooled so.
        """
        n = len(minutes)
        if n:
            self.put(f"{name}.mean{where}", float(minutes.mean()), n)
            self.ratios[f"{name}.mean{where}"] = (float(minutes.sum()), float(n))
        else:
            self.missing[f"{name}.mean{where}"] = f"no {who}"
        statistics = [one for one in ("p50", "p95", "max") if is_grouped(f"{name}.{one}")]
        if n < FEW:
            why = f"only {n} {who}; {FEW} are needed"
            self.missing |= {f"{name}.{one}{where}": why for one in statistics}
            return
        p50_min, p95_min = np.quantile(minutes, [0.5, 0.95])
        found = {"p50": p50_min, "p95": p95_min, "max": minutes.max()}
        for one in statistics:
            self.put(f"{name}.{one}{where}", float(found[one]), n)


def measure(scenario: ScenarioForm, journal: Journal, warmup_min: float = 0.0) -> Measured:
    """Return the numbers of one replication.

    Visits count if they began to queue within the window, patients if they arrived within it;
    what was not over when the run stopped is left out of times and counted as unfinished.
    """
    measured = Measured(window_of(scenario, journal, warmup_min))
    patients = Patients(scenario, journal)
    inside = measured.window.has(patients.column("arrival_min"))
    for name, table in journal.visits.items():
        _of_node(measured, patients, name, Visits(table))
    _of_staff(measured, scenario, journal)
    _of_patients(measured, scenario, patients, inside)
    if scenario.has_truth():
        diagnose(measured, scenario, patients, inside)
    if scenario.feedback is not None:
        count_labels(measured, patients, inside)
    if scenario.restack is not None:
        count_stacks(measured, journal.stack_events)
    if journal.upstream is not None:
        _of_upstream(measured, journal.upstream, int(inside.sum()))
    return measured


def _of_upstream(measured: Measured, upstream: Upstream, came: int) -> None:
    """Count those who sought care within the window, and who of them was kept away."""
    inside = measured.window.has(upstream.table.column("arrival_min"))
    sought = came + int(inside.sum())
    missed = int((inside & (upstream.table.column("malignant") > 0)).sum())
    measured.put("upstream.count", float(sought), sought)
    measured.put_share("upstream.referred.share", came, sought, "nobody sought care")
    measured.put("upstream.missed_malignant.count", float(missed), sought)


def _of_node(measured: Measured, patients: Patients, name: str, visits: Visits) -> None:
    window = measured.window
    counted = window.has(visits.queued_min)
    start_min, end_min = visits.column("start_min"), visits.column("end_min")
    waited_min = visits.column("waited_min")
    served = counted & visits.was(State.DONE)
    measured.put(f"visits.{name}.count", float(counted.sum()), int(counted.sum()))
    measured.put_times(f"wait.{name}", waited_min[served], "nobody was served")
    total = int(counted.sum())
    shares = {
        "delayed": served & (waited_min > 0),
        "blocked": counted & visits.was(State.BLOCKED),
        "balked": counted & visits.was(State.BALKED),
        "reneged": counted & visits.was(State.RENEGED),
    }
    for share, mask in shares.items():
        whole = int(served.sum()) if share == "delayed" else total
        measured.put_share(f"{share}.{name}.share", int(mask.sum()), whole, "nobody came")
    _grouped_waits(measured, patients, name, visits, served, waited_min)
    entered = ~(visits.was(State.BLOCKED) | visits.was(State.BALKED))
    there_min = np.where(entered, window.overlap_min(visits.queued_min, end_min), 0.0)
    waiting_min = _waiting_min(window, visits.queued_min, start_min, end_min, waited_min, entered)
    if window.span_min > 0:
        measured.put(f"number.{name}.mean", float(there_min.sum()) / window.span_min, total)
        measured.put(f"queue.{name}.mean", float(waiting_min.sum()) / window.span_min, total)
    left_queue = np.where(np.isnan(start_min), end_min, start_min)
    most = _most(window, visits.queued_min[entered], left_queue[entered])
    measured.put(f"queue.{name}.max", most, total)


def _grouped_waits(
    measured: Measured,
    patients: Patients,
    name: str,
    visits: Visits,
    served: Mask,
    waited_min: Floats,
) -> None:
    for key, value, mask in patients.groups():
        times = waited_min[served & mask[visits.patient]]
        measured.put_group(f"wait.{name}", f"{{{key}={value}}}", times, "visits")


def _waiting_min(
    window: Window,
    queued_min: Floats,
    start_min: Floats,
    end_min: Floats,
    waited_min: Floats,
    entered: Mask,
) -> Floats:
    """Return the time that each visit waits within the window.

    Interruptions have no place of their own in the table; they are spread evenly over the time
    between first start and end, which is exact for all visits that lie in the window as a whole.
    """
    until = np.where(np.isnan(start_min), end_min, start_min)
    first = window.overlap_min(queued_min, until)
    again = np.maximum(0.0, waited_min - (start_min - queued_min))
    spell = end_min - start_min
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(spell > 0, again / spell, 0.0)
    later = np.where(share > 0, share * window.overlap_min(start_min, end_min), 0.0)
    return np.where(entered, first + np.nan_to_num(later), 0.0)


def _most(window: Window, joined_min: Floats, left_min: Floats) -> float:
    """Return the longest queue within the window."""
    if not len(joined_min):
        return 0.0
    left = left_min[~np.isnan(left_min)]
    times = np.concatenate([joined_min, left])
    steps = np.concatenate([np.ones(len(joined_min)), -np.ones(len(left))])
    # Who leaves in the same instant as another joins leaves first: both never wait together.
    order = np.lexsort((steps, times))
    length = np.cumsum(steps[order])
    within = window.has(times[order])
    return float(length[within].max()) if within.any() else 0.0


def _of_staff(measured: Measured, scenario: ScenarioForm, journal: Journal) -> None:
    window = measured.window
    for name, spec in scenario.staff.items():
        busy_min = 0.0
        for node in scenario.staffed():
            if name in node.staff:
                table = journal.visits[node.id]
                busy_min += float(_served_min(window, Visits(table)).sum())
        changes = capacity_changes(spec, scenario.start_min)
        duty_min = available_min(changes, window.from_min, window.to_min)
        measured.put_share(f"utilisation.{name}", busy_min, duty_min, "nobody was on duty")


def _served_min(window: Window, visits: Visits) -> Floats:
    start_min, end_min = visits.column("start_min"), visits.column("end_min")
    waited_min = visits.column("waited_min")
    begun = ~np.isnan(start_min)
    until = np.where(np.isnan(end_min), window.to_min, end_min)
    spell = np.where(begun, until - start_min, 0.0)
    again = np.where(begun, np.maximum(0.0, waited_min - (start_min - visits.queued_min)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        working = np.where(spell > 0, 1 - again / spell, 0.0)
    within = np.where(begun, window.overlap_min(np.nan_to_num(start_min), end_min), 0.0)
    return np.asarray(working * within)


def _of_patients(
    measured: Measured, scenario: ScenarioForm, patients: Patients, inside: Mask
) -> None:
    window = measured.window
    arrival_min, closed_min = patients.column("arrival_min"), patients.column("closed_min")
    closed = ~np.isnan(closed_min)
    early = patients.column("left_early") > 0
    done = inside & closed & ~early
    n = int(inside.sum())
    measured.put("patients.arrived", float(n), n)
    measured.put("patients.closed", float(done.sum()), n)
    measured.put("patients.left", float((inside & closed & early).sum()), n)
    stay_min = closed_min - arrival_min
    measured.put_times("time_in_system", stay_min[done], "nobody left")
    diagnosed_min = patients.column("diagnosed_min")
    to_diagnosis = np.where(np.isnan(diagnosed_min), closed_min, diagnosed_min) - arrival_min
    measured.put_times("time_to_diagnosis.all", to_diagnosis[done], "nobody left")
    if scenario.has_truth():
        ill = done & (patients.column("malignant") > 0)
        measured.put_times("time_to_diagnosis.malignant", to_diagnosis[ill], "no malignant case")
    for key, value, mask in patients.groups():
        for name, times in (("time_in_system", stay_min), ("time_to_diagnosis.all", to_diagnosis)):
            measured.put_group(name, f"{{{key}={value}}}", times[done & mask], "patients")
    if window.span_min > 0:
        there_min = window.overlap_min(arrival_min, closed_min)
        measured.put("number_in_system.mean", float(there_min.sum()) / window.span_min, n)
        left = int((closed & window.has(closed_min)).sum())
        measured.put("throughput.per_h", left / window.span_min * 60, left)
