"""What the bodies of requests hold that tell the twin something, and what their text may be."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.bus.bounds import MAX_WORD


def printable(text: str) -> str:
    """Refuse text that cannot be shown.

    Raises:
        ValueError: it holds signs that are not printable.
    """
    if not text.isprintable():
        raise ValueError("printable characters only")
    return text


def path_id(text: str) -> str:
    """Refuse what would not come back as it was sent when it is part of a path.

    Raises:
        ValueError: in words.
    """
    if text != text.strip() or "/" in text or text in {".", ".."}:
        raise ValueError("no / and no space at either end, and neither . nor ..")
    return printable(text)


Word = Annotated[str, Field(min_length=1, max_length=MAX_WORD), AfterValidator(printable)]


class LabelBody(BaseModel):
    """What a clinic says of a case."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    label: Literal["malignant", "benign", "withdrawn"] = Field(
        description="What the lesion was; withdrawn takes back what was said.",
        examples=["malignant"],
    )
    way: Word = Field(
        default="biopsied",
        description="How it was found out: biopsied, followed_up, sampled.",
        examples=["biopsied"],
    )
    p_verified: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Probability that the truth of such a patient is found out.",
        examples=[1.0],
    )
    revision: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Above 0, it replaces labels of lower ones.",
        examples=[0],
    )


class OrderBody(BaseModel):
    """An order to bring an earlier stack version back."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(
        ge=0, le=1_000_000_000, description="Whose weights come back.", examples=[0]
    )
    reason: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(printable)] = Field(
        description="Why; it is on the log.", examples=["misses thin melanomas"]
    )
