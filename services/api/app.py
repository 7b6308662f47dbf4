"""The application: all paths, errors as problems, and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from services.api.context import ApiContext
from services.api.problems import (
    MEDIA_TYPE,
    Problem,
    ProblemError,
    answer_problem,
    problem_response,
    problems,
)
from services.api.routes import (
    audit,
    cases,
    dead_letters,
    events,
    explanations,
    forecasts,
    health,
    images,
    metrics,
    page,
    parts,
    runs,
    scenarios,
    submissions,
    twin,
)
from services.api.security.answers import STATUSES

LOOK_S: Final = 0.1  # how late a mirror's silence is noticed
ROUTERS: Final = (
    twin,
    parts,
    cases,
    images,
    explanations,
    submissions,
    runs,
    forecasts,
    scenarios,
    events,
    page,
    audit,
    dead_letters,
    metrics,
    health,
)

_ABOUT = """What the live twin of a skin-cancer CAD pipeline is and does.

Everything is folded from the twin's log; every answer says how fresh it is, or of which revision.
Times of the clinic are in minutes since its epoch (`*_min`), times of the wall clock in seconds
since 1970 (`*_unix_s`). Errors are problem details (RFC 9457)."""


def create_app(context: ApiContext, follow: Callable[[], Any] | None = None) -> FastAPI:
    """Return the application.

    Parameters:
        context: what its paths share.
        follow: called in the event loop when it starts; returns what stops it again.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        stop = follow() if follow is not None else None
        beside = [asyncio.create_task(_look(context))]
        if context.desk is not None:
            beside.append(asyncio.create_task(context.desk.tend()))
        try:
            yield
        finally:
            for one in beside:
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one
            if stop is not None:
                stop()

    app = FastAPI(
        title="dermtwin",
        version=version("dermtwin"),
        description=_ABOUT,
        lifespan=life,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        separate_input_output_schemas=False,
    )
    app.state.context = context
    # One list: searching routers within routers takes a third of an answer's time.
    for module in ROUTERS:
        app.router.routes.extend(module.router.routes)
    app.add_exception_handler(ProblemError, answer_problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]  # FastAPI's own way
    return app


async def _look(context: ApiContext) -> None:
    """Notice when the mirror falls silent: nothing else would happen then."""
    while True:
        context.history.look()
        await asyncio.sleep(LOOK_S)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer what is wrong with a request: where, and what was expected."""
    found = [
        {"where": ".".join(map(str, one["loc"])), "message": str(one["msg"])}
        for one in error.errors()
    ]
    first = found[0]
    return problem_response(
        422, f"{first['where']}: {first['message']}", instance=request.url.path, errors=found[:20]
    )


async def _refused(request: Request, error: HTTPException) -> JSONResponse:
    """Answer FastAPI's own refusals as problems, too: no such path, no such method."""
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of(request))
    return problem_response(
        error.status_code, str(error.detail), instance=request.url.path, headers=headers
    )


def _methods_of(request: Request) -> list[str]:
    """Return all methods that a path has; Starlette names those of the first route only."""
    routes = request.app.routes
    return [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    ]


def _schema(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name, form in schemas.items():
        if name.startswith("Body_"):  # FastAPI's name for a form, which has no null
            for field in form["properties"].values():
                kinds = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
                if len(kinds) == 1:
                    del field["anyOf"]
                    field.update(kinds[0])
    for path in schema["paths"].values():
        for operation in path.values():
            for status, told in problems(*STATUSES).items():  # of the guards before all paths
                operation["responses"].setdefault(str(status), told)
            if "requestBody" in operation:  # that may be no UTF-8, or no form at all
                operation["responses"].update({"400": problems(400)[400]})
            told = operation.get("responses", {}).get("422")
            if told is not None:  # FastAPI would say that its own shape is answered
                content = {"schema": {"$ref": "#/components/schemas/Problem"}}
                told["content"] = {MEDIA_TYPE: content}
    app.openapi_schema = schema
    return schema
