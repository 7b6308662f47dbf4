"""Who comes and what the AI is: rendered lesions, labelled images, or nominal cases."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from simulator.language.fields import Count, Seed, Share, Strict, tag
from simulator.language.populations import Bank, PopulationChange, PopulationSpec
from simulator.quantities import QuantityError


class SyntheticCases(Strict):
    """Patients drawn from a population, their lesions rendered."""

    source: Literal["synthetic"] = Field(default="synthetic", description="Lesions are rendered.")
    population: PopulationSpec = Field(default=PopulationSpec(), description="Who comes.")
    bank: Bank | None = Field(
        default=None,
        description="Patients are drawn from so many lesions, scored once before the run; without, "
        "every patient's lesion is rendered and scored as it comes.",
    )
    count: Count | None = Field(default=None, description="Stop after so many patients.")


class ImageSpec(Strict):
    """Which images of the data directory, and in which order."""

    split: Literal["train", "test", "all"] = Field(default="test", description="Which images.")
    order: Literal["shuffled", "listed"] = Field(default="shuffled", description="Their order.")


class ImageCases(Strict):
    """Patients whose lesions are the labelled images of a directory: each once, or from a bank."""

    source: Literal["images"] = Field(description="Lesions are images of DERMTWIN_DATA.")
    images: ImageSpec = Field(default=ImageSpec(), description="Which images, in which order.")
    bank: Bank | None = Field(
        default=None,
        description="Patients are drawn from so many images, scored once before the run; without, "
        "each image comes once.",
    )
    population: PopulationChange | None = Field(
        default=None,
        description="With a bank: who comes, by drawing some images more often than others; "
        "what is not named is as among the images.",
    )
    count: Count | None = Field(
        default=None, description="Stop after so many patients; without, after the last image."
    )


class RocPoint(Strict):
    """One point of a receiver operating characteristic."""

    fpr: Share = Field(description="False-positive rate: 1 - specificity.")
    tpr: Share = Field(description="True-positive rate: sensitivity.")


class NominalAi(Strict):
    """An AI known by its figures alone: one operating point, or a whole ROC."""

    sensitivity: Share | None = Field(default=None, description="Share of malignant flagged.")
    specificity: Share | None = Field(default=None, description="Share of benign not flagged.")
    roc: Annotated[tuple[RocPoint, ...], Field(strict=False)] | None = Field(
        default=None,
        description="Points of the ROC between (0, 0) and (1, 1), which need not be written; "
        "between points it is straight. decision.threshold is then a probability.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        point = (self.sensitivity is not None, self.specificity is not None)
        if (self.roc is not None and any(point)) or (self.roc is None and not all(point)):
            raise QuantityError((), "give sensitivity and specificity, or roc")
        corners = [(0.0, 0.0), *((p.fpr, p.tpr) for p in self.roc or ()), (1.0, 1.0)]
        for (fpr, tpr), (next_fpr, next_tpr) in pairwise(corners):
            if next_fpr < fpr or next_tpr < tpr:
                reason = f"({next_fpr:g}, {next_tpr:g}) after ({fpr:g}, {tpr:g})"
                raise QuantityError(("roc",), f"{reason}: both rates must rise along the points")
        return self

    def corners(self) -> tuple[tuple[float, float], ...]:
        """Return the ROC as points (false-positive rate, true-positive rate) from 0 to 1."""
        if self.roc is None:
            assert self.sensitivity is not None and self.specificity is not None
            inner = [(1 - self.specificity, self.sensitivity)]
        else:
            inner = [(point.fpr, point.tpr) for point in self.roc]
        corners = dict.fromkeys([(0.0, 0.0), *inner, (1.0, 1.0)])  # without repeats
        return tuple(corners)


class NominalCases(Strict):
    """Patients without an image: a question of queues needs no model."""

    source: Literal["nominal"] = Field(description="No images; the AI is known by its figures.")
    population: PopulationSpec | None = Field(
        default=None, description="Who comes; without, patients have no lesion, age or sex."
    )
    ai: NominalAi | None = Field(default=None, description="What the AI's verdicts are worth.")
    count: Count | None = Field(default=None, description="Stop after so many patients.")


class SyntheticModel(Strict):
    """A model that learns from rendered lesions of its own."""

    learn_from: Literal["synthetic"] = Field(default="synthetic", description="Rendered lesions.")
    cases: int = Field(default=600, ge=50, description="How many it learns from.")  # assumption:
    # fewer cannot feed five folds
    seed: Seed = Field(default=7, description="Of what it learns from.")


class ImageModel(Strict):
    """A model that learns from the labelled images of the data directory."""

    learn_from: Literal["images"] = Field(description="Images of DERMTWIN_DATA.")
    split: Literal["train", "test", "all"] = Field(default="train", description="Which of them.")


class KnownModel(Strict):
    """A model that was trained before."""

    id: str = Field(min_length=1, description="As dermtwin train printed it.")


Cases = Annotated[
    Annotated[SyntheticCases, Tag("<synthetic>")]
    | Annotated[ImageCases, Tag("<images>")]
    | Annotated[NominalCases, Tag("<nominal>")],
    tag("synthetic", key="source"),
]
Model = Annotated[
    Annotated[SyntheticModel, Tag("<synthetic>")]
    | Annotated[ImageModel, Tag("<images>")]
    | Annotated[KnownModel, Tag("<id>")],
    tag("synthetic", key="learn_from", lone=("id",)),
]
