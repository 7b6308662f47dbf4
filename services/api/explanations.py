"""What the API says of explanations."""

from typing import Literal

from pydantic import BaseModel, Field


class OfferedMethod(BaseModel):
    """One explainer, and whether the case was explained by it."""

    name: str = Field(examples=["occlusion"])
    title: str = Field(examples=["Occlusion"])
    about: str = Field(description="What its map shows, in a sentence.")
    unit: str = Field(description="Of raw values of the map.", examples=["nats"])
    asks: Literal["stack", "surrogate"] = Field(
        description="The stack itself, in seconds; or gradients of its surrogate, at once."
    )
    cached: bool = Field(description="Whether it can be had at once.")
    cached_checked: bool = Field(description="Likewise, with deletion and insertion.")
    href: str = Field(examples=["/v1/cases/0-000017/explanations/occlusion"])


class OfferedMethods(BaseModel):
    """How a case's verdict can be explained."""

    case_id: str
    model_id: str = Field(description="That answered the case.")
    stack: int = Field(description="Version of the meta-learner that answered.")
    missing: list[str] = Field(description="Learners that gave no vote.")
    p_malignant: float = Field(description="The verdict's, 0 to 1.")
    malignant: bool
    methods: list[OfferedMethod]


class Part(BaseModel):
    """What a learner, or a column of the stem's sketch, added to the answer."""

    name: str = Field(examples=["catboost"])
    vote: float = Field(description="A learner's log-odds, nats; a column has its own unit.")
    weight: float = Field(description="In the stack that answered.")
    nats: float = Field(description="Weight times vote; above zero speaks for malignant.")


class FidelityFacts(BaseModel):
    """How far what was explained is the stack."""

    rank_correlation: float | None = Field(
        description="Spearman's, of the surrogate with the stack on held-out images; 1 where the "
        "stack itself was asked; null where nobody measured it."
    )
    least: float = Field(description="Below it, a map is marked.")
    is_low: bool | None = Field(description="Whether the map must be marked.")


class MapFacts(BaseModel):
    """A map in numbers; values from 0 to 1 stand for raw values from `low` to `high`."""

    low: float = Field(description="Least raw value, in the method's unit.")
    high: float = Field(description="Greatest raw value.")
    low_shown: str = Field(description="What stands at the dark end of the colour scale.")
    high_shown: str = Field(description="At the light end: all above has the lightest colour.")
    edge_px: int
    mean: float = Field(description="Of values from 0 to 1.")
    peak_row_px: int = Field(description="Where the greatest value is, from the top.")
    peak_column_px: int = Field(description="From the left.")
    half_in_share: float | None = Field(
        description="Least share of the image that holds half of the map; null of a flat one."
    )


class FaithfulnessFacts(BaseModel):
    """Whether the map points at what the stack looks at, against random maps as smooth as it."""

    area_nats: float = Field(description="Mean log-odds while pixels go, or come.")
    random_area_nats: float
    beats_random: bool


class ExplanationLinks(BaseModel):
    """Where the rest is."""

    case_image: str
    map: str = Field(description="Colours over the image in grey, PNG.")
    map_alone: str = Field(description="Colours alone, PNG.")
    array: str = Field(description="Raw values, 224 × 224 float32, .npy.")


class ExplanationAnswer(BaseModel):
    """Why the stack answered as it did on a case, by one method. Not a medical device."""

    case_id: str
    method: str
    title: str
    about: str
    unit: str
    checked: bool
    model_id: str
    stack: int
    missing: list[str]
    p_malignant: float = Field(description="The verdict's, 0 to 1.")
    threshold: float
    malignant: bool
    log_odds_nats: float = Field(description="Intercept and contributions added up.")
    log_odds_explained_nats: float = Field(
        description="Of the image as the explainer scored it: what the map is about."
    )
    intercept_nats: float
    contributions: list[Part]
    fidelity: FidelityFacts
    map: MapFacts
    deletion: FaithfulnessFacts | None = Field(description="Null unless asked for: `checked`.")
    insertion: FaithfulnessFacts | None
    took_s: float = Field(description="What it took to explain, when it was explained.")
    links: ExplanationLinks


class Pending(BaseModel):
    """The explanation is not there yet; asking again finds it."""

    status: Literal["explaining"] = "explaining"
    detail: str
    location: str = Field(description="What to ask again.")
    retry_after_s: int
