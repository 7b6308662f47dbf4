"""Cases of a clinic on Gaussian scores and sketches, told to a ledger day by day."""

from functools import cache

import numpy as np
from loop_clinic import DAY, arrived, base, label, reference, scores, verdict

from twin.drift.columns import Columns
from twin.drift.monitor import watch_of
from twin.drift.plan import DriftPlan
from twin.events import CaseArrived, EpochReached, FeedbackReceived
from twin.restacking.ledger import Ledger

PER_DAY = 60
PLAN = DriftPlan(window_cases=200)


def window(stream, cases=200, prevalence=0.4, moved=0.0):
    """A window of cases and their truth; `moved` shifts scores and sketches of both classes."""
    malignant = stream.random(cases) < prevalence
    return (
        Columns(
            at_min=np.arange(cases, dtype=float),
            log_odds=scores(malignant, stream) + moved,
            sketch=stream.normal(size=(cases, 2)) + moved,
        ),
        malignant,
    )


@cache
def story(days=12, moved_from=6, moved=2.0, prevalence=0.3, seed=0):
    """All events of some days; from one day on scores and sketches move. Labels come next day."""
    stream = np.random.default_rng(seed)
    events = []
    for day in range(days):
        columns, malignant = window(
            stream, PER_DAY, prevalence, moved if day >= moved_from else 0.0
        )
        for place in range(PER_DAY):
            name, at_min = f"d{day:03d}-{place:03d}", (day + place / PER_DAY) * DAY
            svm, knn = np.round(columns.log_odds[place], 6).tolist()
            sketch = tuple(np.round(columns.sketch[place], 4).tolist())
            events += [
                arrived(name, at_min),
                verdict(name, at_min, svm, knn, sketch),
            ]
            if place % 2:
                says = "malignant" if malignant[place] else "benign"
                events.append(label(name, at_min + 0.7 * DAY, says))
    return tuple(events)


def epoch_of(number, events, every_min=DAY):
    """The epoch's marker, which counts what came before it."""
    at_min = number * every_min
    before = [event for event in events if event.at_min < at_min]
    return EpochReached(
        at_min=at_min,
        epoch=number,
        cases=sum(isinstance(event, CaseArrived) for event in before),
        feedback=sum(isinstance(event, FeedbackReceived) for event in before),
    )


def reports(events, every_min=DAY, epochs=12, plan=PLAN):
    """What a new watch says when it is led through all epochs over a ledger of all events."""
    ledger = Ledger()
    for event in events:
        ledger.note(event)
    watch = watch_of(plan, reference(), base())
    return [watch(epoch_of(k, events, every_min), ledger, base()) for k in range(1, epochs + 1)]


@cache
def told(moved=2.0, epochs=12, every_min=DAY):
    """The reports of the story."""
    return reports(story(moved=moved), every_min, epochs)
