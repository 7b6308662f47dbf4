"""Logs of nominal clinics for the tests: what a twin would have been told of a run."""

import math
from collections import defaultdict

from simulator.analysis.frames import Patients, Visits
from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.clinic.people import People
from simulator.clinic.pools import State
from simulator.language.scenario import Scenario
from twin.events import CaseArrived, CaseClosed, Event, VerdictIssued
from twin.images import FileRef


def verdict(case_id: str, at_min: float, p: float = 0.2, *, malignant: bool = False) -> Event:
    return VerdictIssued(
        case_id=case_id,
        at_min=at_min,
        p_malignant=p,
        threshold=0.5,
        malignant=malignant,
        log_odds={"svm": 0.0},
        model_id="m",
    )


def arrival(case_id: str, at_min: float) -> Event:
    return CaseArrived(case_id=case_id, at_min=at_min, image=IMAGE)


def closing(case_id: str, at_min: float, *nodes: str, left_early: bool = False) -> Event:
    return CaseClosed(
        case_id=case_id,
        at_min=at_min,
        referred=False,
        left_early=left_early,
        waits_min=dict.fromkeys(nodes, 1.0),
    )


IMAGE = FileRef(path="lesion.png", sha256="0" * 64)


def ran(scenario: Scenario, replication: int = 0) -> Journal:
    return Engine(scenario, replication, People(scenario, replication)).run()


def told(scenario: Scenario, journal: Journal) -> list[Event]:
    """The log of a run, as if a twin had answered the nominal verdicts."""
    patients = Patients(scenario, journal)
    arrived, closed = patients.column("arrival_min"), patients.column("closed_min")
    p, flagged = patients.column("p_malignant"), patients.column("flagged")
    early = patients.column("left_early")
    waits: dict[int, list[str]] = defaultdict(list)
    for node, table in journal.visits.items():
        visits = Visits(table)
        for number in visits.patient[visits.was(State.DONE)].tolist():
            waits[number].append(node)
    events: list[Event] = []
    for number in range(len(patients)):
        name, at_min = f"r0-{number:06d}", float(arrived[number])
        events.append(arrival(name, at_min))
        if not math.isnan(p[number]):
            malignant = bool(flagged[number])
            events.append(verdict(name, at_min, float(p[number]), malignant=malignant))
        if not math.isnan(closed[number]):
            left = bool(early[number])
            events.append(closing(name, float(closed[number]), *waits[number], left_early=left))
    return events
