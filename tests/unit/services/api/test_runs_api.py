import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desks import TINY, Client, client_of, desk_at

from services.api.desk import Desk
from services.api.security.access import Principal, Scope
from services.folder_lock import is_held
from services.jobs.job import State, read_json

# Stands for the command line, with the results that the paths show.
FAKE = """
import json, pathlib, sys, time
verb = sys.argv[1]
folder = pathlib.Path(sys.argv[2] if verb == "resume" else sys.argv[sys.argv.index("--out") + 1])
slow = verb == "run" and "slow" in (folder / "job" / "scenario.yaml").read_text()
(folder / "experiment.json").write_text("{}")
progress = {"stage": "replications", "done": 1, "total": 3, "updated_unix_s": time.time()}
(folder / "progress.json").write_text(json.dumps(progress))
print("in", folder, file=sys.stderr)
try:
    time.sleep(60 if slow else 0)
except KeyboardInterrupt:
    sys.exit(130)
result = {"scenario": "tiny", "run_dir": str(folder), "gates": "fail", "digest": "d", "points": [
    {"label": {}, "gates": [{"text": "g", "verdict": "fail"}]}]}
(folder / ("forecast.json" if verb == "forecast" else "summary.json")).write_text(
    json.dumps(result | {"argv": sys.argv[1:]}))
page = folder / ("forecast.html" if verb == "forecast" else "report.html")
page.write_text("<!doctype html><title>r</title>")
sys.exit(0 if verb == "forecast" else 3)
"""
ENDED = ("done", "failed", "cancelled", "interrupted")


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """End what a test that failed left running."""
    yield
    for own in tmp_path.glob("runs/*/job"):
        started = read_json(own / "started.json")
        if started is not None and is_held(own / "lock"):
            os.killpg(int(started["pid"]), signal.SIGKILL)


def await_view(
    desk: Desk, client: Client, href: str, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    deadline_s = time.monotonic() + 120  # jobs are nice: others come first
    while True:
        desk.jobs.beat()
        answer = client.get(href)
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        if wanted(view):
            return view
        assert time.monotonic() < deadline_s, view
        time.sleep(0.02)


def await_end(desk: Desk, client: Client, href: str) -> dict[str, Any]:
    return await_view(desk, client, href, lambda view: view["state"] in ENDED)


def start(client: Client, scenario: str = "name: quick", **more: Any) -> str:
    answer = client.post("/v1/runs", json={"scenario": scenario, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


def test_a_run_is_started_followed_and_read(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, script=FAKE)
    client = client_of(desk)
    href = start(client)
    view = await_end(desk, client, href)
    assert (view["state"], view["gates"], view["exit_code"]) == ("done", "fail", 3)
    assert view["summary"]["gates"] == [{"label": {}, "text": "g", "verdict": "fail"}]
    assert view["progress"]["stage"] == "replications"
    assert str(tmp_path) not in json.dumps(view)

    summary = client.get(f"{href}/summary")
    assert "run_dir" not in summary.json()
    assert summary.json()["argv"][2:4] == ["--out", f"$DERMTWIN_HOME/runs/{view['id']}"]
    etag = summary.headers["etag"]
    assert client.get(f"{href}/summary", headers={"If-None-Match": etag}).status_code == 304

    report = client.get(f"{href}/report")
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert report.headers["x-content-type-options"] == "nosniff"

    log = client.get(f"{href}/log")
    assert log.text == f"in $DERMTWIN_HOME/runs/{view['id']}\n"


def test_the_etag_follows_state_and_progress(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, script=FAKE)
    client = client_of(desk)
    href = start(client, "name: slow")
    await_view(desk, client, href, lambda view: view["progress"] is not None)
    seen = client.get(href).headers["etag"]
    assert client.get(href, headers={"If-None-Match": seen}).status_code == 304
    file = tmp_path / "runs" / href.rsplit("/", 1)[1] / "progress.json"
    progress = json.loads(file.read_text())
    file.write_text(json.dumps(progress | {"done": 2}))
    assert client.get(href, headers={"If-None-Match": seen}).status_code == 200
    assert client.get(f"{href}/summary").status_code == 404
    assert client.get(f"{href}/report").status_code == 404

    # What made progress only is what was seen; what ended is not.
    assert client.post(f"{href}/cancel").status_code == 428
    assert client.post(f"{href}/cancel", headers={"If-Match": '"x"'}).status_code == 412
    cancelled = client.post(f"{href}/cancel", headers={"If-Match": seen})
    assert cancelled.status_code == 202
    assert await_end(desk, client, href)["state"] == "cancelled"
    assert client.post(f"{href}/cancel", headers={"If-Match": seen}).status_code == 412
    now = client.get(href).headers["etag"]
    assert client.post(f"{href}/cancel", headers={"If-Match": now}).status_code == 409

    resumed = client.post(f"{href}/resume", headers={"If-Match": now})
    assert resumed.status_code == 202
    assert resumed.json()["attempt"] == 2
    assert await_end(desk, client, href)["state"] == "done"
    assert client.post(f"{href}/resume", headers={"If-Match": "*"}).status_code == 409


def test_a_submission_is_sent_again_and_runs_once_also_after_a_restart(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, script=FAKE)
    client = client_of(desk)
    body, key = {"scenario": "name: quick"}, {"Idempotency-Key": "k"}
    first = client.post("/v1/runs", json=body, headers=key)
    await_end(desk, client, first.headers["location"])
    again = client_of(desk_at(tmp_path, script=FAKE)).post("/v1/runs", json=body, headers=key)
    assert again.status_code == 202
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (
        None,
        "true",
    )
    other = client.post("/v1/runs", json=body | {"overrides": ["a=1"]}, headers=key)
    assert other.status_code == 422
    somebody = Principal("other", "x", frozenset(Scope), "key")
    theirs = client_of(desk, somebody).post("/v1/runs", json=body, headers=key)
    assert theirs.headers["location"] != first.headers["location"]
    assert len(client.get("/v1/runs").json()["items"]) == 2
    await_end(desk, client, theirs.headers["location"])


def test_lists_are_pages_the_newest_first(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, script=FAKE)
    client = client_of(desk)
    started = [start(client) for _ in range(3)]
    for href in started:
        await_end(desk, client, href)
    page = client.get("/v1/runs", params={"limit": 2}).json()
    rest = client.get("/v1/runs", params={"limit": 2, "before": page["before"]}).json()
    ids = [one["id"] for one in page["items"] + rest["items"]]
    assert ids == [href.rsplit("/", 1)[1] for href in reversed(started)]
    assert rest["before"] is None
    assert client.get("/v1/runs", params={"state": "failed"}).json()["items"] == []
    assert client.get("/v1/runs", params={"before": "nothing"}).status_code == 422
    assert client.get("/v1/forecasts").json()["items"] == []


@pytest.mark.parametrize("id", ["nothing", "..", "%2e%2e%2fetc", "a%00b", "x" * 200])
def test_what_is_no_run_is_not_found(tmp_path: Path, id: str) -> None:
    client = client_of(desk_at(tmp_path, script=FAKE))
    for path in ("", "/summary", "/report", "/log"):
        answer = client.get(f"/v1/runs/{id}{path}")
        assert answer.status_code == 404
    assert client.post(f"/v1/runs/{id}/cancel").status_code == 404


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"scenario": "name: x", "speed": "60"}, "attach"),
        ({"scenario": "x" * (2**18 + 1)}, ""),
        ({"scenario": "name: x", "overrides": ["a=1"] * 51}, ""),
        ({"scenario": "name: x", "route": "kafka"}, ""),
        ({"scenario": "name: x", "out": "elsewhere"}, ""),
        ({"scenario": "name: x", "route": "attach", "speed": "--out=x"}, ""),
    ],
)
def test_bodies_that_are_no_order_are_refused(tmp_path: Path, body: Any, word: str) -> None:
    answer = client_of(desk_at(tmp_path, script=FAKE)).post("/v1/runs", json=body)
    assert answer.status_code == 422
    assert word in answer.text
    assert not (tmp_path / "runs").exists()


def test_who_may_only_read_starts_and_ends_nothing(tmp_path: Path) -> None:
    reader = client_of(
        desk_at(tmp_path, script=FAKE), Principal("r", "r", frozenset({Scope.READ}), "key")
    )
    assert reader.get("/v1/runs").status_code == 200
    assert reader.post("/v1/runs", json={"scenario": "name: x"}).status_code == 403
    assert reader.post("/v1/runs/x/cancel").status_code == 403
    forecast = {"scenario": "name: x", "horizon": "8 h", "futures": 5}
    assert reader.post("/v1/forecasts", json=forecast).status_code == 403


def test_a_server_without_a_desk_says_so() -> None:
    assert client_of(None).get("/v1/runs").status_code == 503


def test_a_forecast_is_started_and_its_result_read(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, script=FAKE)
    client = client_of(desk)
    body = {"scenario": "name: quick", "horizon": "8 h", "futures": 5, "at_min": 60}
    href = client.post("/v1/forecasts", json=body).headers["location"]
    view = await_end(desk, client, href)
    assert (view["kind"], view["state"], view["gates"]) == ("forecast", "done", None)
    argv = view["result"]["argv"]
    assert argv[2:8] == ["--horizon", "8 h", "--futures", "5", "--at-min", "60.0"]
    assert client.get(href.replace("forecasts", "runs")).status_code == 404
    report = client.get(f"{href}/report")
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert client.get(f"{href}/log").text.startswith("in $DERMTWIN_HOME/runs/forecast-")
    for horizon in ("soon", "0 h"):
        refused = client.post("/v1/forecasts", json=body | {"horizon": horizon})
        assert refused.status_code == 422


def test_bundled_scenarios_are_listed_and_read(tmp_path: Path) -> None:
    client = client_of(desk_at(tmp_path, script=FAKE))
    found = {one["name"]: one for one in client.get("/v1/scenarios").json()["scenarios"]}
    assert found["call-centre"]["question"].startswith("What share")
    # It says nothing of its own about what it is; the one that it extends does.
    assert all(one["about"] and one["problem"] is None for one in found.values())
    assert not {"stress-constant", "find-the-knee"} & set(found), "no job of a server"
    one = client.get("/v1/scenarios/more-arrivals").json()
    assert one["extends"] == "baseline-week.yaml"
    assert one["text"].startswith("# What if 30 % more")
    for name in ("nothing", "..%2fREADME", "data", "%2e%2e"):
        assert client.get(f"/v1/scenarios/{name}").status_code == 404


def test_what_waits_is_started_without_being_asked(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, script=FAKE, at_once=1)
    client = client_of(desk)
    for _ in range(2):
        start(client)

    async def tended() -> None:
        tending = asyncio.create_task(desk.tend())
        deadline_s = time.monotonic() + 60
        while any(job.state is not State.DONE for job in desk.jobs.all()):
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.05)
        tending.cancel()

    asyncio.run(tended())


@pytest.mark.slow
def test_a_real_run_is_killed_found_again_and_carries_on(
    tmp_path: Path,
) -> None:
    from services.jobs.posted import Checker

    desk = desk_at(tmp_path, checker=Checker)
    client = client_of(desk)
    bad = client.post("/v1/runs", json={"scenario": TINY + "staf: 1\nseed2: 3\n"})
    assert bad.status_code == 422
    errors = [(one["line"], one["key"], one["value"]) for one in bad.json()["errors"]]
    assert errors == [(11, "staf", "1"), (12, "seed2", "3")]

    # Long enough to be killed in the middle of it.
    long = TINY.replace("replications: 3", "replications: 30")
    href = start(client, long.replace("2 h", "200 h"), overrides=["staff.agent=3"])
    folder = tmp_path / "runs" / href.rsplit("/", 1)[1]
    kept = folder / "replications"
    seen = await_view(desk, client, href, lambda _: kept.is_dir() and any(kept.iterdir()))
    assert seen["progress"]["stage"] == "replications"
    started = read_json(folder / "job" / "started.json")
    assert started is not None
    os.killpg(int(started["pid"]), signal.SIGKILL)

    desk = desk_at(tmp_path, checker=Checker)  # restarted
    client = client_of(desk)
    assert await_end(desk, client, href)["state"] == "interrupted"
    done_before = len(list(kept.glob("000-*")))
    assert 0 < done_before < 30
    etag = client.get(href).headers["etag"]
    assert client.post(f"{href}/resume", headers={"If-Match": etag}).status_code == 202
    view = await_end(desk, client, href)
    log = client.get(f"{href}/log").text
    assert (view["state"], view["gates"], view["attempt"]) == ("done", "pass", 2), log
    assert view["summary"]["checks_hold"]
    page = client.get(f"{href}/report")
    assert "plotly" in page.text
    assert client.get(f"{href}/summary").json()["points"][0]["replications"] == 30
