"""A case that is sent in: its image is judged and stored, and the log is told that it arrived."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import JSONResponse

from services.api.idempotency import Attempt, digest_of
from services.api.problems import ProblemError
from services.api.security.access import Principal
from services.api.telling.answers import case_answer
from services.api.telling.known import case_tag, wait_until
from services.api.telling.telling import Telling, planned
from services.live_facts import arrival_min
from twin.events import CaseArrived
from twin.images import BlobRef
from twin.state import CaseState

PATH: Final = "/v1/cases"
_MOST_AHEAD_MIN: Final = 366 * 1440.0  # assumption: nobody jumps further; time never comes back
_RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What somebody sends in."""

    data: bytes = field(repr=False)
    case_id: str | None = None
    at_min: float | None = None
    age: int | None = None
    sex: str | None = None
    site: str | None = None
    skin_tone: str | None = None

    @property
    def sha256(self) -> str:
        """Of the image's bytes, hex."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def facts(self) -> dict[str, object]:
        """Everything but the image."""
        names = ("case_id", "at_min", "age", "sex", "site", "skin_tone")
        return {name: getattr(self, name) for name in names}


async def submit(
    telling: Telling, principal: Principal, key: str | None, case: Submission, wait_s: float
) -> Response:
    """Tell the twin of a case, and wait for its answer.

    Parameters:
        key: the caller's `Idempotency-Key`.
        wait_s: for how long.

    Raises:
        ProblemError: 409 the case is known, 413, 415 or 422 the image or a field is refused, 503.
    """

    async def act(attempt: Attempt) -> Response:
        telling.ensure_known()
        event = await _told(telling, attempt, key is not None, case)
        await wait_until(telling.known, lambda: _answered(telling, event.case_id), wait_s)
        return answer_of(event, await telling.case(event.case_id))

    digest = digest_of(PATH, case.sha256, case.facts)
    return await telling.idempotency.once(principal.id, key, digest, act)


def answer_of(event: CaseArrived, state: CaseState | None) -> Response:
    """Return 201 with the twin's answer, or 202 where it has not come."""
    headers: Mapping[str, str] = {"Location": f"{PATH}/{quote(event.case_id, safe='')}"}
    if state is None:  # not even folded
        return JSONResponse(case_answer(CaseState(arrived=event)).model_dump(), 202, headers)
    headers = {**headers, "ETag": case_tag(state)}
    status = 202 if state.answer is None else 201
    return JSONResponse(case_answer(state).model_dump(), status, headers)


async def _told(telling: Telling, attempt: Attempt, keyed: bool, case: Submission) -> CaseArrived:
    """Return the case's arrival, which is on the log now."""
    again = planned(attempt)
    if isinstance(again, CaseArrived):
        if await telling.case(again.case_id) is None:
            await telling.store(case.data)
            await telling.tell(attempt, again)
        return again
    await telling.uploads.ensure(case.data)
    case_id = case.case_id or f"u-{attempt.seed[:20]}"
    claim = f"case {case_id}"
    if not telling.claims.take(claim):
        raise _known_already(case_id)
    try:
        image = BlobRef(sha256=case.sha256)
        state = await telling.case(case_id)
        if state is not None and state.arrived is not None:
            telling.claims.drop(claim)
            # An id that is made of a key is met again by whoever lost the answer.
            if keyed and case.case_id is None and state.arrived.image == image:
                return state.arrived
            raise _known_already(case_id)
        event = _event(telling, case, case_id, image)
        # First the image: without its case it is harmless, and in a week it is gone.
        await telling.store(case.data)
        await telling.tell(attempt, event)
    except BaseException:
        telling.claims.drop(claim)
        raise
    return event  # the claim lasts: until the case is known, its id is taken


def _event(telling: Telling, case: Submission, case_id: str, image: BlobRef) -> CaseArrived:
    latest_min = telling.known.latest_min
    now_min = arrival_min(latest_min, telling.known.stack_events)
    at_min = now_min if case.at_min is None else case.at_min
    if at_min < now_min:
        raise ProblemError(422, f"at_min: {at_min:g} is before the twin's time, {now_min:g}")
    if at_min > now_min and now_min < latest_min:
        detail = "an epoch is being decided: cases of later times have to wait"
        raise ProblemError(409, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})
    if at_min > now_min + _MOST_AHEAD_MIN:
        raise ProblemError(422, f"at_min: more than a year after the twin's time, {now_min:g}")
    return CaseArrived(
        case_id=case_id,
        at_min=at_min,
        image=image,
        age=case.age,
        sex=case.sex,
        site=case.site,
        skin_tone=case.skin_tone,
    )


def _answered(telling: Telling, case_id: str) -> bool:
    state = telling.known.case(case_id)
    return state is not None and state.answer is not None and state.arrived is not None


def _known_already(case_id: str) -> ProblemError:
    return ProblemError(409, f"case {case_id} is known already: give it another case_id, or none")
