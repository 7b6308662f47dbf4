"""Runs with a loop made by hand: no engine, no model; what a journal says and nothing else.

Scores fall apart by a shift of the images at day 10; with re-stacking a version that is worth
most of the old one answers from day 14 on. The same replication has the same patients either way.
"""

import json
from functools import cache
from typing import Any

import numpy as np
from report_samples import point, summary

from simulator.clinic.journal import PATIENT_COLUMNS, Journal
from simulator.experiment.loop_data import loop_of
from simulator.experiment.looped import looped
from simulator.experiment.recovery import recovery
from simulator.experiment.result import Curves, ReplicationResult
from simulator.language.scenario import Scenario, load
from twin.events import (
    CaseArrived,
    DriftReported,
    DriftSignal,
    Estimate,
    FeedbackReceived,
    GateRow,
    StackPromoted,
    StackRejected,
)
from twin.images import BlobRef

DAY = 1440.0
DAYS = 40
ONSET, BACK = 10 * DAY, 14 * DAY
SPREAD = (2.2, 0.8, 1.9)  # how far apart scores are: before, after, re-stacked


def scenario(*, restack: bool = True, **more: Any) -> Scenario:
    """A clinic of images from a bank with a colour cast from day 10, labels, epochs, an outage."""
    told: dict[str, Any] = {
        "name": "with" if restack else "without",
        "horizon": f"{DAYS} d",
        "cases": {"source": "synthetic", "bank": 400, "population": {"prevalence": 0.3}},
        "arrivals": {"rate_per_d": 40},
        "pathway": [
            {"id": "ai", "twin": "score", "then": "read"},
            {"id": "read", "staff": "reader", "service": "5 min", "then": "end"},
        ],
        "staff": {"reader": 2},
        "shifts": [{"id": "cast", "at": "10 d", "image": {"colour_cast": 4}}],
        "feedback": {"delay": "3 d"},
        "drift": {"window_cases": 100},
        "faults": [{"at": "4 d", "for": "1 d", "component": "knn"}],
        "replications": 4,
    }
    if restack:
        told["restack"] = {"every": "1 d"}
    return load(json.dumps(told | more), "x.json")


def journal(restack: bool = True, replication: int = 0, per_day: int = 40) -> Journal:
    """Return a run; patients, truth and who is verified do not depend on `restack`."""
    draws = np.random.default_rng(replication)
    count = DAYS * per_day
    at_min = np.sort(draws.uniform(0, DAYS * DAY, count))
    ill = draws.random(count) < 0.3
    noise, coin, wrong = draws.normal(size=count), draws.random(count), draws.random(count)
    out = Journal(looped=True, shifted=True, banked=True)
    out.arrived, out.end_min = count, DAYS * DAY + 100
    out.words["class"]["patient"] = 0
    columns = out.patients.columns
    for name in ("knn",):
        out.words["missing"][name] = 0
    ways = {"biopsied": 0, "sampled": 1}
    out.words["way"] |= ways
    for number in range(count):
        at, late = float(at_min[number]), at_min[number] >= ONSET
        newer = restack and at_min[number] >= BACK
        apart = SPREAD[2 if newer else 1 if late else 0]
        lacks = 4 * DAY <= at < 5 * DAY
        score = (apart if ill[number] else -apart) * (0.6 if lacks else 1) / 1.5 + noise[number]
        p = round(float(1 / (1 + np.exp(-1.5 * score))), 6)
        flagged = p >= 0.5
        way = "biopsied" if flagged else "sampled"
        verified = 1.0 if flagged else 0.2
        row = dict.fromkeys(columns, float("nan"))
        row |= {"patient": number, "key": number, "class": 0, "arrival_min": at, "age": 50}
        row |= {"closed_min": at + 30, "left_early": 0, "malignant": float(ill[number])}
        row |= {"p_malignant": p, "flagged": float(flagged), "referred": float(flagged)}
        row |= {"stack": float(newer), "bank_entry": number % 400}
        row |= {"missing": 0.0} if lacks else {}
        labelled_min = at + 3 * DAY
        case = f"r{replication}-{number:06d}"
        out.events.append(CaseArrived(case_id=case, at_min=at, image=BlobRef(sha256="0" * 64)))
        if coin[number] < verified and labelled_min < DAYS * DAY:
            says = bool(ill[number]) != bool(wrong[number] < 0.02)
            row |= {"label": float(says), "labelled_min": labelled_min, "way": ways[way]}
            message = FeedbackReceived(
                feedback_id=f"f{number}",
                case_id=case,
                at_min=labelled_min,
                label="malignant" if says else "benign",
                way=way,
                p_verified=verified,
            )
            out.events += [message]
            if number % 50 == 0:
                again = FeedbackReceived(
                    feedback_id=f"g{number}",
                    case_id=case,
                    at_min=labelled_min + 1,
                    label=message.label,
                    way=way,
                    p_verified=verified,
                )
                out.events.append(again)
        out.patients.add([row[name] for name in columns])
    out.events.append(
        FeedbackReceived(feedback_id="u", case_id="who", at_min=5 * DAY, label="benign")
    )
    if restack:
        out.stack_events += [promoted(0), waiting(), refused(), promoted(1)]
    out.stack_events += [drift(epoch) for epoch in range(1, DAYS + 1)]
    return out


def promoted(version: int, how: str = "restack", at_min: float = BACK) -> StackPromoted:
    first = version == 0
    return StackPromoted(
        at_min=0.0 if first else at_min,
        epoch=0 if first else 14,
        version=version,
        parent=None if first else version - 1,
        how="trained" if first else how,
        model_id="m" * 12,
        threshold=0.5,
        penalty=0.01,
        inputs=() if first else ("input.0",),
        stacks={
            "svm+knn": [0.1, 0.8, 0.3, *([] if first else [0.5])],
            "svm": [0.1, 1.1, *([] if first else [0.5])],
        },
        digest="d" * 64,
        window_from_min=0.0,
        labels=0 if first else 180,
        malignant=0 if first else 70,
        gate=() if first else (gate_row(), gate_row("sensitivity", "sex=female", "few")),
        reason="as the model came" if first else "no loss beyond the margins",
    )


def gate_row(metric: str = "auc", group: str = "", verdict: str = "pass") -> GateRow:
    return GateRow(
        metric=metric,
        group=group,
        champion=0.81,
        challenger=0.88,
        change=0.07,
        low=0.02,
        high=0.12,
        margin=0.01,
        labels=80,
        malignant=31,
        verdict=verdict,
    )


def waiting(epoch: int = 12) -> StackRejected:
    return StackRejected(
        at_min=epoch * DAY,
        epoch=epoch,
        version=0,
        verdict="waiting",
        how="",
        window_from_min=0.0,
        labels=12,
        malignant=4,
        reason=f"only {epoch} labels after the shift; 50 are needed",
    )


def refused(epoch: int = 13) -> StackRejected:
    return StackRejected(
        at_min=epoch * DAY,
        epoch=epoch,
        version=0,
        verdict="rejected",
        how="recalibrate",
        threshold=0.4,
        window_from_min=0.0,
        labels=90,
        malignant=30,
        gate=(gate_row(), gate_row("sensitivity", "sex=female", "fail")),
        reason="sensitivity of sex=female may fall by 0.05, more than 0.02",
    )


def drift(epoch: int) -> DriftReported:
    """An alarm of scores two days after the onset, a false one at day 3; invalid once shifted."""
    alarms = {3: (3 * DAY - 5,), 12: (12 * DAY - 5,)}.get(epoch, ())
    late = epoch * DAY > ONSET
    estimate = Estimate(
        metric="accuracy",
        value=0.93,
        low=0.88,
        high=0.99,
        valid=not late,
        reason="the images changed (p = 0.001)" if late else "assumes a change of prevalence alone",
    )
    return DriftReported(
        at_min=epoch * DAY,
        epoch=epoch,
        cases=40,
        signals=(
            DriftSignal(detector="adwin", stream="score.svm", alarms=alarms, value=0.3),
            DriftSignal(detector="adwin", stream="loss", alarms=(), value=0.2),
        ),
        estimates=(estimate,),
    )


def columns_of(out: Journal) -> dict[str, Any]:
    """Return the columns of patients as arrays, in order of arrival."""
    names = (*PATIENT_COLUMNS, "label", "labelled_min", "stack", "missing")
    return {name: out.patients.column(name) for name in names}


def result(restack: bool = True, replication: int = 0, per_day: int = 40) -> ReplicationResult:
    """Return a replication of which nothing but its loop is told."""
    out = journal(restack, replication, per_day)
    return ReplicationResult(
        replication=replication,
        digest="d",
        from_min=0.0,
        to_min=DAYS * DAY,
        end_min=out.end_min,
        values={},
        counts={},
        ratios={},
        missing={},
        checks=[],
        curves=Curves(),
        loop=loop_of(scenario(restack=restack), out, 0.0),
    )


@cache
def results(restack: bool = True, runs: int = 4) -> tuple[ReplicationResult, ...]:
    return tuple(result(restack, number) for number in range(runs))


@cache
def looped_summary() -> dict[str, Any]:
    """Return the summary of a comparison without and with re-stacking."""
    both = [scenario(restack=False), scenario(restack=True)]
    runs = [results(restack=False), results(restack=True)]
    shift = {"id": "cast", "at_min": ONSET, "over_min": 0.0, "until_min": None, "share": 1.0}
    shift |= {"population": None, "image": {"colour_cast": 4}}
    told = {"steady": True, "patients": 400, "malignant": 120, "true_prevalence": 0.3}
    spells = (("before", 0.0, ONSET), ("cast", ONSET, None))
    parts = [{"name": n, "from_min": a, "to_min": b, **told} for n, a, b in spells]
    shifts = {"shifts": [shift], "periods": parts, "prevalence": None, "bayes": []}
    points = [
        point(
            {"scenario": one.name},
            loop=looped(one, done, 0.95),
            window_min=[0.0, DAYS * DAY],
            shifts=shifts,
        )
        for one, done in zip(both, runs, strict=True)
    ]
    return summary(*points, kind="compare", recovery=recovery(both, runs, 0.95))
