"""What a scenario can say. Field names are the keys of the file; units stand in the Python names.

Pydantic stands here because scenarios are written by people. What no field can check alone is
checked by `simulator/language/checks.py`; a sound form is a `Scenario` (schema.py).
"""

import math
from typing import Annotated, Final, Literal

from pydantic import Field

from simulator.language.arrivals import ArrivalSpec
from simulator.language.calendar import WeekTime
from simulator.language.cases import (
    Cases,
    ImageCases,
    Model,
    NominalCases,
    SyntheticCases,
    SyntheticModel,
)
from simulator.language.classes import ClassSpec
from simulator.language.disturbances import Disturbance
from simulator.language.experiment import Gates, Replications, ReplicationSpec, Sweep, Warmup
from simulator.language.faults import FaultSpec, LearnerOut
from simulator.language.feedback import FeedbackSpec
from simulator.language.fields import (
    Identifier,
    PositiveDuration,
    Seed,
    Slug,
    Strict,
    Threshold,
)
from simulator.language.pathway import Node, ReaderSpec, StaffedNode, TwinNode
from simulator.language.populations import BankSpec, PopulationSpec
from simulator.language.restack import EVERY_MIN, DriftSpec, RestackSpec
from simulator.language.shifts import ShiftSpec
from simulator.language.staff import Staff
from simulator.language.stress import StressSpec

DEFAULT_CLASS: Final = "patient"  # the class of all patients where a scenario names none


_EVERYBODY: Final = (ClassSpec(id=DEFAULT_CLASS, share=1.0),)


class DecisionSpec(Strict):
    """Who is referred: the twin's operating point and the reader."""

    threshold: Threshold = Field(
        default="model", description="On the AI's probability; model: its own operating point."
    )
    reader: ReaderSpec = Field(default=ReaderSpec(), description="How well the reader decides.")
    missed_delay_min: PositiveDuration = Field(
        # Assumption: a missed melanoma is found at a visit half a year later.
        default=180 * 1440.0,
        alias="missed_delay",
        description="How much later a missed malignant lesion is found; for harm.melanoma_days.",
    )


class ScenarioForm(Strict):
    """One clinic, what happens to it, and what is asked of it."""

    name: Slug = Field(description="Names the run's folder and topics.")
    about: str = Field(default="", description="What the clinic is, for the report.")
    question: str = Field(default="", description="What is asked; the report answers it first.")
    seed: Seed = Field(default=1, description="The same seed gives the same run.")
    clock: Literal["virtual", "real"] = Field(
        default="virtual", description="virtual: as fast as it goes; real: on the wall clock."
    )
    speed: float = Field(
        default=1.0, gt=0, description="Real clock: simulated minutes per wall minute."
    )
    start_min: WeekTime = Field(
        default=0.0,
        alias="start",
        description="Weekday and time at which the run starts.",
        examples=["Mon 08:00"],
        json_schema_extra={"pattern": r"^\s*[A-Za-z]{3} +[0-9]{1,2}:[0-9]{2}\s*$"},
    )
    horizon_min: PositiveDuration | None = Field(
        default=None, alias="horizon", description="Arrivals end here."
    )
    ending: Literal["empty", "stop"] = Field(
        default="empty",
        description="empty: after the horizon the clinic works until everyone has left. stop: "
        "the run stops at the horizon, whoever is inside.",
    )
    warmup_min: Warmup = Field(
        default=0.0,
        alias="warmup",
        description="Left out of all figures: a duration, or auto (MSER-5).",
    )
    replications: Replications = Field(
        default=ReplicationSpec(), description="A number, or until a precision is reached."
    )
    cases: Cases = Field(default=SyntheticCases(), description="Who comes, and what the AI is.")
    model: Model = Field(default=SyntheticModel(), description="The model that scores.")
    shifts: Annotated[tuple[ShiftSpec, ...], Field(strict=False)] = Field(
        default=(), description="What changes while the clinic runs: patients, images."
    )
    arrivals: ArrivalSpec | None = Field(default=None, description="When patients come.")
    classes: Annotated[tuple[ClassSpec, ...], Field(strict=False)] = Field(
        default=(), description="Groups of patients that differ; without, all are alike."
    )
    pathway: Annotated[tuple[Node, ...], Field(strict=False)] = Field(
        default=(), description="The nodes; patients enter at the first."
    )
    staff: dict[Identifier, Staff] = Field(
        default={}, description="Groups of people or rooms, of whom any one can do the work."
    )
    decision: DecisionSpec = Field(default=DecisionSpec(), description="Who is referred.")
    feedback: FeedbackSpec | None = Field(
        default=None, description="How labels come back to the twin; without, none do."
    )
    restack: RestackSpec | None = Field(
        default=None, description="When the stack is fitted again; without, never."
    )
    drift: DriftSpec | None = Field(
        default=None, description="What watches for drift; without, nothing does."
    )
    faults: Annotated[tuple[FaultSpec, ...], Field(strict=False)] = Field(
        default=(), description="What goes wrong: learners that are out, processes that end."
    )
    stress: StressSpec | None = Field(
        default=None, description="A load on a twin that is up; for dermtwin stress."
    )
    steady_state: Gates = Field(
        default=(),
        description="With stress: what holds while nothing is wrong, and again after a fault.",
        examples=[["latency.p99_ms < 2000", "verdicts.lost == 0"]],
    )
    gates: Gates = Field(
        default=(),
        description="What must hold, such as 'wait.read.p95 < 3 d'.",
        examples=[["wait.read.p95 < 3 d", "missed_malignant.share < 15 %"]],
    )
    sweep: Sweep | None = Field(default=None, description="What is varied, over several runs.")
    allow_unstable: bool = Field(
        default=False, description="Run even if a queue must grow without end."
    )

    @property
    def operating_point(self) -> float | None:
        """Threshold on the AI's probability; None for the model's own."""
        threshold = self.decision.threshold
        return None if threshold == "model" else threshold

    @property
    def has_images(self) -> bool:
        """Whether patients have an image; nominal ones have none."""
        return not isinstance(self.cases, NominalCases)

    @property
    def bank(self) -> BankSpec | None:
        """The bank that patients are drawn from; None where there is none."""
        return None if isinstance(self.cases, NominalCases) else self.cases.bank

    @property
    def asks_twin(self) -> bool:
        """Whether the twin scores during the run: a bank was scored before, nominal cases never."""
        return self.has_images and self.bank is None

    @property
    def is_looped(self) -> bool:
        """Whether anything comes back to the twin, or changes it: labels, epochs, outages."""
        return bool(self.feedback or self.restack or self.drift or self.outages)

    @property
    def end_min(self) -> float | None:
        """When nobody comes any more: the end of the load, or the horizon; None if not known."""
        if self.stress is None:
            return self.horizon_min
        profile = self.stress.profile
        return None if profile.knee is not None else profile.length_s / 60

    @property
    def outages(self) -> tuple[LearnerOut, ...]:
        """The learners that are out for a while."""
        return tuple(one.out() for one in self.faults if one.component is not None)

    @property
    def disturbances(self) -> tuple[Disturbance, ...]:
        """What is done to a twin that is up."""
        workers = 1 if self.stress is None else self.stress.workers
        return tuple(one.disturbance(workers) for one in self.faults if one.component is None)

    @property
    def tells_twin(self) -> bool:
        """Whether the run makes events: a twin, or a bank that stands for one, listens."""
        return self.asks_twin or (self.bank is not None and self.is_looped)

    @property
    def epoch_min(self) -> float | None:
        """Time between two epochs; None where nothing happens at any."""
        if self.restack is not None:
            return self.restack.every_min
        if self.drift is not None:
            return self.drift.every_min or EVERY_MIN
        return None

    def shift_ids(self) -> tuple[str, ...]:
        """Return the names of the shifts, in their order."""
        return tuple(one.id or f"shift-{place}" for place, one in enumerate(self.shifts, start=1))

    @property
    def patient_classes(self) -> tuple[ClassSpec, ...]:
        """The classes, or the one that stands for all."""
        return self.classes or _EVERYBODY

    @property
    def patient_count(self) -> float:
        """Most patients who can come; infinite if only the horizon ends them."""
        return math.inf if self.cases.count is None else self.cases.count

    def ran_out(self, arrived: int) -> bool:
        """Return whether it may be that patients, not time, ended the arrivals."""
        each_once = isinstance(self.cases, ImageCases) and self.bank is None
        return each_once or arrived == self.cases.count

    def population_of(self, patient_class: ClassSpec) -> PopulationSpec | None:
        """Return who the patients of a class are; None where they have no facts."""
        if isinstance(self.cases, ImageCases):
            return None
        return patient_class.population or self.cases.population

    def is_filtered(self) -> bool:
        """Return whether a referral can keep patients from coming."""
        bases = [self.population_of(one) for one in self.patient_classes]
        changes = [shift.population for shift in self.shifts]
        specs = [*bases, *changes]
        return any(spec is not None and spec.referral is not None for spec in specs)

    def staffed(self) -> list[StaffedNode]:
        """Return the nodes at which people queue."""
        return [node for node in self.pathway if isinstance(node, StaffedNode)]

    def has_truth(self) -> bool:
        """Return whether patients are malignant or benign: only then can anybody decide."""
        return self.has_images or any(self.population_of(one) for one in self.patient_classes)

    def decision_of(self, node: StaffedNode) -> Literal["no", "alone", "either", "both"]:
        """Return how the reader at a node decides; the node named read does unless it says no."""
        return node.decides or ("alone" if node.id == "read" and self.has_truth() else "no")

    def decides(self) -> bool:
        """Return whether anybody decides who is referred."""
        return any(self.decision_of(node) != "no" for node in self.staffed())

    def scores(self) -> bool:
        """Return whether the pathway has a step for the AI."""
        return any(isinstance(node, TwinNode) for node in self.pathway)
