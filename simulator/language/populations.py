"""Who comes: a population, what a shift changes about it, and the filter in front of the clinic."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from simulator.language.fields import Count, Share, SkinTone, SkinTones, Strict, whole
from simulator.quantities import QuantityError

Sex = Literal["female", "male"]
Diagnosis = Literal[
    "nevus",
    "seborrheic_keratosis",
    "dermatofibroma",
    "vascular_lesion",
    "melanoma",
    "basal_cell_carcinoma",
    "actinic_keratosis",
]
MALIGNANT: Final = frozenset({"melanoma", "basal_cell_carcinoma", "actinic_keratosis"})


def _by_truth(shares: dict[Diagnosis, float]) -> dict[Diagnosis, float]:
    """Check that shares sum to 1 among the benign, among the malignant, or among both."""
    for malignant, word in ((True, "malignant"), (False, "benign")):
        total = sum(share for name, share in shares.items() if (name in MALIGNANT) == malignant)
        named = any((name in MALIGNANT) == malignant for name in shares)
        if named and abs(total - 1) > 1e-6:
            reason = f"shares of the {word} diagnoses sum to {total:.6g}, expected 1"
            raise QuantityError((), reason)
    return shares


Diagnoses = Annotated[dict[Diagnosis, Share], AfterValidator(_by_truth)]
Sexes = Annotated[dict[Sex, Share], AfterValidator(whole)]
Sites = Annotated[dict[str, Share], AfterValidator(whole)]


class AgeSpec(Strict):
    """Ages of the patients. The defaults are an assumption."""

    mean: float = Field(default=52.0, gt=0, lt=120, description="Years.")
    sd: float = Field(default=17.0, ge=0, le=50, description="Years.")


class ReferralSpec(Strict):
    """Who of those who seek care gets to the clinic at all: a probability that is a product."""

    malignant: Share = Field(default=1.0, description="Of a malignant lesion being referred.")
    benign: Share = Field(default=1.0, description="Of a benign lesion being referred.")
    skin_tone: dict[SkinTone, Share] = Field(
        default={}, description="Factor by group of Fitzpatrick types; 1 where not named."
    )
    sex: dict[Sex, Share] = Field(default={}, description="Factor by sex; 1 where not named.")


def _skin_tones() -> dict[SkinTone, float]:
    return {"I-II": 0.5, "III-IV": 0.35, "V-VI": 0.15}


class PopulationSpec(Strict):
    """Who comes, where patients are not images of a directory. The defaults are an assumption."""

    prevalence: Share = Field(default=0.08, description="Share of malignant lesions.")
    diagnoses: Diagnoses | None = Field(
        default=None,
        description="Shares of the diagnoses within the benign and within the malignant; "
        "without, those of HAM10000.",
        examples=[{"melanoma": 0.7, "basal_cell_carcinoma": 0.3}],
    )
    skin_tone: SkinTones = Field(
        default_factory=_skin_tones, description="Share of each group of Fitzpatrick types."
    )
    age: AgeSpec = Field(default=AgeSpec(), description="Ages of the patients.")
    sex: Sexes | None = Field(
        default=None, description="Share of each sex; without, those of HAM10000."
    )
    site: Sites | None = Field(
        default=None, description="Share of each body site; without, those of HAM10000."
    )
    referral: ReferralSpec | None = Field(
        default=None,
        description="Filter upstream: arrivals are those who seek care, and only who is referred "
        "comes. Without, everybody comes.",
    )


class PopulationChange(Strict):
    """What is other about the patients of a shift, or of a bank; what is not named stays."""

    prevalence: Share | None = Field(default=None, description="Share of malignant lesions.")
    diagnoses: Diagnoses | None = Field(
        default=None,
        description="Shares of the diagnoses within the benign and within the malignant.",
    )
    skin_tone: SkinTones | None = Field(
        default=None, description="Share of each group of Fitzpatrick types."
    )
    age: AgeSpec | None = Field(default=None, description="Ages of the patients.")
    sex: Sexes | None = Field(default=None, description="Share of each sex.")
    site: Sites | None = Field(default=None, description="Share of each body site.")
    referral: ReferralSpec | None = Field(default=None, description="Filter upstream.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise QuantityError((), "names nothing that is other")
        return self

    def applied_to(self, spec: PopulationSpec) -> PopulationSpec:
        """Return the population with the changes made."""
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        if self.diagnoses is not None:
            changes["diagnoses"] = merged(spec.diagnoses, self.diagnoses)
        return spec.model_copy(update=changes)


def merged(
    base: dict[Diagnosis, float] | None, change: dict[Diagnosis, float]
) -> dict[Diagnosis, float]:
    """Return shares of diagnoses, where a change may name those of one truth alone."""
    told = {name in MALIGNANT for name in change}
    kept = {name: share for name, share in (base or {}).items() if (name in MALIGNANT) not in told}
    return {**kept, **change}


class BankSpec(Strict):
    """Images that are scored once and drawn from again and again."""

    size: Count | Literal["all"] = Field(
        description="How many images; all: every image of the split.", examples=[5000]
    )
    malignant: Share = Field(
        default=0.5,
        description="Rendered lesions: share of malignant ones in the bank. Patients are drawn "
        "with the population's prevalence, whatever this is. An assumption.",
    )


def _size(value: object) -> object:
    return {"size": value} if isinstance(value, int | str) else value


Bank = Annotated[
    BankSpec, BeforeValidator(_size, json_schema_input_type=Count | Literal["all"] | BankSpec)
]
