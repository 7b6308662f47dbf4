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
class ComponentChanged:
    """A component of the twin changed its state. Telemetry: not part of the log's digest."""

    component: str
    at_unix_s: float  # real components fail in real time, so this one is a wall clock's
    state: str  # a ComponentState
    restarts: int
    model_id: str
    reason: str = ""
    facts: dict[str, float] = field(default_factory=dict)  # counts and durations, with units


CaseEvent = CaseArrived | VerdictIssued | CaseRejected | CaseClosed
Event = CaseEvent | ComponentChanged
