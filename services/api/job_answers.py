"""Runs and forecasts as the API shows them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.api.conditional import etag_of, etag_with
from services.jobs.job import Job, State, read_json, result_file
from services.jobs.posted import RefusedError


class ScenarioError(BaseModel):
    """One thing that is wrong with a posted scenario."""

    source: str = Field(description="File, option or `posted`.", examples=["posted"])
    line: int = Field(description="From 1; 0 if there is none.", examples=[3])
    key: str = Field(description="Dotted key; empty for the whole.", examples=["staff.nurse"])
    value: str | None = Field(description="As it is written, cut.", examples=["-1"])
    message: str = Field(examples=["expected at least 1, got -1"])


class Progress(BaseModel):
    """How far a job is."""

    stage: str = Field(description="What is counted.", examples=["replications"])
    done: int = Field(examples=[3])
    total: int = Field(examples=[20])
    updated_unix_s: float = Field(description="When, in seconds since 1970.")


class Accepted(BaseModel):
    """What a submission answers, and answers again when it is sent again."""

    id: str = Field(examples=["run-3fa2b4c1d5e6f708"])
    href: str = Field(examples=["/v1/runs/run-3fa2b4c1d5e6f708"])
    scenario: str = Field(description="Its name.", examples=["call-centre"])
    created_unix_s: float = Field(description="When it was taken in, in seconds since 1970.")
    patients_expected: float | None = Field(
        description="In one replication; null where only the images tell.", examples=[8064]
    )
    runs_least: int = Field(description="Replications over all sweep points, at least.")
    runs_most: int = Field(description="The same, at most.")


class JobView(BaseModel):
    """A run or forecast."""

    model_config = ConfigDict(use_enum_values=True)

    id: str = Field(examples=["run-3fa2b4c1d5e6f708"])
    kind: Literal["run", "forecast"]
    state: State = Field(
        description="queued, running; done (with a result, whatever its gates say), failed, "
        "cancelled, interrupted (its process is gone, without a result)."
    )
    cancelling: bool = Field(description="Somebody asked for its end, and it has not come yet.")
    gates: Literal["pass", "fail", "inconclusive"] | None = Field(
        description="Of a run that is done: fail if one fails; pass if all hold, or it has none."
    )
    managed: bool = Field(
        description="Whether it can be cancelled and resumed here; a run that somebody started "
        "from the command line cannot."
    )
    resumable: bool
    attempt: int = Field(description="From 1; each resumption is one more. 0: not managed here.")
    exit_code: int | None = Field(description="Of the last attempt; below 0: by a signal.")
    asked_by: str | None = Field(description="Id of the key, or loopback.")
    created_unix_s: float = Field(description="In seconds since 1970.")
    ended_unix_s: float | None = Field(description="In seconds since 1970.")
    asked: dict[str, Any] = Field(description="Scenario and options, as they were asked for.")
    progress: Progress | None


class JobPage(BaseModel):
    """Runs or forecasts, the newest first."""

    items: list[JobView]
    before: str | None = Field(
        description="Give this as `before` for older ones; null where there are none."
    )


class RunView(JobView):
    """A run, with the figures of its summary."""

    summary: dict[str, Any] | None = Field(
        description="Once it is done: cases, digest, gates, and whether the self-checks hold."
    )


class ForecastView(JobView):
    """A forecast, with its result."""

    result: dict[str, Any] | None = Field(description="Once it is done: forecast.json.")


class RunPost(BaseModel):
    """A run to start."""

    model_config = ConfigDict(extra="forbid")

    scenario: "ScenarioText"
    overrides: "Overrides" = []
    route: Literal["inprocess", "attach"] = Field(
        default="inprocess",
        description="inprocess: on its own, on one core. attach: its cases go to the live twin.",
    )
    speed: str | None = Field(
        default=None,
        max_length=40,
        pattern=r"^(max|[0-9]{1,9}(\.[0-9]{1,6})?)$",
        description="Of an attached run: simulated minutes per wall minute, or max. Without, it "
        "takes about three minutes.",
        examples=["600"],
    )


class ForecastPost(BaseModel):
    """A forecast to start."""

    model_config = ConfigDict(extra="forbid")

    scenario: "ScenarioText"
    overrides: "Overrides" = []
    horizon: str = Field(
        max_length=40,
        pattern=r"^ *[0-9]+(\.[0-9]+)? *(s|min|h|d|w) *$",
        description="How far to look ahead: a number and ms, s, min, h, d or w.",
        examples=["8 h"],
    )
    futures: int = Field(ge=2, le=10_000, description="How many are simulated.", examples=[200])
    at_min: float | None = Field(
        strict=True,  # otherwise false is 0
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="From the twin's state at this event time, minutes; without, from now.",
    )


ScenarioText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2**18,
        description="YAML, or the name of a scenario that GET /v1/scenarios lists. YAML may "
        "extend those, and name files beside them; nothing else is in reach.",
        examples=["call-centre"],
    ),
]
Overrides = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000)]],
    Field(
        max_length=50, description="key=value over the scenario's.", examples=[["staff.agent=9"]]
    ),
]
RunPost.model_rebuild()
ForecastPost.model_rebuild()


def accepted(job: Job) -> Accepted:
    """Return the answer to a submission: the same whenever it is made."""
    facts = job.asked["facts"]
    return Accepted(
        id=job.id,
        href=href_of(job),
        scenario=facts["scenario"],
        created_unix_s=job.created_unix_s,
        patients_expected=facts["patients_expected"],
        runs_least=facts["runs_least"],
        runs_most=facts["runs_most"],
    )


def href_of(job: Job) -> str:
    """Return the path of a job."""
    return f"/v1/{job.kind}s/{job.id}"


def members_of(job: Job) -> dict[str, Any]:
    """Return what is shown of every job."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "cancelling": job.cancelling,
        "gates": job.gates,
        "managed": job.managed,
        "resumable": job.resumable,
        "attempt": job.attempt,
        "exit_code": job.exit_code,
        "asked_by": job.asked.get("asked_by"),
        "created_unix_s": job.created_unix_s,
        "ended_unix_s": job.ended_unix_s,
        "asked": dict(job.asked.get("facts", {})),
        "progress": job.progress,
    }


def etag_of_job(job: Job) -> str:
    """Return the ETag of a job: of its state, and, after a dot, of its progress."""
    state = etag_of(job.id, job.state, job.attempt, int(job.cancelling))
    progress = job.progress or {}
    return etag_with(state, str(sorted(progress.items())))


def summary_of(job: Job) -> dict[str, Any] | None:
    """Return the figures of a run's summary; None before it is done."""
    if job.state is not State.DONE:
        return None
    told = read_json(job.folder / result_file("run"))
    if told is None:
        return None
    names = ("scenario", "question", "seed", "cases", "verdicts", "digest", "checks_hold")
    more = ("model_id", "cases_per_s", "wall_s", "degraded")
    figures: dict[str, Any] = {name: told.get(name) for name in (*names, *more)}
    figures["gates"] = [
        {"label": point.get("label"), **gate}
        for point in told.get("points", [])
        for gate in point.get("gates", [])
    ]
    return figures


def errors_of(refused: RefusedError) -> list[dict[str, Any]]:
    """Return what is wrong with a scenario, as a problem's member."""
    return [ScenarioError.model_validate(one).model_dump() for one in refused.errors]
