"""Cases, as the API tells them."""

from typing import Any

from pydantic import BaseModel, Field


class CaseRow(BaseModel):
    """A case in a list."""

    case_id: str
    revision: int = Field(description="how many records changed it; its ETag is made of it")
    stage: str = Field(examples=["answered"], description="arrived, answered, closed or unknown")
    arrived_min: float | None
    p_malignant: float | None
    malignant: bool | None = Field(description="the twin's verdict")
    stack: int | None = Field(description="version that answered")
    label: str | None = Field(description="what it was, if a label counts")
    rejected: str | None = Field(description="why it could not be scored")
    referred: bool | None
    wait_min: float | None = Field(description="in all queues")
    missing: list[str] = Field(description="learners that gave no score")
    image: str = Field(description="short name of its image")


class CaseList(BaseModel):
    """A page of cases, the newest first."""

    cases: list[CaseRow]
    next: str | None = Field(description="give it as `after` for the next page")
    known: int = Field(description="cases that were searched")
    dropped: int = Field(description="older ones that are not searched; ask for them by id")


class Step(BaseModel):
    """A record about a case."""

    at_min: float
    sent_unix_ms: int | None = Field(description="null: the record is no longer kept")
    revision: int | None
    what: str
    event: dict[str, Any]


class LearnerScore(BaseModel):
    """A base learner's part in a verdict."""

    name: str
    log_odds: float
    weight: float | None = Field(description="null: the version was not announced")
    contribution: float | None = Field(description="log-odds × weight")


class Verdict(BaseModel):
    """What the twin answered, and why."""

    p_malignant: float
    threshold: float
    malignant: bool
    stack: int
    model_id: str
    intercept: float | None
    learners: list[LearnerScore]
    missing: list[str]


class LabelTold(BaseModel):
    """A message about what a lesion was."""

    feedback_id: str
    label: str
    way: str
    at_min: float
    revision: int
    counts: bool
    why: str = Field(description="why it does not count; empty if it does")


class Case(CaseRow):
    """All that is known of a case."""

    age: int | None
    sex: str | None
    site: str | None
    skin_tone: str | None
    verdict: Verdict | None
    labels: list[LabelTold]
    journey: list[Step]
    waits_min: dict[str, float]
    as_of_revision: int | None = Field(description="null: now")
