"""Who is in the clinic when a run begins in the middle: what is known of them, and no more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A patient who has come and has not left. Where in the clinic is not known."""

    at_min: float  # arrival, the true one: waits and overdue rules count from it
    patient_class: str | None = None  # None where it is not known
    answered: bool = False  # by the twin, with or without a verdict
    p_malignant: float | None = None
    flagged: bool | None = None
    rejected: str | None = None  # why the twin gave no verdict
    age: int | None = None
    sex: str | None = None
    site: str | None = None
    skin_tone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A patient who has left after the pathway's end: tells who must have been served before."""

    at_min: float  # arrival
    closed_min: float
    nodes: frozenset[str]  # where they were served after a wait, or none
    patient_class: str | None = None
    answered: bool = False
    p_malignant: float | None = None
    flagged: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The state that a run starts from, at a time of the scenario."""

    at_min: float = 0.0
    inside: tuple[Inside, ...] = ()  # in the order of arrival
    gone: tuple[Gone, ...] = ()
