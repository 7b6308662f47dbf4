"""What it cost that learners were missing, in one replication: plain data.

Patients who came during an outage are held against those who were answered by all learners. Where
they were drawn from a bank, whose base scores are all known, each of them is also answered by the
full stack in force: the same patients, so the difference is the outage's alone.
"""

from typing import Any

import numpy as np

from simulator.analysis.frames import Floats, Mask, Patients, Window
from simulator.analysis.tally import tally
from simulator.cases.bank import Bank, Scores
from simulator.cases.bank_patients import severities_key
from simulator.clinic.journal import SHIFTS, Journal
from simulator.experiment.loop_decisions import weights
from simulator.language.form import ScenarioForm
from twin.events import StackPromoted
from twin.meta import MetaWeights


def missing_of(
    scenario: ScenarioForm, journal: Journal, window: Window, bank: Bank | None
) -> dict[str, Any]:
    """Return tallies by the learners that were missing, "" for none; empty without faults."""
    if not scenario.outages:
        return {}
    patients = Patients(scenario, journal)
    p_malignant, malignant = patients.column("p_malignant"), patients.column("malignant")
    flagged = patients.column("flagged") > 0
    known = window.has(patients.column("arrival_min")) & ~np.isnan(p_malignant)
    known &= ~np.isnan(malignant) & ~np.isnan(patients.column("closed_min"))
    lacking = np.array(patients.words("missing"), dtype=object)
    ill = malignant > 0

    def of(here: Mask, says: Mask, p: Floats) -> dict[str, Any]:
        return tally(ill[here], says[here], p[here]).as_dict()

    masks = sorted(set(lacking[known].tolist()))
    found: dict[str, Any] = {
        "by": {mask: of(known & (lacking == mask), flagged, p_malignant) for mask in masks}
    }
    outage = known & (lacking != "")
    if bank is not None and outage.any():
        full = _full(scenario, journal, patients, bank, outage)
        if isinstance(full, str):
            found["why_not"] = full
        else:
            p, says = full
            found["full"] = {mask: of(known & (lacking == mask), says, p) for mask in masks if mask}
    return found


def _full(
    scenario: ScenarioForm, journal: Journal, patients: Patients, bank: Bank, here: Mask
) -> tuple[Floats, Mask] | str:
    """Return probabilities and verdicts of the full stack in force, or why there are none."""
    promoted = {one.version: one for one in journal.stack_events if isinstance(one, StackPromoted)}
    entry, version = patients.column("bank_entry"), patients.column("stack")
    shifts = patients.words(SHIFTS) if scenario.shifts else [""] * len(patients)
    least = bank.threshold if scenario.operating_point is None else scenario.operating_point
    p_malignant, says = np.full(len(patients), np.nan), np.zeros(len(patients), dtype=bool)
    names = scenario.shift_ids()
    for number in np.flatnonzero(here).tolist():
        among = set(shifts[number].split("+"))
        regime = tuple(place for place, name in enumerate(names) if name in among)
        scores = bank.scores[severities_key(scenario, regime)]
        place, stack = int(entry[number]), int(np.nan_to_num(version[number]))
        if stack == 0:
            p, threshold = float(scores.p_malignant[place]), least
        elif stack not in promoted:
            return f"stack {stack} is not among the run's decisions"
        else:
            event = promoted[stack]
            columns = _columns(scores, place, event)
            if columns is None:
                return "the bank keeps no sketch, which the stack in force weighs"
            p, threshold = _answered(event, columns), event.threshold
        p_malignant[number], says[number] = p, p >= threshold
    return p_malignant, says


def _columns(scores: Scores, place: int, event: StackPromoted) -> dict[str, float] | None:
    found = dict(zip(scores.learners, scores.log_odds[place].tolist(), strict=True))
    if event.inputs:
        sketch = getattr(scores, "sketch", None)
        if sketch is None:
            return None
        found |= {name: float(sketch[place][int(name.rpartition(".")[2])]) for name in event.inputs}
    return found


def _answered(event: StackPromoted, columns: dict[str, float]) -> float:
    known = weights(event)
    intercept = known.pop("intercept")
    return MetaWeights(intercept=intercept, weights=known).p_malignant(columns)
