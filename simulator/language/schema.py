"""What a scenario can say. Field names are the keys of the file; units stand in the Python names.

Pydantic stands here because scenarios are written by people. A `Scenario` that exists is sound:
its checks run however it was made.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from simulator.language.fields import (
    Count,
    PositiveDuration,
    Seed,
    Service,
    Share,
    SkinTone,
    SkinTones,
    Slug,
    Strict,
    Threshold,
    tag,
)
from simulator.language.yaml_source import Path

END: Final = "end"  # where a pathway leads out of the clinic


class AgeSpec(Strict):
    """Ages of the patients. The defaults are an assumption."""

    mean: float = Field(default=52.0, gt=0, lt=120)  # years
    sd: float = Field(default=17.0, ge=0, le=50)  # years


def _skin_tones() -> dict[SkinTone, float]:
    return {"I-II": 0.5, "III-IV": 0.35, "V-VI": 0.15}


class PopulationSpec(Strict):
    """Who comes, where patients are synthetic. The defaults are an assumption."""

    prevalence: Share = 0.08  # share of malignant lesions
    skin_tone: SkinTones = Field(default_factory=_skin_tones)
    age: AgeSpec = AgeSpec()


class SyntheticCases(Strict):
    """Patients drawn from a population, their lesions rendered."""

    source: Literal["synthetic"] = "synthetic"
    population: PopulationSpec = PopulationSpec()
    count: Count | None = None  # stop after that many; without, the horizon ends the arrivals


class ImageSpec(Strict):
    """Which images of the data directory, and in which order."""

    split: Literal["train", "test", "all"] = "test"
    order: Literal["shuffled", "listed"] = "shuffled"


class ImageCases(Strict):
    """Patients whose lesions are the labelled images of a directory, each image once."""

    source: Literal["images"]
    images: ImageSpec = ImageSpec()
    count: Count | None = None  # stop after that many; without, after the last image


class SyntheticModel(Strict):
    """A model that learns from rendered lesions of its own."""

    learn_from: Literal["synthetic"] = "synthetic"
    cases: int = Field(default=600, ge=50)  # assumption: fewer cannot feed five folds
    seed: Seed = 7


class ImageModel(Strict):
    """A model that learns from the labelled images of the data directory."""

    learn_from: Literal["images"]
    split: Literal["train", "test", "all"] = "train"


class KnownModel(Strict):
    """A model that was trained before."""

    id: str = Field(min_length=1)


class ArrivalSpec(Strict):
    """How many come: a Poisson process of constant rate."""

    rate_per_h: float = Field(gt=0)


class TwinNode(Strict):
    """A step that the twin takes. It takes no simulated time."""

    id: str
    twin: Literal["score"]
    then: str


class StaffedNode(Strict):
    """A step that somebody takes, after a wait in a queue."""

    id: str
    staff: str
    service: Service
    queue: Literal["fifo", "ai"] = "fifo"  # ai: the most suspect first
    then: str


Node = Annotated[
    Annotated[TwinNode, Tag("<twin>")] | Annotated[StaffedNode, Tag("<staffed>")],
    tag("staffed", lone="twin"),
]
Cases = Annotated[
    Annotated[SyntheticCases, Tag("<synthetic>")] | Annotated[ImageCases, Tag("<images>")],
    tag("synthetic", key="source"),
]
Model = Annotated[
    Annotated[SyntheticModel, Tag("<synthetic>")]
    | Annotated[ImageModel, Tag("<images>")]
    | Annotated[KnownModel, Tag("<id>")],
    tag("synthetic", key="learn_from", lone="id"),
]
VARIANTS: Final[Mapping[str, Mapping[str, type[Strict]]]] = {
    "pathway": {"<twin>": TwinNode, "<staffed>": StaffedNode},
    "cases": {"<synthetic>": SyntheticCases, "<images>": ImageCases},
    "model": {"<synthetic>": SyntheticModel, "<images>": ImageModel, "<id>": KnownModel},
}


class StaffSpec(Strict):
    """A group of people of whom any one can do the work."""

    count: Count


class ReaderSpec(Strict):
    """How well the reader decides alone, and how often the AI's verdict is taken over.

    Defaults: the 58 dermatologists of Haenssle et al. (2018), Annals of Oncology 29(8), 1836-1842,
    with clinical information (level II). The weight is an assumption.
    """

    sensitivity: Share = 0.889
    specificity: Share = 0.757
    weight_of_ai: Share = 0.5


class DecisionSpec(Strict):
    """Who is referred: the twin's operating point and the reader."""

    threshold: Threshold = "model"
    reader: ReaderSpec = ReaderSpec()


def _group(value: object) -> object:
    return {"count": value} if isinstance(value, int) else value


class Scenario(Strict):
    """One clinic and what happens to it."""

    name: Slug
    about: str = ""
    seed: Seed = 1
    clock: Literal["virtual", "real"] = "virtual"
    speed: float = Field(default=1.0, gt=0)  # real clock: simulated minutes per wall minute
    # Arrivals end here; the clinic then runs until it is empty.
    horizon_min: PositiveDuration | None = Field(default=None, alias="horizon")
    cases: Cases = SyntheticCases()
    model: Model = SyntheticModel()
    arrivals: ArrivalSpec
    pathway: Annotated[tuple[Node, ...], Field(strict=False)]
    staff: dict[str, Annotated[StaffSpec, BeforeValidator(_group)]]
    decision: DecisionSpec = DecisionSpec()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problems = [problem for check in _CHECKS for problem in check(self)]
        if problems:
            words = "; ".join(reason for _, reason in problems)
            raise PydanticCustomError("scenario", "{words}", {"words": words, "problems": problems})
        return self

    @property
    def operating_point(self) -> float | None:
        """Threshold on the twin's probability; None for the model's own."""
        threshold = self.decision.threshold
        return None if threshold == "model" else threshold

    def offered_load(self) -> dict[str, float]:
        """Return for each staff group the share of its time that the arrivals ask for.

        The offered load over the servers, λ E[S] / c (Kleinrock 1975, Queueing Systems 1, 2.1);
        1 or more and the queue grows without end.
        """
        work = dict.fromkeys(self.staff, 0.0)
        for node in self.pathway:
            if isinstance(node, StaffedNode):
                work[node.staff] += self.arrivals.rate_per_h / 60 * node.service.mean_min
        return {name: minutes / self.staff[name].count for name, minutes in work.items()}


Problem = tuple[Path, str]  # where, and what is wrong


def _ends(scenario: Scenario) -> Iterator[Problem]:
    finite = scenario.cases.count or scenario.cases.source == "images"
    if scenario.horizon_min is None and not finite:
        yield (), "arrivals never end: give a horizon or cases.count"


def _leads_on(scenario: Scenario) -> Iterator[Problem]:
    # This version's engine walks one chain; routing comes with the list's later forms.
    ids = [node.id for node in scenario.pathway]
    kinds = ["twin" if isinstance(node, TwinNode) else "staffed" for node in scenario.pathway]
    if ids != ["imaging", "ai", "read"] or kinds != ["staffed", "twin", "staffed"]:
        shown = ", ".join(f"{name} ({kind})" for name, kind in zip(ids, kinds, strict=True))
        expected = "expected imaging (staffed), ai (twin), read (staffed)"
        yield ("pathway",), f"{expected}; got {shown or 'nothing'}"
        return
    for index, (node, then) in enumerate(zip(scenario.pathway, [*ids[1:], END], strict=True)):
        if node.then != then:
            yield ("pathway", index, "then"), f"expected {then!r}, got {node.then!r}"


def _staffed(scenario: Scenario) -> Iterator[Problem]:
    serves: dict[str, list[str]] = {}
    for index, node in enumerate(scenario.pathway):
        if not isinstance(node, StaffedNode):
            continue
        if node.staff not in scenario.staff:
            known = ", ".join(scenario.staff) or "nobody"
            yield ("pathway", index, "staff"), f"{node.staff!r} is not in staff, which has {known}"
        serves.setdefault(node.staff, []).append(node.id)
        if node.queue == "ai" and (node.id == "imaging" or len(serves[node.staff]) > 1):
            # One pool has one order, and before `ai` there is no score to order by.
            yield ("pathway", index, "queue"), "ai needs a score before it and a staff of its own"


def _stable(scenario: Scenario) -> Iterator[Problem]:
    known = all(n.staff in scenario.staff for n in scenario.pathway if isinstance(n, StaffedNode))
    if scenario.cases.count or not known:
        return
    for name, load in scenario.offered_load().items():
        if load >= 1:
            reason = f"estimated utilisation {load:.2f}: the queue grows without end"
            yield ("staff", name), f"{reason}; more staff, fewer arrivals, or a cases.count"


def _honest(scenario: Scenario) -> Iterator[Problem]:
    if not isinstance(scenario.cases, ImageCases):
        return
    if "model" not in scenario.model_fields_set:
        yield ("model",), "is required with images: say what the model learns from"
    if isinstance(scenario.model, ImageModel):
        learnt, shown = scenario.model.split, scenario.cases.images.split
        if "all" in {learnt, shown} or learnt == shown:
            reason = f"learns from {learnt!r} while the cases are {shown!r}"
            yield ("model", "split"), f"{reason}: it would be examined on what it has seen"


_CHECKS: Final[tuple[Callable[[Scenario], Iterator[Problem]], ...]] = (
    _ends,
    _leads_on,
    _staffed,
    _stable,
    _honest,
)
