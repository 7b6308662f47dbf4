"""A clinic on made-up scores: two learners, verification that depends on the readers."""

from functools import cache

import numpy as np

from twin.events import (
    CaseArrived,
    CaseClosed,
    EpochReached,
    FeedbackReceived,
    LoggedEvent,
    VerdictIssued,
)
from twin.images import BlobRef
from twin.meta import fit_meta
from twin.reference import Reference
from twin.stacks import StackVersion

LEARNERS = ("svm", "knn")
DAY = 1440.0


def scores(malignant, stream, *, blind=False):
    """Log-odds of the learners; the first may have gone blind."""
    z = np.where(malignant, 1.5, -1.5)[:, None] + stream.normal(size=(len(malignant), 2)) * 1.5
    if blind:
        z[:, 0] = stream.normal(size=len(malignant)) * 1.5 - 2
    return np.round(z, 6)


@cache
def reference() -> Reference:
    stream = np.random.default_rng(0)
    malignant = np.arange(1000) % 5 < 2
    z = scores(malignant, stream)
    return Reference(z, malignant, np.round(stream.normal(size=(1000, 2)), 4))


@cache
def base() -> StackVersion:
    found = fit_meta(reference().log_odds, reference().malignant, LEARNERS, 0.003)
    return StackVersion(number=0, meta=found, threshold=0.5)


def arrived(name, at_min=0.0, image=None, **facts):
    return CaseArrived(
        case_id=name, at_min=at_min, image=image or BlobRef(sha256=f"of {name}"), **facts
    )


def verdict(name, at_min=0.0, svm=1.0, knn=0.5, sketch=(0.1, 0.2)):
    log_odds = {
        learner: value
        for learner, value in zip(LEARNERS, (svm, knn), strict=True)
        if value is not None
    }
    p = base().meta.weights_for(log_odds).p_malignant(log_odds)
    return VerdictIssued(
        case_id=name,
        at_min=at_min,
        p_malignant=p,
        threshold=0.5,
        malignant=p >= 0.5,
        log_odds=log_odds,
        sketch=sketch,
        missing=tuple(learner for learner in LEARNERS if learner not in log_odds),
        model_id="m",
    )


def closed(name, at_min, *, referred, left_early=False):
    return CaseClosed(
        case_id=name, at_min=at_min, referred=referred, left_early=left_early, waits_min={}
    )


def label(name, at_min, says="malignant", number=1, **more):
    return FeedbackReceived(
        feedback_id=f"{name}.{number}", case_id=name, at_min=at_min, label=says, **more
    )


def month(
    epoch=1,
    *,
    seed=0,
    count=600,
    prevalence=0.4,
    blind=False,
    discharged=0.3,
    follow_up=0.0,
    sensitivity=0.9,
) -> list[LoggedEvent]:
    """The events of one month, of 30 days, that ends with an epoch.

    Parameters:
        follow_up: share of the discharged whose label comes after the month, if at all.
    """
    stream = np.random.default_rng((seed, epoch))
    malignant = stream.random(count) < prevalence
    z, sketch = scores(malignant, stream, blind=blind), stream.normal(size=(count, 2)).round(4)
    start_min = (epoch - 1) * 30 * DAY
    events: list[LoggedEvent] = []
    labels = 0
    for i in range(count):
        name, at_min = f"{seed}.{epoch}.{i:05d}", start_min + i * 25 * DAY / count
        events.append(arrived(name, at_min, sex="female" if i % 2 else "male", age=i % 90))
        events.append(verdict(name, at_min, *z[i].tolist(), sketch=tuple(sketch[i].tolist())))
        referred = bool(stream.random() < (sensitivity if malignant[i] else 0.2))
        events.append(closed(name, at_min + 60, referred=referred))
        now = 1.0 if referred else discharged
        if stream.random() < now:
            labels += 1
            events.append(
                label(
                    name,
                    at_min + 2 * DAY,
                    "malignant" if malignant[i] else "benign",
                    way="biopsied" if referred else "sampled",
                    p_verified=1.0 if referred else 1 - (1 - discharged) * (1 - follow_up),
                )
            )
    events.append(
        EpochReached(
            at_min=epoch * 30 * DAY, epoch=epoch, cases=count, feedback=labels, closed=count
        )
    )
    return events


def months(*of) -> list[LoggedEvent]:
    """Join months; each epoch counts all that came before it."""
    events: list[LoggedEvent] = []
    counts = [0, 0, 0]
    for one in of:
        *before, mark = one
        for place, some in enumerate((mark.cases, mark.feedback, mark.closed)):
            counts[place] += some
        events += before
        events.append(
            EpochReached(
                at_min=mark.at_min,
                epoch=mark.epoch,
                cases=counts[0],
                feedback=counts[1],
                closed=counts[2],
            )
        )
    return events
