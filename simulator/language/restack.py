"""When and how the twin fits its stack again, and what watches for drift."""

from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag

from simulator.language.fields import PositiveDuration, Share, Strict

EVERY_MIN: Final = 1440.0  # of epochs, where nothing says otherwise


class GateSpec(Strict):
    """What a new stack may lose against the one in force, on labels that neither has seen."""

    auc_drop_max: Share = Field(default=0.01, description="Of the area under the ROC curve.")
    sensitivity_drop_max: Share = Field(
        default=0.02, description="Of sensitivity, each at its own operating point."
    )
    calibration_rise_max: Share = Field(
        default=0.02, description="By how much the calibration error may rise."
    )
    label_noise_max: Share = Field(
        default=0.20, description="Share of wrong labels from which on a feed is not trusted."
    )
    per: Annotated[
        tuple[Literal["sex", "age_band", "skin_tone", "site"], ...], Field(strict=False)
    ] = Field(default=("sex", "age_band", "skin_tone"), description="Groups that are judged, too.")
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1, description="Of each one-sided bound that must hold."
    )


def _which(value: object) -> str:
    return "<off>" if isinstance(value, str | bool) else "<gate>"


Gate = Annotated[
    Annotated[GateSpec, Tag("<gate>")] | Annotated[Literal["off"], Tag("<off>")],
    Discriminator(_which),
]


class RollbackSpec(Strict):
    """An order to go back."""

    at_min: PositiveDuration = Field(alias="at", description="Carried out at the next epoch.")
    to: int = Field(ge=0, description="Version whose weights come back.")


class RestackSpec(Strict):
    """When and how the meta-learner is fitted again."""

    every_min: PositiveDuration = Field(
        default=EVERY_MIN, alias="every", description="Between two epochs."
    )
    window_min: PositiveDuration = Field(
        default=28 * 1440.0, alias="window", description="Cases that arrived within it give labels."
    )
    weighting: Literal["known", "estimated", "none"] = Field(
        default="known",
        description="Labels are weighted by the inverse of the probability that the pathway "
        "verifies such a patient: known from the pathway, estimated from the cases, or not.",
    )
    remedies: Annotated[
        tuple[Literal["threshold", "recalibrate", "restack"], ...],
        Field(strict=False, min_length=1),
    ] = Field(
        default=("threshold", "recalibrate", "restack"),
        description="What may be done; the smallest that is enough is done.",
    )
    gate: Gate = Field(
        default=GateSpec(), description="What must hold of a new stack; off: nothing, at your risk."
    )
    rollback: bool = Field(
        default=True, description="Go back when a promoted stack does worse on later labels."
    )
    orders: Annotated[tuple[RollbackSpec, ...], Field(strict=False)] = Field(
        default=(), description="Versions that somebody orders back."
    )


class DriftSpec(Strict):
    """What watches inputs, scores and performance."""

    every_min: PositiveDuration | None = Field(
        default=None, alias="every", description="Between two reports; that of restack, or 1 d."
    )
    detectors: Annotated[
        tuple[Literal["adwin", "page_hinkley", "kswin"], ...], Field(strict=False, min_length=1)
    ] = Field(default=("adwin", "page_hinkley", "kswin"), description="River's, on every stream.")
    window_cases: int = Field(
        default=200, ge=50, description="Latest cases that tests and estimates look at."
    )
