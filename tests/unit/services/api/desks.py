"""An application that has nothing but the paths of runs, forecasts and scenarios."""

import asyncio
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import httpx
from admitted import let_in
from fastapi import FastAPI

from services.api.context import ApiContext
from services.api.desk import Desk
from services.api.live.history import History
from services.api.problems import ProblemError, answer_problem
from services.api.routes import forecasts, runs, scenarios
from services.api.security.access import LOOPBACK, Principal
from services.config import Settings
from services.jobs.bounds import Bounds
from services.jobs.catalogue import Catalogue
from services.jobs.environment import environment_of_jobs
from services.jobs.jobs import Jobs
from services.jobs.posted import RUN, Checker, Sound
from services.logs import open_log

SCENARIOS = Path("scenarios").resolve()
TINY = """\
name: tiny
seed: 1
horizon: 2 h
replications: 3
cases: {source: nominal}
arrivals: {rate_per_h: 10}
pathway:
  - {id: call, staff: agent, service: 5 min, then: end}
staff: {agent: 2}
gates: ["wait.call.mean < 1 h"]
"""


class Trusting(Checker):
    """Takes every scenario as it is, at once."""

    def check(
        self, scenario: str, overrides: Sequence[str] = (), use: Mapping[str, Any] = RUN
    ) -> Sound:
        facts = {"scenario": "tiny", "patients_expected": 20, "runs_least": 3, "runs_most": 3}
        return Sound(scenario, facts)


def desk_at(
    home: Path,
    *,
    script: str | None = None,
    checker: Callable[[Catalogue, Mapping[str, str]], Checker] = Trusting,
    at_once: int = 2,
    bounds: Bounds | None = None,
) -> Desk:
    """Return a desk whose jobs are lines of Python, or, without a script, the command line."""
    theirs = environment_of_jobs({**os.environ, "PYTHONPATH": str(Path.cwd())}, home)
    log = open_log(io.StringIO())
    command = [sys.executable, "-I", "-S", "-c", script]
    if script is None:
        command = [sys.executable, "-m", "services.cli"]
    jobs = Jobs(home / "runs", cast(list[str], command), theirs, log, at_once=at_once, grace_s=5)
    made = checker(Catalogue(SCENARIOS), theirs)
    if bounds is not None:
        made = Checker(Catalogue(SCENARIOS), theirs, bounds)
    return Desk(jobs=jobs, checker=made, home=home.resolve(), log=log)


class Client:
    """Asks an application without a server; each request has an event loop of its own."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)


def client_of(desk: Desk | None, principal: Principal = LOOPBACK) -> Client:
    """Return a client; the application's own beat is the tests' to make."""
    app = FastAPI()
    app.add_exception_handler(ProblemError, answer_problem)  # type: ignore[arg-type]
    for module in (runs, forecasts, scenarios):
        app.include_router(module.router)
    app.state.context = ApiContext(
        settings=Settings(),
        prefix="test",
        kafka="",
        redis="",
        log=open_log(io.StringIO()),
        history=History(),
        desk=desk,
    )
    let_in(app, principal)
    return Client(app)
