"""The API of `page_twin`, on a socket: it can go stale, lose its mirror, be cut and restored."""

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import page_twin as twin
import uvicorn
from fastapi import FastAPI, Header, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from PIL import Image

from services.api.problems import ProblemError, answer_problem, problem_response, problems
from services.api.routes.page import router as page
from services.api.security.headers import with_defaults

RECORDS_PER_S: Final = 8
KINDS: Final = ("CaseArrived/2", "VerdictIssued/2", "CaseClosed/1")

Told = dict[str, Any]


class FakeTwin:
    """What the server answers from; a test changes it while the server runs."""

    def __init__(self) -> None:
        self.begun_s = time.monotonic()
        self.state = "live"
        self.runs: list[Told] = []
        self.feedback: list[tuple[str, Told]] = []
        self.explained: set[str] = set()
        self.labels = True  # whether any came back
        self.key = ""  # that is needed; empty: none is
        self.refusals = 0  # for want of it
        self.resumed: list[str] = []  # ids that streams were asked to go on from

    @property
    def revision(self) -> int:
        return twin.BEGUN + int((time.monotonic() - self.begun_s) * RECORDS_PER_S)

    def at(self, revision: int | None) -> int:
        return self.revision if revision is None else max(1, min(revision, self.revision))

    def beat(self) -> Told:
        stale = self.state != "live"
        return {
            "state": self.state,
            "freshness_s": 4.2 if stale else 0.3,
            "revision": self.revision,
            "behind": 12 if stale else 0,
            "degraded": [{"what": "knn", "why": "p95 latency is 3 times what it was"}],
        }


def app_of(fake: FakeTwin) -> FastAPI:
    """Return the application."""
    app = FastAPI(openapi_url=None)
    app.add_exception_handler(ProblemError, answer_problem)  # type: ignore[arg-type]
    app.include_router(page)

    @app.middleware("http")
    async def policy(request: Request, go_on: Any) -> Response:
        # The real server's headers: what its policy forbids must not be needed.
        given = request.headers.get("authorization", "")
        if fake.key and request.url.path.startswith("/v1") and given != f"Bearer {fake.key}":
            fake.refusals += 1
            return problem_response(401, "a key is needed")
        answer: Response = await go_on(request)
        answer.raw_headers[:] = with_defaults(answer.raw_headers)
        return answer

    _twin(app, fake)
    _cases(app, fake)
    _work(app, fake)

    @app.get("/v1/events")
    async def events(last_event_id: Annotated[str, Header()] = "") -> StreamingResponse:
        fake.resumed.append(last_event_id)
        return StreamingResponse(_stream(fake), media_type="text/event-stream")

    return app


def _twin(app: FastAPI, fake: FakeTwin) -> None:
    @app.get("/v1/twin")
    def status(revision: int | None = None) -> Told:
        at = fake.at(revision)
        arrived = len(twin.cases(at))
        return {
            **fake.beat(),
            "name": "fake-clinic",
            "trouble": None,
            "per_s": {"cases": 2.7, "verdicts": 2.6, "feedback": 0.9},
            "latency_ms": {"p50": 80.0, "p95": 210.0, "p99": 400.0},
            "model_id": "m-fake",
            "lag": {"cases": 0, "verdicts": 0},
            "revision": at,
            "generation": "00",
            "cursor": str(at),
            "event_time_min": arrived * 9.5,
            "counts": {
                "cases": arrived,
                "verdicts": arrived - 1,
                "closed": arrived - 1,
                "labels": arrived // 3,
            },
            "stack": twin.stacks(at)["versions"][-1],
            "history": {
                "first_revision": 1,
                "last_revision": fake.revision,
                "first_unix_s": twin.folded_unix_s(1),
                "last_unix_s": twin.folded_unix_s(fake.revision),
            },
            "attached": [
                {
                    "name": "new-dermatoscope",
                    "question": "What does a new dermatoscope cost?",
                    "tag": "a1",
                    "offset_min": 0.0,
                    "horizon_min": 10080.0,
                    "speed": 60.0,
                    "state": "running",
                    "patients_done": arrived,
                    "patients_total": 1000,
                    "shifts": [{"at_min": 700.0, "what": "new dermatoscope"}],
                }
            ],
            "as_of": None
            if revision is None
            else {"revision": at, "folded_unix_s": twin.folded_unix_s(at)},
        }

    @app.get("/v1/twin/difference")
    def difference(request: Request) -> Told:
        a, b = (int(request.query_params[name]) for name in ("from", "to"))
        counts = {"cases": [len(twin.cases(a)), len(twin.cases(b))]}
        return {
            "from_revision": a,
            "to_revision": b,
            "counts": counts,
            "components": {"knn": ["failed", "ready"]},
            "restarts": {"knn": 1},
            "stack": [a // 400, b // 400],
            "cases": {"arrived": len(twin.cases(b)) - len(twin.cases(a))},
        }

    @app.get("/v1/components")
    def components(revision: int | None = None) -> Told:
        at = fake.at(revision)
        return {"revision": at, "components": twin.components(at)}

    @app.get("/v1/components/{name}/history")
    def component_history(name: str) -> Told:
        moves = [
            ("ready", 405),
            ("restarting", 401),
            ("failed", 400),
            ("ready", 9),
            ("starting", 5),
        ]
        return {
            "entries": [
                {
                    "revision": at,
                    "at_unix_s": twin.folded_unix_s(at),
                    "state": state,
                    "restarts": int(at > 400),
                    "reason": "its process ended" if state == "failed" else "",
                    "facts": {},
                }
                for state, at in moves
            ]
        }

    @app.get("/v1/stacks")
    def stacks(revision: int | None = None) -> Told:
        return twin.stacks(fake.at(revision))

    @app.get("/v1/drift")
    def drift() -> Told:
        return twin.drift()

    @app.get("/v1/performance")
    def performance() -> Told:
        return twin.performance(fake.revision if fake.labels else 1)

    @app.get("/v1/series")
    def series(bin_min: int = 60) -> Told:
        return twin.series(fake.revision, bin_min)


def _cases(app: FastAPI, fake: FakeTwin) -> None:
    def number_of(case_id: str) -> int:
        if not case_id[1:].isdigit():
            raise ProblemError(404, f"no case {case_id} is known")
        return int(case_id[1:])

    @app.get("/v1/cases")
    def cases(
        search: str = "",
        stage: str = "",
        malignant: bool | None = None,
        limit: int = 50,
        after: str = "",
        revision: int | None = None,
    ) -> Told:
        found = [
            one
            for one in twin.cases(fake.at(revision))
            if search in one["case_id"]
            and stage in ("", one["stage"])
            and malignant in (None, one["malignant"])
            and (not after or one["case_id"] < after)
        ]
        page_ = found[:limit]
        more = page_[-1]["case_id"] if len(found) > limit else None
        return {
            "cases": page_,
            "next": more,
            "known": len(twin.cases(fake.at(revision))),
            "dropped": 0,
        }

    @app.post("/v1/cases", status_code=202)
    async def upload(image: UploadFile) -> Told:
        assert await image.read(4)
        return {"case_id": f"c{3:05d}"}

    @app.get("/v1/cases/{case_id}")
    def case(case_id: str, revision: int | None = None) -> Told:
        return twin.case_in_full(number_of(case_id), fake.at(revision))

    @app.get("/v1/cases/{case_id}/image")
    def image(case_id: str, size: int = 224) -> Response:
        return _png(size, number_of(case_id))

    @app.post("/v1/cases/{case_id}/feedback", status_code=202)
    async def feedback(case_id: str, request: Request, if_match: Annotated[str, Header()]) -> Told:
        assert if_match.startswith('"c')
        fake.feedback.append((case_id, await request.json()))
        return {"feedback_id": "f1"}

    @app.get("/v1/cases/{case_id}/explanations")
    def explanations(case_id: str) -> Told:
        return {
            "methods": [
                {"name": name, "about": "Where it looked.", "cached": name in fake.explained}
                for name in twin.METHODS
            ]
        }

    @app.get("/v1/cases/{case_id}/explanations/{method}", responses=problems(404))
    def explanation(case_id: str, method: str, response: Response) -> Told:
        if method not in fake.explained:
            fake.explained.add(method)
            response.status_code = 202
            response.headers["Retry-After"] = "1"
            return {"state": "being made"}
        return {
            "method": method,
            "fidelity": {"rank_correlation": 0.93, "least": 0.5, "is_low": False},
            "map": {"half_in_share": 0.12},
            "took_s": 1.4,
        }

    @app.get("/v1/cases/{case_id}/explanations/{method}/map.png")
    def map_(case_id: str, method: str) -> Response:
        return _png(224, len(method))


def _work(app: FastAPI, fake: FakeTwin) -> None:
    @app.get("/v1/runs")
    def runs() -> Told:
        return {"items": fake.runs, "before": None}

    @app.post("/v1/runs", status_code=202)
    async def start(request: Request) -> Told:
        asked = await request.json()
        if "\n" in asked["scenario"]:
            errors = [{"source": "posted", "line": 2, "key": "seed", "message": "is no number"}]
            raise ProblemError(422, "the scenario is not valid", errors=errors)
        run = {
            "id": f"r{len(fake.runs) + 1}",
            "state": "running",
            "cancelling": False,
            "gates": None,
            "managed": True,
            "resumable": False,
            "asked": {"scenario": asked["scenario"]},
            "progress": {"stage": "replications", "done": 3, "total": 10},
            "created_unix_s": time.time(),
        }
        fake.runs.insert(0, run)
        return {"id": run["id"], "scenario": asked["scenario"]}

    @app.get("/v1/runs/{run_id}")
    def run(run_id: str, response: Response) -> Told:
        response.headers["ETag"] = f'"{run_id}"'
        return next(one for one in fake.runs if one["id"] == run_id)

    @app.post("/v1/runs/{run_id}/cancel", status_code=202)
    def cancel(run_id: str, if_match: Annotated[str, Header()]) -> Told:
        assert if_match == f'"{run_id}"'
        one = next(one for one in fake.runs if one["id"] == run_id)
        one["state"] = "cancelled"
        return one

    @app.get("/v1/scenarios")
    def scenarios() -> Told:
        return {"scenarios": [{"name": "first-clinic", "about": "A small one.", "problem": None}]}

    @app.post("/v1/forecasts", status_code=202)
    def ask_forecast() -> Told:
        return {"id": "w1", "scenario": "first-clinic"}

    @app.get("/v1/forecasts/{forecast_id}")
    def forecast(forecast_id: str) -> Told:
        levels = {"p05": 2, "p25": 4, "p50": 5, "p75": 6, "p95": 9}
        hours = range(0, 24, 2)
        queue = {name: [level + 0.2 * hour for hour in hours] for name, level in levels.items()}
        bins = [60.0 * hour for hour in hours]
        return {
            "id": forecast_id,
            "state": "done",
            "result": {
                "bins_min": bins,
                "series": {"queue.reader": queue},
                "assumptions": ["the scenario is taken as it stands"],
                "degraded": [],
                "meanings": {"queue": "patients waiting at the end of each bin"},
            },
        }


async def _stream(fake: FakeTwin) -> AsyncIterator[bytes]:
    """Say what was folded; a heartbeat each second, and at once when the state changes."""
    told, state = fake.revision, ""
    for tick in range(1 << 30):
        if tick % 4 == 0 or fake.state != state:
            state = fake.state
            yield _event("heartbeat", fake.beat(), None)
        now = fake.revision
        for revision in range(told + 1, now + 1) if fake.state == "live" else ():
            number = revision // twin.RECORDS_PER_CASE
            change = {
                "revision": revision,
                "kind": "case",
                "id": f"c{number:05d}",
                "stage": "arrived",
                "changed": True,
                "schema": KINDS[revision % 3],
                "event": {},
            }
            yield _event("change", change, revision)
        told = now
        await asyncio.sleep(0.25)


def _event(name: str, told: Told, revision: int | None) -> bytes:
    id_ = "" if revision is None else f"id: {revision}\n"
    return f"{id_}event: {name}\ndata: {json.dumps(told)}\n\n".encode()


def _png(size: int, number: int) -> Response:
    """Return something brown on something pink."""
    shade = 60 + (number * 37) % 90
    image = Image.new("RGB", (size, size), (226, 180, 164))
    spot = Image.new("RGB", (size // 2, size // 2), (shade, shade // 2, 30))
    image.paste(spot, (size // 4, size // 4))
    into = io.BytesIO()
    image.save(into, "PNG")
    return Response(into.getvalue(), media_type="image/png")


class PageServer:
    """A server in a thread, on one port, which can be cut off and put back."""

    def __init__(self, fake: FakeTwin) -> None:
        self.fake = fake
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.restore()

    def restore(self) -> None:
        """Serve; on the same port as ever."""
        config = uvicorn.Config(
            app_of(self.fake),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            timeout_graceful_shutdown=0,
            lifespan="off",
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline_s = time.monotonic() + 10
        while not self.server.started and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert self.server.started

    def cut(self) -> None:
        """End every connection and answer no more."""
        self.server.should_exit = True
        self.server.force_exit = True
        self.thread.join(10)


@contextmanager
def page_server() -> Iterator[PageServer]:
    """Serve a fake twin while the block runs."""
    server = PageServer(FakeTwin())
    try:
        yield server
    finally:
        server.cut()


if __name__ == "__main__":
    with page_server() as serving:
        print(serving.url)  # noqa: T201
        threading.Event().wait()
