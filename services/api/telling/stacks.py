"""Orders and epochs that are sent in: one at a time, each with all before it in mind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.api.conditional import check_if_match
from services.api.idempotency import Attempt, digest_of
from services.api.problems import ProblemError
from services.api.security.access import Principal
from services.api.telling.answers import EpochAnswer, OrderAnswer
from services.api.telling.known import Claim, stacks_tag
from services.api.telling.telling import Telling, planned
from services.live_facts import epoch_of, order_of
from twin.errors import DataError, SettingsError
from twin.events import EpochReached, StackEvent, StackOrdered, StackPromoted

_CLAIM: Final = "stacks"


async def send_order(
    telling: Telling,
    principal: Principal,
    key: str | None,
    version: int,
    reason: str,
    request: Request,
) -> Response:
    """Order an earlier version back, in the principal's name.

    Raises:
        ProblemError: 409 the twin does not re-stack, 412 or 428 without the stacks' present ETag,
            422 there is no such version, 503.
    """

    async def act(attempt: Attempt) -> Response:
        telling.ensure_known()
        loop = await telling.at_epochs()
        async with telling.claims.alone(_CLAIM, telling.known) as claim:
            event = planned(attempt)
            if not isinstance(event, StackOrdered):
                check_if_match(request, stacks_tag(telling.known))
                facts = telling.facts(loop)
                with _refusals(facts.stack_events):
                    event, _ = order_of(facts, version, principal.name, reason, attempt.seed)
            await _tell(telling, attempt, event, claim)
        promoted = (one for one in telling.known.stack_events if isinstance(one, StackPromoted))
        answer = OrderAnswer(
            order_id=event.order_id,
            at_min=event.at_min,
            version=event.version,
            in_force=max(one.version for one in promoted),
            by=event.by,
            reason=event.reason,
        )
        return JSONResponse(answer.model_dump(), 201, _tag(telling, event))

    digest = digest_of("orders", version, reason)
    return await telling.idempotency.once(principal.id, key, digest, act)


async def send_epoch(telling: Telling, principal: Principal, key: str | None) -> Response:
    """Reach an epoch: the re-stacker decides on all that is on the log.

    Raises:
        ProblemError: 409 nothing happens at epochs, or the last one is not decided yet; 503.
    """

    async def act(attempt: Attempt) -> Response:
        telling.ensure_known()
        loop = await telling.at_epochs()
        async with telling.claims.alone(_CLAIM, telling.known) as claim:
            event = planned(attempt)
            if not isinstance(event, EpochReached):
                facts = telling.facts(loop)
                with _refusals(facts.stack_events):
                    event = epoch_of(facts)
            await _tell(telling, attempt, event, claim)
        answer = EpochAnswer(
            epoch=event.epoch,
            at_min=event.at_min,
            cases=event.cases,
            feedback=event.feedback,
            closed=event.closed,
        )
        return JSONResponse(answer.model_dump(), 201, _tag(telling, event))

    return await telling.idempotency.once(principal.id, key, digest_of("epochs"), act)


async def _tell(telling: Telling, attempt: Attempt, event: StackEvent, claim: Claim) -> None:
    def folded() -> bool:
        return event in telling.known.stack_events

    if not folded():
        await telling.tell(attempt, event)
        await claim.settle(telling.known, folded)


def _tag(telling: Telling, event: StackEvent) -> dict[str, str]:
    return {"ETag": stacks_tag(telling.known)} if event in telling.known.stack_events else {}


@contextmanager
def _refusals(events: Sequence[StackEvent]) -> Iterator[None]:
    """Turn what the twin refuses into problems, in the same words."""
    try:
        yield
    except SettingsError as refusal:
        raise ProblemError(409, f"the twin that is up: {refusal.args[2]}") from refusal
    except DataError as refusal:
        there = any(isinstance(one, StackPromoted) for one in events)
        raise ProblemError(422 if there else 409, f"the log {refusal.args[1]}") from refusal
