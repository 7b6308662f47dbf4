"""A log of two learners with re-stacking, made by hand: two promotions, a refusal, a rollback."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from twin.events import (
    CaseRejected,
    Event,
    GateRow,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.log import in_order, line
from twin.stacks import digest_of, version_of

DAY = 1440.0
GATE = (
    GateRow(
        metric="sensitivity",
        group="sex=female",
        champion=0.8,
        challenger=0.9,
        change=0.1,
        low=0.02,
        high=0.18,
        margin=0.02,
        labels=120,
        malignant=30,
        verdict="pass",
    ),
)


def promoted(version: int, epoch: int, weights: Sequence[float], **changes) -> StackPromoted:
    """A stack with intercept, then weights of svm and knn, then of input.0."""
    intercept, svm, knn, inputs = weights
    held = {
        "svm+knn": [intercept, svm, knn, inputs],
        "svm": [intercept, svm, inputs],
        "knn": [intercept, knn, inputs],
    }
    threshold = changes.pop("threshold", 0.5)
    event = StackPromoted(
        at_min=epoch * DAY,
        epoch=epoch,
        version=version,
        parent=version - 1 if version else None,
        how="restack" if version else "trained",
        model_id="abcdef012345",
        threshold=threshold,
        penalty=0.01,
        inputs=("input.0",),
        stacks=held,
        digest=digest_of(threshold, 0.01, held, ("input.0",)),
        window_from_min=0.0,
        labels=100 * version,
        malignant=20 * version,
        gate=GATE if version else (),
        reason="held-out labels agree" if version else "as trained",
    )
    return replace(event, **changes)


V0 = promoted(0, 0, (0.0, 1.0, 0.5, 0.0))
V1 = promoted(1, 3, (-0.5, 0.5, 0.5, 0.25), threshold=0.4)
V2 = promoted(2, 5, (0.0, 1.0, 0.5, 0.0), how="rollback", restores=0, reason="by order")
WAITS = StackRejected(
    at_min=DAY,
    epoch=1,
    version=0,
    verdict="waiting",
    how="restack",
    window_from_min=0.0,
    labels=10,
    malignant=1,
    reason="10 labels, and 40 are needed",
)
REFUSED = replace(
    WAITS,
    at_min=4 * DAY,
    epoch=4,
    version=1,
    verdict="rejected",
    gate=(replace(GATE[0], group="", low=-0.2, verdict="fail"),),
    reason="sensitivity may fall by 0.200",
)


def verdict(
    number: int, scores: dict[str, float], sketch: float, event: StackPromoted
) -> VerdictIssued:
    stack = version_of(event)
    p = stack.meta.weights_for(scores).p_malignant({**scores, "input.0": sketch})
    return VerdictIssued(
        case_id=f"c{number}",
        at_min=event.at_min + number,
        p_malignant=p,
        threshold=stack.threshold,
        malignant=p >= stack.threshold,
        log_odds=scores,
        sketch=(sketch,),
        missing=tuple(name for name in ("svm", "knn") if name not in scores),
        model_id=event.model_id,
        stack=event.version,
    )


VERDICTS = (
    verdict(1, {"svm": 2.0, "knn": 1.0}, 0.0, V0),  # malignant by all
    verdict(2, {"svm": 0.4, "knn": -0.2}, -4.0, V0),  # malignant by 0, benign by 1
    verdict(3, {"svm": -2.0, "knn": -0.5}, 7.0, V1),  # benign by 0, malignant by 1
    verdict(4, {"knn": -3.0}, 0.0, V1),  # benign by all, without svm
)
NOT_SCORED = CaseRejected(case_id="c9", at_min=9.0, reason="no image")
EVENTS: tuple[Event, ...] = (V0, V1, V2, WAITS, REFUSED, *VERDICTS, NOT_SCORED)


def write_run(home: Path, name: str = "run-1", events: Sequence[Event] = EVENTS) -> Path:
    """Write a run folder below a home; return the log."""
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / "experiment.json").write_text("{}")
    log = folder / "events.jsonl"
    log.write_bytes(b"".join(line(event) for event in in_order(events)))
    return log
