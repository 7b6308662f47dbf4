"""What changes while the clinic runs: who comes, and how images are taken.

A shift reaches a share of the patients that rises over its ramp. Everybody is either in it or not:
so each share that the shift changes follows the same straight line, and the truth is known for
every single patient.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from simulator.language.fields import Duration, Identifier, PositiveDuration, Share, Strict
from simulator.language.populations import PopulationChange
from simulator.quantities import QuantityError

AcquisitionName = Literal[
    "defocus",
    "motion",
    "noise",
    "jpeg",
    "brightness",
    "contrast",
    "colour_cast",
    "dark_corners",
    "hair",
    "gel_bubbles",
    "marker_ink",
    "vignetting",
    "low_resolution",
    "wrong_crop",
]
Severity = Annotated[int, Field(ge=1, le=5)]
EVERYBODY: Final = 1.0


class ShiftSpec(Strict):
    """A change of the patients, of the images, or of both."""

    id: Identifier | None = Field(default=None, description="Name; without, shift-1, shift-2, …")
    at_min: Duration = Field(alias="at", description="Onset, from the start of the run.")
    over_min: Duration = Field(
        default=0.0, alias="over", description="Ramp: how long until it is complete."
    )
    until_min: PositiveDuration | None = Field(
        default=None,
        alias="until",
        description="When it begins to end, over the same ramp; without, it stays.",
    )
    share: Share = Field(
        default=EVERYBODY,
        description="Share of the patients whom it reaches when complete; for images, such as "
        "one of two dermatoscopes.",
    )
    population: PopulationChange | None = Field(
        default=None, description="What is other about those who come."
    )
    image: dict[AcquisitionName, Severity] = Field(
        default={}, description="What is other about the images: severity 1 to 5 of each kind."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.population is None and not self.image:
            raise QuantityError((), "changes nothing: give population, image, or both")
        if self.until_min is not None and self.until_min < self.at_min + self.over_min:
            raise QuantityError(("until",), "ends before it is complete: at + over is later")
        return self

    def reached_at(self, at_min: float) -> float:
        """Return the share of the patients whom the shift reaches at a time, 0 to 1."""
        if self.until_min is not None and at_min >= self.until_min:
            return self.share * (1 - _risen(at_min - self.until_min, self.over_min))
        return self.share * _risen(at_min - self.at_min, self.over_min)


def _risen(since_min: float, over_min: float) -> float:
    if since_min < 0:
        return 0.0
    return 1.0 if since_min >= over_min else since_min / over_min
