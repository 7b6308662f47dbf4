"""What clinics tell the twin afterwards: which lesions were malignant. Late, partial, imperfect."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from simulator.language.fields import Duration, PositiveDuration, Service, Share, Strict
from simulator.quantities import QuantityError

GROUPS: Final = ("sex", "age_band", "skin_tone", "site", "class")


class VerifiedSpec(Strict):
    """Whose truth is found out."""

    biopsied: Share = Field(default=1.0, description="Of those who are referred.")
    discharged: Share = Field(
        default=0.05, description="Of those who are not, as a sample checked at once."
    )


class FollowUpSpec(Strict):
    """Discharged patients who are seen again."""

    share: Share = Field(description="Of those who are not referred.")
    after_min: PositiveDuration = Field(alias="after", description="How long after they left.")


class PoisonSpec(Strict):
    """Labels that somebody or something turns round."""

    share: Share = Field(description="Share of the labels that is flipped.")
    group: str | None = Field(
        default=None,
        description="Of whom, such as 'skin_tone=V-VI'; without, of everybody.",
        examples=["sex=female"],
    )
    at_min: Duration = Field(default=0.0, alias="at", description="From when on.")
    until_min: PositiveDuration | None = Field(default=None, alias="until", description="Until.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        key = (self.group or "sex=").partition("=")
        if key[0] not in GROUPS or not key[1]:
            known = ", ".join(GROUPS)
            raise QuantityError(
                ("group",), f"{self.group!r}: expected such as 'sex=female' ({known})"
            )
        if self.until_min is not None and self.until_min <= self.at_min:
            raise QuantityError(("until",), "is not after at")
        return self


class FeedbackSpec(Strict):
    """How labels come back."""

    delay: Service = Field(description="From leaving the clinic to the label, for each one.")
    verified: VerifiedSpec = Field(
        default=VerifiedSpec(), description="Whose truth is found out, and how often."
    )
    follow_up: FollowUpSpec | None = Field(
        default=None, description="Who of the discharged is seen again, and when."
    )
    label_noise: Share = Field(default=0.0, description="Share of the labels that is wrong.")
    corrected: Share = Field(
        default=0.0, description="Share of the wrong labels that is put right, a delay later."
    )
    withdrawn: Share = Field(
        default=0.0, description="Share of the labels that is taken back, a delay later."
    )
    duplicates: Share = Field(default=0.0, description="Share of the labels that is sent twice.")
    unknown: Share = Field(
        default=0.0, description="Messages about cases that the twin does not know, per label."
    )
    poison: Annotated[tuple[PoisonSpec, ...], Field(strict=False)] = Field(
        default=(), description="Labels that are turned round on purpose or by a fault."
    )
