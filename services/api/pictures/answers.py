"""From wishes for pictures to answers of the API."""

import asyncio
from typing import Any, Final

from fastapi import Response

from services.api.context import ApiContext
from services.api.pictures.wanted import PictureFault, Wanted
from services.api.problems import ProblemError
from twin.images import BlobRef, ImageRef

# Case ids start anew with another log, so a browser must ask again soon; its ETag answers that
# for nothing.
CACHE: Final = "private, max-age=60"
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}
_BUSY_S: Final = "1"
_AWAY_S: Final = "5"


async def picture_response(
    context: ApiContext, wanted: Wanted, ref: ImageRef, etag: str
) -> Response:
    """Return the answer that is a picture.

    Parameters:
        ref: what the picture is of.

    Raises:
        ProblemError: 404 or 410, the image cannot be had; 422, nothing can be made of it; 503,
            too many wait or a store is away.
    """
    if context.pictures is None:
        raise ProblemError(503, "no pictures are made here", headers={"Retry-After": _AWAY_S})
    try:
        # Shielded: who gives up must not take the picture away from others that wait for it.
        made = await asyncio.shield(asyncio.wrap_future(context.pictures.picture(wanted)))
    except PictureFault as fault:
        if fault.kind == "away":
            context.log.warning("pictures.away", reason=fault.reason)
        raise _problem(fault, ref) from fault
    headers = {"ETag": etag, "Cache-Control": CACHE, **NOSNIFF}
    return Response(made.content, media_type=made.media_type, headers=headers)


def _problem(fault: PictureFault, ref: ImageRef) -> ProblemError:
    match fault.kind:
        case "gone":
            # An upload was here and its time ran out; a file may yet be put in its place.
            return ProblemError(410 if isinstance(ref, BlobRef) else 404, fault.reason)
        case "unreadable":
            return ProblemError(422, fault.reason)
        case "busy":
            return ProblemError(503, fault.reason, headers={"Retry-After": _BUSY_S})
    detail = "the image's store, or what renders, does not answer"  # its words have addresses
    return ProblemError(503, detail, headers={"Retry-After": _AWAY_S})


def picture_content(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of a path that answers with a picture.

    >>> sorted(picture_content("image/png"))
    [200, 304]
    """
    content = {one: {"schema": {"type": "string", "format": "binary"}} for one in media_types}
    return {
        200: {"description": "The picture", "content": content},
        304: {"description": "Not Modified"},
    }
