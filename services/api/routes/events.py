"""The stream of changes, as server-sent events."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from services.api.context import Context
from services.api.live.change import Change
from services.api.live.cursor import upto_of
from services.api.live.history import History
from services.api.live.stream import Reader, framed
from services.api.problems import ProblemError, problems
from services.api.security.access import Scope, requires
from services.api.views.twin import degraded
from twin.errors import InputError

router = APIRouter(dependencies=[Depends(requires(Scope.READ))])

HEARTBEAT_S: Final = 1.0
# What is folded within this time is sent together: each piece costs a system call per reader.
GATHER_S: Final = 0.1
KINDS: Final = ("case", "component", "epochs", "stacks", "drift", "orders", "invalid")

_ABOUT: Final = {
    200: {
        "description": "`change`: a record that was folded, with the cursor as its id;"
        " `heartbeat`: once a second, how fresh the state is; `lost`: how many records this"
        " reader missed because it was away or slow for too long",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "headers": {
            "Cache-Control": {"schema": {"type": "string"}, "description": "no-store"},
        },
    },
    **problems(401, 403, 422, 429, 503),
}


@router.get(
    "/v1/events",
    operation_id="stream_events",
    summary="Every change, as it is folded",
    tags=["twin"],
    response_class=StreamingResponse,
    responses=_ABOUT,
)
async def stream_events(
    request: Request,
    context: Context,
    kind: Annotated[
        str,
        Query(
            max_length=100,
            description=f"kinds that are wanted, with commas: {', '.join(KINDS)}; all by default",
            examples=["case,component"],
        ),
    ] = "",
    id_: Annotated[
        str, Query(alias="id", max_length=200, description="of a case or component")
    ] = "",
    since: Annotated[
        str,
        Query(max_length=2_000, description="cursor to go on from, or `start`; now by default"),
    ] = "",
    last_event_id: Annotated[
        str, Header(max_length=2_000, description="id of the last event; it wins over `since`")
    ] = "",
) -> StreamingResponse:
    """Stream changes. A reader that reconnects with the last id misses nothing and gets nothing
    twice, even if the mirror was built again meanwhile."""
    kinds = frozenset(one for one in kind.split(",") if one)
    if not kinds <= set(KINDS):
        raise ProblemError(422, f"kind: expected some of {', '.join(KINDS)}")
    asked = last_event_id or since
    try:
        upto = upto_of(asked) if asked else None
    except InputError as error:
        raise ProblemError(422, f"Last-Event-ID or since: {error}") from error

    def wants(change: Change) -> bool:
        return (not kinds or change.kind in kinds) and (not id_ or change.id == id_)

    history = context.history
    reader = Reader(history, context.lines, upto, wants)
    return StreamingResponse(
        _pieces(request, history, reader, context.is_closing),
        media_type="text/event-stream",
        # Proxies that gather answers would hold events back.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _pieces(
    request: Request, history: History, reader: Reader, is_closing: Callable[[], bool]
) -> AsyncIterator[bytes]:
    beat_s, state = 0.0, ""
    while not is_closing():
        piece = reader.next()
        now_s = time.monotonic()
        # At once when the state is another one: a page has to say so within two seconds.
        if history.state != state or now_s - beat_s >= HEARTBEAT_S:
            # Who has gone ends this anyway with today's servers; once a second is no cost.
            if await request.is_disconnected():
                return
            beat_s, state = now_s, history.state
            piece += framed("heartbeat", _heartbeat(history), reader.cursor)
        if piece:
            yield piece
        await asyncio.sleep(GATHER_S)
        if not reader.has_more:
            left_s = beat_s + HEARTBEAT_S - time.monotonic()
            await history.changed(max(0.0, left_s))


def _heartbeat(history: History) -> bytes:
    head = history.head
    freshness_s = history.freshness_s
    body = {
        "state": history.state,
        "freshness_s": None if freshness_s is None else round(freshness_s, 3),
        "revision": history.revision,
        "behind": sum(head.behind.values()) if head else 0,
        "degraded": degraded(history),
    }
    return json.dumps(body, separators=(",", ":")).encode()
