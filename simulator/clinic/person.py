"""A patient on the way through the clinic."""

from typing import Any

from simulator.cases.regimes import NO_SHIFT, Regime
from twin.events import CaseArrived
from twin.images import ImageRef


class Person:
    """One who comes: facts, truth, and what has become of them so far.

    What stands on the class is what holds until something else is known; an instance keeps only
    what differs, which makes a patient of a pure queueing question cheap.
    """

    case_id: str = ""
    image: ImageRef | None = None
    due_min: float | None = None  # of an appointment
    malignant: bool | None = None  # the truth (law 8); None where patients have no lesion
    diagnosis: str | None = None
    age: int | None = None  # years
    sex: str | None = None
    site: str | None = None
    skin_tone: str | None = None  # Fitzpatrick type
    regime: Regime = NO_SHIFT  # the shifts that the patient is in: part of the truth
    shifts: str | None = None  # their names, as the tables have them; None for those in none
    attributes: dict[str, Any] = {}  # noqa: RUF012  never changed, only replaced
    score: float | None = None  # nominal AI: the probability that it will give
    score_flags: bool | None = None  # nominal AI: the verdict that it will give
    score_fault: str | None = None  # of a bank: why the AI will give no verdict
    bank_entry: int | None = None  # of a bank: which of its images it is
    p_malignant: float | None = None  # the AI's probability, once it was asked
    flagged: bool | None = None  # the AI's verdict, likewise
    rejected: str | None = None  # why the twin gave no verdict
    stack: int | None = None  # version of the stack that answered
    missing: str | None = None  # learners that the answer is without, joined by "+"
    referred: bool | None = None  # the readers' decision so far
    diagnosed_min: float | None = None  # when the diagnosis stood
    visits: int = 0  # to the node that is being left
    elapsed_min: float = 0.0  # since arrival, when a node is being left

    __slots__ = ("__dict__", "at_min", "class_index", "key", "number", "patient_class", "seen")

    def __init__(
        self, number: int, key: int, at_min: float, class_index: int, patient_class: str, nodes: int
    ) -> None:
        self.number = number  # order of arrival, from 0
        self.key = key  # of all draws: number within the stream of arrivals (law 9)
        self.at_min = at_min  # arrival
        self.class_index = class_index
        self.patient_class = patient_class
        self.seen = [0] * nodes  # visits by node

    def arrived(self) -> CaseArrived:
        """Return the event that tells the twin of this patient, without the truth."""
        assert self.image is not None  # only patients with an image are told of
        return CaseArrived(
            case_id=self.case_id,
            at_min=self.at_min,
            image=self.image,
            age=self.age,
            sex=self.sex,
            site=self.site,
            skin_tone=self.skin_tone,
        )
