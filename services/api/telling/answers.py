"""What is answered to whoever told the twin something."""

from pydantic import BaseModel, Field

from twin.events import CaseRejected, VerdictIssued
from twin.images import BlobRef
from twin.state import CaseState


class VerdictAnswer(BaseModel):
    """The twin's answer to a case."""

    p_malignant: float = Field(description="Probability of malignancy, 0 to 1.", examples=[0.31])
    threshold: float = Field(description="Operating point of the stack, 0 to 1.", examples=[0.5])
    malignant: bool = Field(description="Whether the probability reaches the threshold.")
    log_odds: dict[str, float] = Field(description="Score of each base learner, in nats.")
    missing: list[str] = Field(description="Base learners that gave no score.")
    model_id: str = Field(examples=["abcdef012345"])
    stack: int = Field(description="Version of the meta-learner.", examples=[0])


class CaseAnswer(BaseModel):
    """A case that was sent in."""

    case_id: str = Field(examples=["u-5b1f0a9e0c3d4e6f7a81"])
    stage: str = Field(description="arrived, answered or closed.", examples=["answered"])
    arrived_min: float = Field(
        description="When it arrived: event time, in minutes since the log's epoch.", examples=[0.0]
    )
    revision: int = Field(description="Events that changed the case; 0: not in the state yet.")
    image_sha256: str | None = Field(description="Of the image's bytes, hex.")
    age: int | None = Field(description="Years.")
    sex: str | None
    site: str | None
    skin_tone: str | None
    verdict: VerdictAnswer | None = Field(description="Null until it comes, or if rejected.")
    rejected: str | None = Field(description="Why the twin could not score it; null if it could.")


class LabelAnswer(BaseModel):
    """What is made of a label."""

    feedback_id: str = Field(examples=["f000000-5b1f0a9e0c3d4e6f"])
    case_id: str = Field(examples=["c17"])
    at_min: float = Field(description="When it was received: event time, in minutes.")
    counts: bool = Field(description="Whether it counts, as of now: later labels can change it.")
    why: str = Field(description="In words.", examples=["it counts", "duplicate"])


class OrderAnswer(BaseModel):
    """An order that the twin was given; its next epoch carries it out."""

    order_id: str = Field(examples=["o000000-5b1f0a9e0c3d4e6f"])
    at_min: float = Field(description="When it was given: event time, in minutes.")
    version: int = Field(description="Version that is to come back.", examples=[0])
    in_force: int = Field(description="Version in force until then.", examples=[3])
    by: str = Field(description="Name of the key that gave it.", examples=["Dr Wu"])
    reason: str = Field(examples=["misses thin melanomas"])


class EpochAnswer(BaseModel):
    """An epoch that was reached; the decision on it comes later."""

    epoch: int = Field(description="From 1.", examples=[4])
    at_min: float = Field(description="Event time, in minutes.", examples=[43_200.0])
    cases: int = Field(description="That arrived before it.")
    feedback: int = Field(description="Labels that were received before it.")
    closed: int = Field(description="Cases that were closed before it.")


def case_answer(state: CaseState) -> CaseAnswer:
    """Return what is told of a case that has arrived."""
    arrived, answer = state.arrived, state.answer
    assert arrived is not None
    verdict = None
    if isinstance(answer, VerdictIssued):
        verdict = VerdictAnswer(
            p_malignant=answer.p_malignant,
            threshold=answer.threshold,
            malignant=answer.malignant,
            log_odds=answer.log_odds,
            missing=list(answer.missing),
            model_id=answer.model_id,
            stack=answer.stack,
        )
    image = arrived.image
    return CaseAnswer(
        case_id=arrived.case_id,
        stage=state.stage.value,
        arrived_min=arrived.at_min,
        revision=state.revision,
        image_sha256=image.sha256 if isinstance(image, BlobRef) else None,
        age=arrived.age,
        sex=arrived.sex,
        site=arrived.site,
        skin_tone=arrived.skin_tone,
        verdict=verdict,
        rejected=answer.reason if isinstance(answer, CaseRejected) else None,
    )
