"""Brings explanations to paths: what is kept at once, all else as soon as it is there."""

import asyncio
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from services.api.cases import answered, arrived, known_case, stack_of
from services.api.context import ApiContext
from services.api.explanations import Pending
from services.api.problems import ProblemError
from services.asks.ask import Ask
from services.asks.asker import Asker, AskFault, Fault
from services.asks.found import Found
from twin.explain.methods import METHODS

_AGAIN_S: Final = 5  # an explanation under way is worth asking for again then
# Status, and after how many seconds it may help to ask again.
_STATUS: Final[dict[Fault, tuple[int, int | None]]] = {
    "busy": (503, 10),
    "away": (503, 5),
    "gone": (503, 15),  # the explainer is built again by whoever asks next
    "unscorable": (422, None),
    "refused": (409, None),
    "late": (504, 30),
}


def asker_of(context: ApiContext) -> Asker:
    """Return who asks for explanations.

    Raises:
        ProblemError: 503, nobody does here.
    """
    if context.asker is None:
        raise ProblemError(503, "no explanations are to be had here", headers=_retry(_AGAIN_S))
    return context.asker


def method_named(name: str) -> str:
    """Return the name of an explainer.

    Raises:
        ProblemError: 404, there is none of that name; those there are are named.
    """
    if name not in METHODS:
        known = ", ".join(METHODS)
        raise ProblemError(404, f"no such explainer: there are {known}", methods=list(METHODS))
    return name


async def asks_about(
    context: ApiContext, case_id: str, wanted: Iterable[tuple[str, bool]]
) -> list[Ask]:
    """Return asks about a case.

    Parameters:
        wanted: name of a method, and whether its map is checked.

    Raises:
        ProblemError: 404, 409 or 422: no such case, or there is nothing to explain.
    """
    case = await known_case(context, case_id)
    arrival, verdict = arrived(case), answered(case)
    promoted = stack_of(context, verdict)
    return [
        Ask(arrived=arrival, verdict=verdict, promoted=promoted, method=method, checked=checked)
        for method, checked in wanted
    ]


async def explanation_of(context: ApiContext, ask: Ask, wait_s: float) -> Found | None:
    """Return an explanation; None where it is under way and takes longer.

    Raises:
        ProblemError: why there is none.
    """
    asker = asker_of(context)
    try:
        kept = await run_in_threadpool(asker.kept, ask)
        if kept is not None:
            return kept
        future = asyncio.wrap_future(await run_in_threadpool(asker.ask, ask))
        # Waited for and not cancelled: the explanation is made whoever gives up.
        done, _ = await asyncio.wait({future}, timeout=wait_s)
        if not done:
            future.add_done_callback(_heard)
            return None
        future.result()
        found = await run_in_threadpool(asker.kept, ask)
    except AskFault as fault:
        raise problem_of(fault) from fault
    if found is None:
        raise problem_of(AskFault("away", "the explanation was made and got lost: ask again"))
    return found


def _heard(future: "asyncio.Future[None]") -> None:
    """Take the outcome that nobody waits for; asyncio would complain about it."""
    if not future.cancelled():
        future.exception()


def problem_of(fault: AskFault) -> ProblemError:
    """Return what a fault is to HTTP."""
    status, retry_s = _STATUS[fault.kind]
    return ProblemError(status, fault.reason, headers=_retry(retry_s))


def pending(request: Request, ask: Ask) -> JSONResponse:
    """Return the answer of an explanation that is under way."""
    query = f"?{request.url.query}" if request.url.query else ""
    location = quote(request.url.path) + query
    told = Pending(
        detail=f"{METHODS[ask.method].title} is under way",
        location=location,
        retry_after_s=_AGAIN_S,
    )
    headers = {"Location": location, "Cache-Control": "no-store", **_retry(_AGAIN_S)}
    return JSONResponse(told.model_dump(), status_code=202, headers=headers)


def quoted(case_id: str) -> str:
    """Return an id as it stands in a path.

    >>> quoted("a b/c")
    'a%20b%2Fc'
    """
    return quote(case_id, safe="")


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}
