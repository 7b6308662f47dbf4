"""Pictures of cases: what the twin saw."""

from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.cases import CaseId, arrived, known_case
from services.api.conditional import etag_of, not_modified
from services.api.context import Context
from services.api.pictures.answers import CACHE, picture_content, picture_response
from services.api.pictures.wanted import WEBP, seen
from services.api.problems import problems
from services.api.security.access import Scope, requires

router = APIRouter(tags=["cases"], dependencies=[Depends(requires(Scope.READ))])


class Size(IntEnum):
    """Edge of a picture, px."""

    SMALL = 96
    AS_SEEN = 224


@router.get(
    "/v1/cases/{case_id}/image",
    operation_id="get_case_image",
    summary="What the twin saw of a case",
    response_class=Response,
    responses=picture_content(WEBP) | problems(401, 403, 404, 410, 422, 429, 503),
)
async def get_case_image(
    case_id: CaseId,
    request: Request,
    context: Context,
    size: Annotated[
        Size,
        Query(
            description="Edge, px: 224 is exactly what the stem sees (lossless); 96 is for lists."
        ),
    ] = Size.AS_SEEN,
) -> Response:
    """Return the case's picture, WebP: rendered or decoded, and taken as its reference says.

    The ETag belongs to the reference, so that a picture which a client has is never made again.
    """
    image = arrived(await known_case(context, case_id)).image
    wanted = seen(image, int(size))
    etag = etag_of(wanted.key)
    known = not_modified(request, etag, cache=CACHE)
    return known or await picture_response(context, wanted, image, etag)
