"""Components, stacks, drift, performance and series, as the API tells them."""

from typing import Any

from pydantic import BaseModel, Field

from services.api.models.pair import Pair


class LatencyMs(BaseModel):
    """Percentiles of the time for a batch."""

    p50: float
    p95: float
    p99: float


class Component(BaseModel):
    """A part of the twin, as it last said of itself."""

    name: str
    state: str = Field(examples=["ready"])
    health: str = Field(examples=["well"], description="well, degraded, down or silent")
    health_reason: str
    model_id: str
    restarts: int
    reason: str = Field(description="why its state changed")
    at_unix_s: float = Field(description="when it said so")
    age_s: float
    images: float | None
    batches: float | None
    errors: float | None
    busy_s: float | None
    images_per_s: float | None
    error_rate: float | None = Field(description="errors per batch")
    latency_ms: LatencyMs | None
    last_input: str
    last_output: str
    facts: dict[str, float] = Field(description="all that it counts, with units in the names")


class Components(BaseModel):
    """All parts of the twin."""

    revision: int
    components: list[Component]


class ComponentEntry(BaseModel):
    """Something that a component said of itself."""

    revision: int
    at_unix_s: float
    state: str
    restarts: int
    reason: str
    facts: dict[str, float]


class ComponentHistory(BaseModel):
    """What a component said of itself of late, the newest first."""

    name: str
    entries: list[ComponentEntry]


class Version(BaseModel):
    """A version of the meta-learner."""

    version: int
    parent: int | None
    restores: int | None
    how: str
    epoch: int
    since_min: float
    threshold: float
    intercept: float
    weights: dict[str, float] = Field(description="by learner, of the stack with all of them")
    labels: int
    malignant: int
    facts: dict[str, float]
    gate: list[dict[str, Any]]
    reason: str
    in_force: bool


class Decision(BaseModel):
    """What was decided at an epoch."""

    epoch: int
    at_min: float
    verdict: str
    version: int
    how: str
    labels: int
    reason: str


class Order(BaseModel):
    """Somebody's order to bring a version back."""

    order_id: str
    at_min: float
    version: int
    by: str
    reason: str


class Stacks(BaseModel):
    """Lineage of the stack."""

    revision: int
    versions: list[Version]
    decisions: list[Decision]
    orders: list[Order]
    note: str | None = Field(description="what is not known, in words")


class StackDifference(BaseModel):
    """Two versions side by side."""

    a: int
    b: int
    threshold: Pair[float]
    intercept: Pair[float]
    weights: dict[str, Pair[float | None]]


class DriftReport(BaseModel):
    """How far inputs, scores and performance have moved, as of an epoch."""

    epoch: int
    at_min: float
    cases: int
    signals: list[dict[str, Any]]
    estimates: list[dict[str, Any]]


class KnownShift(BaseModel):
    """A shift that was simulated: when it began is known."""

    at_min: float
    over_min: float | None = None
    what: str
    run: str


class Drift(BaseModel):
    """All reports, and what is known of simulated shifts."""

    reports: list[DriftReport]
    known_shifts: list[KnownShift]


class Share(BaseModel):
    """A share with its score interval at 95 % (Wilson 1927)."""

    value: float
    low: float
    high: float
    of: int


class Confusion(BaseModel):
    """Verdicts against labels that count."""

    tp: int
    fp: int
    tn: int
    fn: int


class Performance(BaseModel):
    """Verdicts against labels; only cases whose truth came back, so not a fair sample of all."""

    labelled: int
    confusion: Confusion
    sensitivity: Share | None
    specificity: Share | None
    ppv: Share | None
    npv: Share | None
    by_stack: dict[str, Confusion]
    note: str


class WaitMin(BaseModel):
    """Waits at a node, minutes."""

    mean: float
    p95: float
    count: int


class Bin(BaseModel):
    """What happened within a bin of event time."""

    from_min: float
    arrivals: int
    verdicts: int
    flagged: int = Field(description="verdicts that say malignant")
    rejected: int
    closed: int
    referred: int
    labels: int
    wait_min: dict[str, WaitMin] = Field(description="of those who left within it, by node")


class SeriesAnswer(BaseModel):
    """Bins of event time in order; those in which nothing happened are left out."""

    bin_min: float
    bins: list[Bin]
