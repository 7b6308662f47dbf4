"""Which moment a question is about: now, a revision, or a time on the wall clock."""

from typing import Annotated

from fastapi import Depends, Query

from services.api.context import Context
from services.api.live.history import History
from services.api.problems import ProblemError


def revision_of(history: History, revision: int | None, at: float | None) -> int | None:
    """Return the revision that is asked for; None for now.

    Raises:
        ProblemError: 422 for two moments at once, 404 for one that has not come, 410 for one that
            is no longer kept.
    """
    if revision is not None and at is not None:
        raise ProblemError(422, "give revision or at, not both")
    first, last = history.moments.first, history.revision
    if at is not None:
        if at > history.clock():
            raise ProblemError(404, "that moment has not come yet")
        try:
            revision = history.moments.revision_at(at * 1000)
        except KeyError as error:
            detail = f"that is before all that is kept: revisions {first} to {last}"
            raise ProblemError(410, detail, first_revision=first) from error
    if revision is None:
        return None
    if revision > last:
        raise ProblemError(404, f"revision {revision} has not come yet; the latest is {last}")
    if revision < first:
        detail = f"revision {revision} is no longer kept; the first is {first}"
        raise ProblemError(410, detail, first_revision=first)
    return revision


async def _asked(
    context: Context,
    revision: Annotated[
        int | None,
        Query(ge=0, le=10**15, description="as of this revision, that is: so many records folded"),
    ] = None,
    at: Annotated[
        float | None,
        Query(
            ge=0,
            le=10**11,
            allow_inf_nan=False,
            description="as of this Unix time, in seconds",
        ),
    ] = None,
) -> int | None:
    return revision_of(context.history, revision, at)


AsOf = Annotated[int | None, Depends(_asked)]
