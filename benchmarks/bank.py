"""A clinic with a million patients out of a bank of 5,000 lesions, beside one with nominal cases.

Gate: with the bank at least 0.9 times as many patients per second as with nominal patients who have
a population and an AI of one operating point. The bank's scores are made up here: once they are
remembered, where they came from makes no difference. What it takes to score lesions is measured
beside it, on few of them, with `python -m benchmarks.bank score`.
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from simulator.cases.bank import AS_THEY_COME, Bank, Scores, bank_of
from simulator.cases.bank_entries import entries_of
from simulator.cases.bank_patients import BankPatients
from simulator.clinic.person import Person
from simulator.experiment.replicate import replicate
from simulator.language.scenario import load
from simulator.language.schema import Scenario

ENTRIES: Final = 5000
PATIENTS: Final = 1_000_000
_IN_TURNS: Final = 100_000  # patients of one turn of the comparison
_SCORED: Final = 500  # lesions that are scored to see what it takes
_CLINIC: Final = """
name: million-patients
seed: 1
cases: {cases}
arrivals: {{rate_per_h: 60}}
pathway:
  - {{id: ai, twin: score, then: read}}
  - {{id: read, staff: reader, service: {{exponential: {{mean: 2 min}}}}, then: end}}
staff: {{reader: 3}}
"""
_NOMINAL: Final = (
    "{{source: nominal, population: {{prevalence: 8 %}}, count: {count}, "
    "ai: {{sensitivity: 0.9, specificity: 0.85}}}}"
)
_BANKED: Final = (
    "{{source: synthetic, population: {{prevalence: 8 %}}, count: {count}, bank: {entries}}}"
)


def measure(rounds: int) -> dict[str, Any]:
    """Take turns of both clinics, then run the million once; seconds are of the processor."""
    bank = made_up(_clinic(_BANKED, 1))
    nominal_per_s, banked_per_s = [], []
    for turn in range(rounds + 1):  # the first one is for what is computed at first use
        pair = [_run(_clinic(cases, _IN_TURNS), turn, bank) for cases in (_NOMINAL, _BANKED)]
        if turn:
            nominal_per_s.append(_IN_TURNS / pair[0])
            banked_per_s.append(_IN_TURNS / pair[1])
    ratios = [banked / nominal for nominal, banked in zip(nominal_per_s, banked_per_s, strict=True)]
    started_s = time.perf_counter()
    million_s = _run(_clinic(_BANKED, PATIENTS), 0, bank)
    wall_s = time.perf_counter() - started_s
    drawing_s = _drawing_s(_clinic(_BANKED, PATIENTS), bank)
    ratio = statistics.median(ratios)
    return {
        "nominal_patients_per_s": statistics.median(nominal_per_s),
        "bank_patients_per_s": statistics.median(banked_per_s),
        "ratio": ratio,
        "ratios": [round(one, 3) for one in ratios],
        "million_patients_s": million_s,
        "million_patients_wall_s": wall_s,
        "million_patients_per_s": PATIENTS / million_s,
        "share_of_time_in_drawing": drawing_s / million_s,
        "gate": "ratio >= 0.9",
        "pass": ratio >= 0.9,
    }


def made_up(scenario: Scenario) -> Bank:
    """Return the bank of a scenario with scores of normal numbers a deviation and a half apart."""
    entries = entries_of(scenario)
    malignant = np.array([one.malignant for one in entries])
    draws = np.random.default_rng(1)
    logits = draws.normal(np.where(malignant, 1.0, -1.0), 1.3)
    scores = Scores(
        p_malignant=np.round(1 / (1 + np.exp(-logits)), 6),
        log_odds=logits[:, np.newaxis],
        learners=("made up",),
        faults={},
    )
    return bank_of(
        entries,
        {AS_THEY_COME: scores},
        model_id="made up",
        threshold=0.5,
        associated=False,
    )


def _clinic(cases: str, count: int) -> Scenario:
    told = cases.format(count=count, entries=ENTRIES)
    return load(_CLINIC.format(cases=told), "million-patients.yaml")


def _run(scenario: Scenario, replication: int, bank: Bank) -> float:
    """Run a replication, down to the digests of its tables; return the processor's seconds."""
    gc.collect()  # nobody pays for what another left behind
    started_s = time.process_time()
    journal = replicate(scenario, replication, bank=bank if scenario.bank else None)
    for table in (journal.patients, *journal.visits.values()):
        table.digest()
    taken_s = time.process_time() - started_s
    assert len(journal.patients) == scenario.cases.count
    journal.close()
    return taken_s


def _drawing_s(scenario: Scenario, bank: Bank) -> float:
    """Return the processor's seconds for drawing all patients of a run, without the loop itself."""
    one = scenario.patient_classes[0]
    fill = BankPatients(scenario, one, 0, bank).fill
    taken_s = []
    for known in (fill, _nothing):
        started_s = time.process_time()
        for key in range(PATIENTS):
            known(Person(key, key, 0.0, 0, one.id, 2))
        taken_s.append(time.process_time() - started_s)
    return taken_s[0] - taken_s[1]


def _nothing(person: Person) -> None:
    """Draw nothing: the loop alone."""


def score() -> dict[str, Any]:
    """Train a small model and score lesions with it, as a run does before it begins."""
    import os

    from services.banks import Banks
    from services.config import Settings
    from services.experiments.plan import Point
    from services.image_directory import ImageDirectory
    from services.learning import model_for

    def quiet(stage: str, done: int, total: int) -> None:
        """Show nothing."""

    scenario = _clinic(_BANKED, 1)
    text = scenario.model_dump(by_alias=True, exclude_none=True)
    text["cases"]["bank"] = _SCORED
    text["model"] = {"learn_from": "synthetic", "cases": 100}
    scenario = Scenario.model_validate(text)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), threads=cores)
        model = model_for(scenario, None, settings, quiet, ImageDirectory(None))  # type: ignore[arg-type]
        taken = {}
        for which in ("scored", "remembered"):
            started_s, worked_s = time.perf_counter(), time.process_time()
            Banks(settings, lambda _: model, quiet).of(Point({}, scenario))  # type: ignore[arg-type]
            taken[which] = time.perf_counter() - started_s
            if which == "scored":
                processor_s = time.process_time() - worked_s
    per_image_s = taken["scored"] / _SCORED
    return {
        "cores": cores,
        "scored_images": _SCORED,
        "scored_images_per_s": 1 / per_image_s,
        "processor_s_per_image": processor_s / _SCORED,
        "five_thousand_images_s": ENTRIES * per_image_s,
        "remembered_images_per_s": _SCORED / taken["remembered"],
    }


def main() -> None:
    """Run one part and print it as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=["speed", "score"])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    found = measure(asked.rounds) if asked.what == "speed" else score()
    json.dump(found, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
