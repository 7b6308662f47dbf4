"""The twin at a glance, now or at a moment of the past."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from services.api.models.pair import Pair

State = Literal["starting", "live", "stale", "rebuilding", "unreachable"]


class Trouble(BaseModel):
    """Something that is not as it should be."""

    what: str = Field(examples=["knn"])
    why: str = Field(examples=["restarting: its process ended"])


class StackInForce(BaseModel):
    """The meta-learner that answers cases which arrive from now on."""

    version: int
    since_min: float = Field(description="event time from which it is in force, minutes")
    parent: int | None
    how: str = Field(examples=["restack"])
    threshold: float = Field(description="on p_malignant")
    reason: str


class HistoryBounds(BaseModel):
    """What can be asked about the past: revisions number the records that were folded."""

    first_revision: int
    last_revision: int
    first_unix_s: float | None
    last_unix_s: float | None


class AsOf(BaseModel):
    """The moment of the past that an answer is about."""

    revision: int
    folded_unix_s: float | None = Field(description="when that record was folded")


class Attached(BaseModel):
    """A simulated clinic that streams into this twin."""

    tag: str
    name: str
    question: str = ""
    state: str = Field(examples=["running"])
    offset_min: float = Field(description="event time of this twin at which it began, minutes")
    horizon_min: float | None = None
    speed: float | None = Field(default=None, description="its minutes per wall minute")
    patients_done: int = 0
    patients_total: int | None = None
    shifts: list[dict[str, Any]] = Field(default=[], description="known onsets of its shifts")


class Twin(BaseModel):
    """What the twin is and how fresh that is."""

    name: str = Field(description="prefix of its topics and keys")
    model_id: str | None
    state: State = Field(
        description="live; stale: the mirror is late; rebuilding: it began anew and has not"
        " reached the end of the log; unreachable: it cannot be read; starting"
    )
    trouble: str | None = Field(description="why it is unreachable")
    freshness_s: float | None = Field(
        description="everything that was sent so many seconds ago is in this state;"
        " null: not known yet"
    )
    heard_s_ago: float | None = Field(description="when Redis answered last")
    behind: int = Field(description="records on the log that are not folded yet")
    lag: dict[str, int] = Field(description="those by topic")
    revision: int = Field(description="records folded")
    generation: str | None = Field(description="changes when the mirror begins from nothing")
    cursor: str = Field(description="where an event stream goes on from this state")
    position: dict[str, int] = Field(description="last offset folded, by topic/partition")
    event_time_min: float = Field(description="latest event time on the log, minutes")
    counts: dict[str, int]
    per_s: dict[str, float] = Field(description="records a second over the last ten, by topic")
    latency_ms: dict[str, float] | None = Field(
        description="from a case's sending to its answer's, over the last minute"
    )
    stack: StackInForce | None = Field(description="null: no version was announced")
    degraded: list[Trouble]
    attached: list[Attached]
    history: HistoryBounds
    as_of: AsOf | None = Field(description="null: now")


class Difference(BaseModel):
    """What lies between two revisions."""

    from_revision: int
    to_revision: int
    counts: dict[str, Pair[int]] = Field(description="those that differ")
    components: dict[str, Pair[str | None]] = Field(
        description="state of those whose state differs"
    )
    restarts: dict[str, int] = Field(description="between the two, by component")
    stack: Pair[int | None]
    cases: dict[str, int] = Field(description="records about cases, by what they brought")


class Crossing(BaseModel):
    """When a quantity first reached a value."""

    of: str
    at_least: float
    crossed: bool
    revision: int | None
    folded_unix_s: float | None
    event_min: float | None = Field(description="event time of the record that did it")
    value: float | None
    id: str | None = Field(description="of the case or component that did it")
    since_revision: int = Field(description="records before that were not looked at")
