"""`GET /v1/dead-letters`: messages that no loop could use."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.api.context import Context
from services.api.problems import ProblemError, problems
from services.api.security.access import Scope, requires
from services.dead_letters.letter import Letter
from services.dead_letters.shown import plain
from twin.errors import DependencyError

router = APIRouter(tags=["operation"])


class DeadLetter(BaseModel):
    """A message that nobody could use; `dermtwin dead-letters show` has its bytes."""

    origin: str = Field(
        description="Where it was: topic/partition/offset.", examples=["cases/2/17"]
    )
    kind: str = Field(description="What is wrong, in a word or two.", examples=["not JSON"])
    reason: str = Field(description="The same in words.")
    by: str = Field(description="Who refused it.", examples=["worker"])
    message_schema: str = Field(description="That it said it had.", examples=["CaseArrived/2"])
    key: str | None = Field(description="Its key; null where it had none.")
    bytes: int = Field(description="How many it had.", examples=[312])
    whole: bool = Field(description="Whether all of it is kept, so that it can be sent again.")
    refused_unix_s: float = Field(description="When, in seconds since 1970.")
    replay_of: str | None = Field(description="Origin of the letter that it is a replay of.")
    replayed: int = Field(description="How often it was sent again.", examples=[0])


class DeadLetters(BaseModel):
    """Dead letters, the newest first."""

    letters: list[DeadLetter]
    found: int = Field(description="Of those that are kept here, how many fit.")
    total: int = Field(description="All that are on the log.")
    by_kind: dict[str, int] = Field(description="All that are on the log, by kind of fault.")


@router.get(
    "/v1/dead-letters",
    operation_id="list_dead_letters",
    summary="Messages that no loop could use, and why",
    dependencies=[Depends(requires(Scope.OPERATE))],
    responses=problems(401, 403, 422, 429, 503),
)
def list_dead_letters(
    context: Context,
    kind: Annotated[
        str | None, Query(max_length=100, description="only of this kind of fault")
    ] = None,
    topic: Annotated[str | None, Query(max_length=100, description="only from this topic")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeadLetters:
    """Return the newest dead letters."""
    try:
        if context.letters is None:
            raise DependencyError("no log is at hand")
        page = context.letters.page(kind, topic, limit)
    except DependencyError as error:
        raise ProblemError(
            503, "the dead letters cannot be read now", headers={"Retry-After": "5"}
        ) from error
    return DeadLetters(
        letters=[_told(one) for one in page.letters],
        found=page.found,
        total=page.total,
        by_kind=page.kinds,
    )


def _told(letter: Letter) -> DeadLetter:
    return DeadLetter(
        origin=plain(letter.origin),
        kind=plain(letter.kind),
        reason=plain(letter.reason),
        by=plain(letter.by),
        message_schema=plain(letter.schema[:200]),
        key=None if letter.key is None else plain(letter.key[:200]),
        bytes=letter.bytes,
        whole=not letter.kept,
        refused_unix_s=letter.refused_unix_ms / 1000,
        replay_of=plain(letter.replay_of) or None,
        replayed=letter.replayed,
    )
