"""Was the run sound? Conservation, Little's law, staff and order, checked on what a run left.

The expected side of each check comes from another place than the found one: areas that the engine
integrated while it ran against the tables, or tables against each other.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.check import RELATIVE, Check, check, same
from simulator.analysis.frames import Floats, Mask, Patients, Visits
from simulator.analysis.load_checks import check_loads
from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.clinic.staffing import capacity_changes
from simulator.language.form import ScenarioForm
from simulator.language.pathway import StaffedNode, TwinNode

__all__ = ["Check", "check_loads", "check_run"]


def check_run(scenario: ScenarioForm, journal: Journal) -> list[Check]:
    """Return the checks of one finished replication; where tables are broken, only the first."""
    found = [_rows(journal), *(_owners(name, journal) for name in journal.visits)]
    if not all(one.holds for one in found):
        return found
    patients = Patients(scenario, journal)
    visits = {name: Visits(table) for name, table in journal.visits.items()}
    inside = np.isnan(patients.column("closed_min"))
    if _at_nodes(scenario):
        present = sum(int(_is_there(one).sum()) for one in visits.values())
        words = "who has not left is at one node"
        found.append(check("patients.inside", float(inside.sum()), present, 0, words))
    for name, of_node in visits.items():
        found += _conserved(name, of_node, patients, inside)
        found.append(_little(name, of_node, journal))
    found.append(_little_of_all(scenario, journal, patients))
    for group in scenario.staff:
        found.append(_work(scenario, group, visits, journal))
        found += _capacity(scenario, group, visits)
    for node in scenario.staffed():
        found += _order(node, visits[node.id], patients)
    return found


def _rows(journal: Journal) -> Check:
    number = journal.patients.column("patient")
    whole = len(number) == journal.arrived
    known = np.unique(number[(number >= 0) & (number < len(number))])
    rows = len(known) if whole else len(number)
    words = "every patient who came has one row"
    return check("patients.each_once", journal.arrived, rows, 0, words)


def _owners(name: str, journal: Journal) -> Check:
    patient = journal.visits[name].column("patient")
    known = int(((patient >= 0) & (patient < journal.arrived)).sum())
    words = "every visit is that of a patient who came"
    return check(f"visits.{name}", len(patient), known, 0, words)


def _at_nodes(scenario: ScenarioForm) -> bool:
    """Return whether patients spend all their time at staffed nodes."""
    timeless = StaffedNode | TwinNode if scenario.clock == "virtual" else StaffedNode
    return all(isinstance(node, timeless) for node in scenario.pathway)


def _is_there(visits: Visits) -> Mask:
    return np.asarray(visits.was(State.WAITING) | visits.was(State.SERVED))


def _conserved(name: str, visits: Visits, patients: Patients, inside: Mask) -> Iterator[Check]:
    lost = _is_there(visits) & ~inside[visits.patient]
    yield check(f"present.{name}", 0, float(lost.sum()), 0, "who has left waits nowhere")
    start_min, end_min = visits.column("start_min"), visits.column("end_min")
    with np.errstate(invalid="ignore"):
        wrong = (
            (visits.queued_min < patients.column("arrival_min")[visits.patient] - RELATIVE)
            | (start_min < visits.queued_min)
            | (end_min < visits.queued_min)
            | (end_min < start_min)
            | (visits.column("waited_min") < -RELATIVE)
        )
    words = "nobody is served before queueing, queues before coming, or ends before beginning"
    yield check(f"times.{name}", 0, float(wrong.sum()), 0, words)
    # Visits of a patient are numbered 1, 2, 3, ...: as many as the last one's number.
    last = np.zeros(len(patients))
    np.maximum.at(last, visits.patient, visits.column("visit"))
    words = "visits of a patient are numbered without gaps"
    yield check(f"numbered.{name}", float(last.sum()), len(visits.patient), 0, words)


def _stay_min(visits: Visits, end_min: float) -> Floats:
    """Return the time that each visit lasted, those under way cut at the end of the run."""
    ends = visits.column("end_min")
    return np.asarray(np.where(np.isnan(ends), end_min, ends) - visits.queued_min)


def _little(name: str, visits: Visits, journal: Journal) -> Check:
    # J. D. C. Little (2011), Operations Research 59(3), 536-549: over a window that begins and
    # ends empty, or with the stays cut, L = λ W holds on each path, not only in the mean.
    total = float(_stay_min(visits, journal.end_min).sum())
    words = "patients there, integrated over time, are their stays added up (Little's law)"
    return same(f"little.{name}", total, journal.areas[name], words)


def _little_of_all(scenario: ScenarioForm, journal: Journal, patients: Patients) -> Check:
    closed_min = patients.column("closed_min")
    until = np.where(np.isnan(closed_min), journal.end_min, closed_min)
    total = float((until - patients.column("arrival_min")).sum())
    area = sum(journal.areas.values())
    name = "little.clinic"
    if _at_nodes(scenario):
        words = "stays in the clinic are the stays at its nodes (Little's law)"
        return same(name, total, area, words)
    words = "stays at nodes are no longer than those in the clinic; the rest are delays"
    # One-sided: up to `total` is right.
    return check(name, total / 2, area, total / 2 + RELATIVE * max(1.0, total), words)


def _work(
    scenario: ScenarioForm, group: str, visits: Mapping[str, Visits], journal: Journal
) -> Check:
    total = 0.0
    for node in scenario.staffed():
        if group in node.staff:
            one = visits[node.id]
            begun = ~np.isnan(one.column("start_min"))
            served = _stay_min(one, journal.end_min) - one.column("waited_min")
            total += float(served[begun].sum())
    words = "people busy, integrated over time, are the services added up"
    return same(f"work.{group}", total, journal.staff[group].busy_min, words)


def _capacity(scenario: ScenarioForm, group: str, visits: Mapping[str, Visits]) -> Iterator[Check]:
    """Yield whether somebody was free whenever a service began."""
    nodes = [node for node in scenario.staffed() if group in node.staff]
    if any(node.queue.preempt != "no" for node in nodes) or not nodes:
        return  # interruptions are not in the tables
    starts = np.concatenate([visits[node.id].column("start_min") for node in nodes])
    ends = np.concatenate([visits[node.id].column("end_min") for node in nodes])
    begun = ~np.isnan(starts)
    starts, ends = np.sort(starts[begun]), np.sort(ends[begun & ~np.isnan(ends)])
    if not len(starts):
        return
    # Whoever begins at a moment takes the place of those who end at it.
    busy = np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")
    until_min = float(starts[-1]) + 1.0
    changes = capacity_changes(scenario.staff[group], scenario.start_min, until_min)
    times, levels = (np.array(numbers) for numbers in zip(*changes, strict=True))
    # The clock's sums can miss the time of a change by a rounding.
    on_duty = np.maximum(*(levels[_place(times, starts + late)] for late in (-RELATIVE, RELATIVE)))
    over = int((busy > on_duty).sum())
    words = "a service begins only where somebody is free"
    yield check(f"capacity.{group}", 0, over, 0, words)


def _place(times: Floats, moments: Floats) -> NDArray[np.intp]:
    """Return the last of the times that is not after each moment; the first for earlier ones."""
    return np.maximum(np.searchsorted(times, moments, side="right") - 1, 0)


def _order(node: StaffedNode, visits: Visits, patients: Patients) -> Iterator[Check]:
    """Yield whether those of equal urgency were served in the order in which they queued."""
    queue = node.queue
    if queue.order not in {"fifo", "priority"} or queue.overdue_after_min is not None:
        return
    start_min = visits.column("start_min")
    begun = ~np.isnan(start_min)
    group = np.zeros(len(begun))
    if queue.order == "priority":
        group = patients.column("class")[visits.patient]
    wrong = 0
    for value in np.unique(group):
        chosen = begun & (group == value)
        queued, start = visits.queued_min[chosen], start_min[chosen]
        order = np.lexsort((start, queued))
        wrong += int((np.diff(start[order]) < 0).sum())
    words = "first come, first served" + (" in each class" if queue.order == "priority" else "")
    yield check(f"order.{node.id}", 0, wrong, 0, words)
