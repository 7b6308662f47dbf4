"""What happened, as frozen values. Every event carries `at_min`, the time it happened.

Event time is counted in minutes since the run's epoch; no stage asks a clock (law 1). The
truth about a case is in none of these events: it stays with the simulator (law 8).
"""

from dataclasses import dataclass, field

from twin.images import ImageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseArrived:
    """A patient with a lesion has entered the clinic and an image of it can be had."""

    case_id: str  # unique within a run; the Kafka key of everything about this case
    at_min: float  # arrival at the clinic
    image: ImageRef  # by reference (law 4)
    age: int | None = None  # years
    sex: str | None = None  # "female" or "male"
    site: str | None = None  # body site, ISIC vocabulary
    skin_tone: str | None = None  # Fitzpatrick type, "I" to "VI"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictIssued:
    """The stack's answer for one case."""

    case_id: str
    at_min: float  # event time of the case that it answers
    p_malignant: float  # the meta-learner's probability, 0 to 1
    threshold: float  # operating point that made `malignant` of it
    malignant: bool  # p_malignant >= threshold
    log_odds: dict[str, float]  # each base learner's score, in nats; absent ones are missing
    sketch: tuple[float, ...] = ()  # what the stem saw, in a few numbers (twin/sketch.py)
    missing: tuple[str, ...] = ()  # learners that gave no score (law 10)
    model_id: str  # artefact of stem, learners and stack
    stack: int = 0  # version of the meta-learner within the model


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRejected:
    """The twin could not score a case, and says why; the case goes on without AI."""

    case_id: str
    at_min: float  # event time of the case that it answers
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed:
    """The patient has left; the case is closed."""

    case_id: str
    at_min: float  # when the patient left
    referred: bool  # the readers' decision; false, too, where nobody decided
    left_early: bool  # turned away or out of patience, so the pathway was not finished
    waits_min: dict[str, float]  # queueing in all, by node


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReceived:
    """A clinic says what a lesion was, or takes back what it said. It may be wrong."""

    feedback_id: str  # unique to each message that a clinic sends
    case_id: str
    at_min: float  # when it was received
    label: str  # "malignant", "benign", or "withdrawn"; anything else is kept apart
    revision: int = 0  # 0 for a case's first label; a higher one replaces lower ones
    way: str = "biopsied"  # how it was found out: biopsied, followed_up, sampled
    p_verified: float = 1.0  # probability that the pathway verifies a patient like this one


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReached:
    """The clinic's time has reached an epoch: the only times at which a stack changes (law 6)."""

    at_min: float
    epoch: int  # from 1
    cases: int  # that have arrived before it
    feedback: int  # messages that were received before it
    closed: int = 0  # patients who left before it


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One line of a gate: a metric, overall or of one group, of challenger against champion."""

    metric: str
    group: str = ""  # such as "sex=female"; empty for all
    champion: float | None = None  # None where it cannot be worked out
    challenger: float | None = None
    change: float | None = None  # challenger less champion
    low: float | None = None  # bounds of the change at the gate's confidence, each one-sided
    high: float | None = None
    margin: float  # what may be lost
    labels: int  # that it rests on
    malignant: int  # among them
    verdict: str  # "pass", "fail", or "few": too few labels to say


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPromoted:
    """A stack is in force for all cases that arrive from now on."""

    at_min: float
    epoch: int  # 0 for the stack that the model came with
    version: int  # from 0
    parent: int | None  # version in force before; None for version 0
    how: str  # "trained", "threshold", "recalibrate", "restack", "refit", "rollback"
    restores: int | None = None  # of a rollback: the version whose weights these are
    model_id: str
    threshold: float
    penalty: float
    inputs: tuple[str, ...] = ()  # columns of the sketch that it weighs beside the learners
    stacks: dict[str, list[float]]  # learners joined by "+" -> intercept, then weights, inputs last
    digest: str  # of threshold, penalty, inputs and stacks
    window_from_min: float  # cases that arrived from then on gave the labels
    labels: int  # that it was fitted to
    malignant: int  # among them
    facts: dict[str, float] = field(default_factory=dict)  # how it was fitted, with units
    gate: tuple[GateRow, ...] = ()
    reason: str  # in words


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRejected:
    """The stack in force stays, and why."""

    at_min: float
    epoch: int
    version: int  # the one that stays
    verdict: str  # "rejected", "waiting" for more labels, or "kept": nothing is to be gained
    how: str  # the remedy that was refused; "" where there was none
    threshold: float | None = None  # of the challenger; None where there was none
    weights: dict[str, float] = field(default_factory=dict)  # likewise; all learners, "intercept"
    window_from_min: float
    labels: int
    malignant: int
    facts: dict[str, float] = field(default_factory=dict)
    gate: tuple[GateRow, ...] = ()
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOrdered:
    """Somebody orders an earlier version back; the re-stacker obeys at the next epoch."""

    order_id: str  # unique to each order
    at_min: float  # an epoch after it carries it out
    version: int  # whose weights are to come back
    by: str  # who ordered it
    reason: str  # in words


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSignal:
    """What one detector says of one stream of numbers."""

    detector: str
    stream: str  # such as "input.0", "score.svm", "disagreement", "loss"
    alarms: tuple[float, ...]  # when it raised an alarm since the last epoch, minutes
    value: float  # latest mean of the stream, or the test's statistic
    p_value: float | None = None  # of a test


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Performance without labels, with interval; and whether it can be trusted."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    valid: bool
    reason: str  # why it is not valid, or what it assumes


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReported:
    """How far inputs, scores and performance have moved, as of an epoch."""

    at_min: float
    epoch: int
    cases: int  # since the last epoch
    signals: tuple[DriftSignal, ...] = ()
    estimates: tuple[Estimate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentChanged:
    """What a component of the twin says of itself: when its state changes, and as a beat.

    Telemetry: not part of the log's digest.
    """

    component: str
    at_unix_s: float  # real components fail in real time, so this one is a wall clock's
    state: str  # a ComponentState
    restarts: int
    model_id: str
    reason: str = ""
    facts: dict[str, float] = field(default_factory=dict)  # counts and durations, with units
    last_input: str = ""  # in words, by reference: never what an image shows
    last_output: str = ""  # likewise


CaseEvent = CaseArrived | VerdictIssued | CaseRejected | CaseClosed | FeedbackReceived
StackEvent = EpochReached | StackOrdered | StackPromoted | StackRejected | DriftReported
LoggedEvent = CaseEvent | StackEvent  # what the log's digest is of
Event = LoggedEvent | ComponentChanged
