"""What becomes of a re-stack that takes the labelled for a sample of all, and of one that does not.

    python -m benchmarks.verification_bias --seeds 20

A clinic on made-up scores (benchmarks/gaussian_clinic.py): all who are referred have a label, one
in twenty of the others. Nothing shifts and the stack that the model came with is calibrated, so
nothing is to be gained and every change does harm or none. Each seed has a bank, patients and
readers of its own; within a seed all arms have the same patients.

- Estimates, from four weeks of labels: prevalence, and the first stack's sensitivity and
  specificity, less the truth about all patients who left in that time.
- Harm: one re-stack on those labels without a gate; all patients of the two weeks after it, under
  the new stack less under the old one. Where nothing was changed the difference is 0.
- The gate: a decision every week for six weeks, fitted without weights and judged as always.

Gate of this benchmark: without weights an estimate's error has an interval without 0, with known
and with estimated weights one with 0; without weights calibration or sensitivity is worse with an
interval without 0; the gate refuses nine in ten of those challengers and lets none pass.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.gaussian_clinic import LEARNERS, bank, clinic
from simulator.analysis.intervals import Interval, replication_interval
from simulator.cases.bank import Bank
from simulator.clinic.bank_link import bank_link
from simulator.experiment.replicate import replicate
from twin.evaluate import evaluate
from twin.events import LoggedEvent, StackPromoted, StackRejected, VerdictIssued
from twin.restacking.answers import side_of
from twin.restacking.comparison import columns_of
from twin.restacking.decision import reweighted
from twin.restacking.evidence import Evidence, Side
from twin.restacking.ledger import Ledger, evidence_of, through
from twin.restacking.plan import Weighting
from twin.stacks import StackVersion, version_of

SEEDS: Final = 20
WEIGHTINGS: Final[tuple[Weighting, ...]] = ("none", "known", "estimated")
_DAY: Final = 1440.0
EPOCH_DAYS: Final = 28
_FEEDBACK: Final = {
    "delay": {"lognormal": {"mean": "3 d", "sd": "1 d"}},
    "verified": {"biopsied": 1.0, "discharged": 0.05},
}
FIGURES: Final = ("prevalence", "sensitivity", "specificity")
CHANGES: Final = ("calibration_error", "sensitivity", "specificity", "brier", "auc")


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: its log, its decisions, and the truth, which the log does not have."""

    log: list[LoggedEvent]
    decisions: list[StackPromoted | StackRejected]  # version 0 first
    malignant: NDArray[np.bool_]  # of patients, by their number


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """Return figures as means over seeds with 95 % intervals (Student)."""
    if seeds < 2:
        raise ValueError(f"{seeds} seed: an interval needs two")
    errors: dict[str, list[float]] = {}
    changes: dict[str, list[float]] = {}
    altered: Counter[str] = Counter()
    gate: Counter[str] = Counter()
    for seed in range(1, seeds + 1):
        lesions = bank(seed)
        for weighting in WEIGHTINGS:
            alone = {"every": f"{EPOCH_DAYS} d", "weighting": weighting, "gate": "off"}
            ran = run(seed, lesions, alone, "42 d")
            if weighting == "none":
                for name, error in estimate_errors(ran).items():
                    errors.setdefault(name, []).append(error)
            for name, change in changes_by(ran).items():
                changes.setdefault(f"{weighting}.{name}", []).append(change)
            altered[weighting] += isinstance(ran.decisions[-1], StackPromoted)
        gated = run(seed, lesions, {"every": "7 d", "weighting": "none"}, "43 d")
        for one in gated.decisions[1:]:
            promoted = isinstance(one, StackPromoted)
            gate["promoted" if promoted else one.verdict] += 1  # type: ignore[union-attr]
    found: dict[str, Any] = {"seeds": seeds}
    found |= {f"error.{name}": _told(values) for name, values in errors.items()}
    found |= {f"change.{name}": _told(values) for name, values in changes.items()}
    found |= {f"altered.{name}": altered[name] for name in WEIGHTINGS}
    challengers = gate["promoted"] + gate["rejected"] + gate["waiting"]
    found |= {f"gate.{name}": gate[name] for name in ("promoted", "rejected", "waiting", "kept")}
    found["gate.refused_share"] = gate["rejected"] / challengers if challengers else None
    found["gate"] = "biased without weights, unbiased with them; refused_share >= 0.9"
    found["pass"] = _passes(found)
    return found


def run(seed: int, lesions: Bank, restack: dict[str, Any], horizon: str) -> Ran:
    scenario = clinic(seed, horizon=horizon, feedback=_FEEDBACK, restack=restack)
    link = bank_link(scenario, lesions)
    journal = replicate(scenario, 0, twin=link, bank=lesions)
    decisions = [
        one for one in journal.stack_events if isinstance(one, StackPromoted | StackRejected)
    ]
    truth = journal.patients.column("malignant") > 0
    found = Ran(link.log(journal), decisions, truth)
    journal.close()
    return found


def estimate_errors(ran: Ran) -> dict[str, float]:
    """Return each estimate less the truth, named weighting.figure."""
    ledger = Ledger()
    for event in ran.log:
        ledger.note(event)
    cases = ledger.cases(0.0, EPOCH_DAYS * _DAY)
    evidence = evidence_of(cases, LEARNERS)
    first = _first(ran)
    done = through(cases)
    ill = np.array([ran.malignant[_number(case.arrived.case_id)] for case in done])
    flagged = np.array([case.verdict.malignant for case in done])
    truth = _shares(ill, flagged, np.ones(len(done)))
    found: dict[str, float] = {}
    for weighting in WEIGHTINGS:
        said = reweighted(evidence, cases, weighting)
        shares = _estimates(said, side_of(first, said))
        found |= {f"{weighting}.{name}": shares[name] - truth[name] for name in FIGURES}
    return found


def _estimates(evidence: Evidence, side: Side) -> dict[str, float]:
    return _shares(evidence.malignant, side.flagged, evidence.weight)


def _shares(
    ill: NDArray[np.bool_], flagged: NDArray[np.bool_], weight: NDArray[np.float64]
) -> dict[str, float]:
    def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
        return float(weight[part & whole].sum() / weight[whole].sum())

    everybody = np.ones_like(ill)
    of = (share(ill, everybody), share(flagged, ill), share(~flagged, ~ill))
    return dict(zip(FIGURES, of, strict=True))


def changes_by(ran: Ran) -> dict[str, float]:
    """Return what the patients after the epoch gained or lost, all of them, by the truth."""
    after = [
        one for one in ran.log if isinstance(one, VerdictIssued) and one.at_min >= EPOCH_DAYS * _DAY
    ]
    ill = np.array([ran.malignant[_number(one.case_id)] for one in after])
    last = ran.decisions[-1]
    if not isinstance(last, StackPromoted):
        return dict.fromkeys(CHANGES, 0.0)
    values = []
    for version in (_first(ran), version_of(last)):
        p_malignant = np.array(
            [version.meta.weights_for(one.log_odds).p_malignant(columns_of(one)) for one in after]
        )
        found = evaluate(p_malignant, ill, version.threshold)
        values.append([float(getattr(found, name)) for name in CHANGES])
    old, new = values
    return {name: b - a for name, a, b in zip(CHANGES, old, new, strict=True)}


def _first(ran: Ran) -> StackVersion:
    first = ran.decisions[0]
    assert isinstance(first, StackPromoted)  # every run announces the stack it begins with
    return version_of(first)


def _number(case_id: str) -> int:
    return int(case_id.rpartition("-")[2])


def _told(values: list[float]) -> dict[str, float]:
    found: Interval = replication_interval(values)
    assert found.mean is not None and found.low is not None and found.high is not None
    return {"mean": found.mean, "low": found.low, "high": found.high}


def _holds_0(told: dict[str, float]) -> bool:
    return told["low"] <= 0.0 <= told["high"]


def _passes(found: dict[str, Any]) -> bool:
    biased = any(not _holds_0(found[f"error.none.{name}"]) for name in FIGURES)
    mended = all(
        _holds_0(found[f"error.{weighting}.{name}"])
        for weighting in ("known", "estimated")
        for name in FIGURES
    )
    worse = (
        found["change.none.calibration_error"]["low"] > 0
        or found["change.none.sensitivity"]["high"] < 0
    )
    refused = (found["gate.refused_share"] or 0.0) >= 0.9 and found["gate.promoted"] == 0
    return biased and mended and worse and refused


def _show(found: dict[str, Any], took_s: float) -> None:
    console = Console()
    for kind, title, names in (
        ("error", "estimate less truth, percentage points", FIGURES),
        ("change", "new stack less old one, all patients, percentage points", CHANGES),
    ):
        table = Table("", *WEIGHTINGS, title=title)
        for name in names:
            cells = [found[f"{kind}.{weighting}.{name}"] for weighting in WEIGHTINGS]
            texts = [
                f"{100 * one['mean']:+.1f} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"
                for one in cells
            ]
            table.add_row(name.replace("_", " "), *texts)
        if kind == "change":
            table.add_row("seeds that changed", *(str(found[f"altered.{w}"]) for w in WEIGHTINGS))
        console.print(table)
    console.print(
        f"{found['seeds']} seeds in {took_s:.0f} s; the gate, of challengers fitted without "
        f"weights: {found['gate.rejected']} refused, {found['gate.waiting']} waited, "
        f"{found['gate.promoted']} promoted; {found['gate.kept']} epochs without a challenger"
    )
    console.print("holds" if found["pass"] else "does not hold")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="20 take some minutes")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    started_s = time.perf_counter()
    figures = measure(options.seeds)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        _show(figures, time.perf_counter() - started_s)
    sys.exit(0 if figures["pass"] else 1)
