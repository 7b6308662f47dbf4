"""A twin that is up, all of it real: a clinic streams in, parts are killed, and nothing is lost."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from PIL import Image
from playwright.sync_api import expect, sync_playwright
from tiny_model import tiny_model

from services.artefacts import ArtefactStore
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.topics import MIRRORED
from services.mirror.records import record_of
from services.mirror.redis_mirror import RedisMirror
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued
from twin.state import Record, fingerprint, fold

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DERMTWIN = str(Path(sys.executable).parent / "dermtwin")
FIRST = Path("scenarios/first-clinic.yaml").resolve()
PATIENTS = 40
CASE_EVENTS = (CaseArrived, VerdictIssued, CaseRejected, CaseClosed)


class Up:
    """A twin that is up."""

    def __init__(self, home: Path) -> None:
        foreign = ("KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "RAY_ADDRESS", "DERMTWIN_DATA")
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        self.environment = {**kept, "DERMTWIN_HOME": str(home)}
        self.process = subprocess.Popen(
            [DERMTWIN, "up", "--json", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, "it ended"
            text += line
        self.note: dict[str, str] = json.loads(text)
        self.api = self.note["api"]

    def dermtwin(self, *words: str) -> dict[str, Any]:
        ran = subprocess.run(
            [DERMTWIN, *words, "--json"],
            capture_output=True,
            text=True,
            timeout=240,
            env=self.environment,
            check=False,
        )
        assert ran.returncode in (0, 4), ran.stderr
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def get(self, path: str, status: int = 200) -> dict[str, Any]:
        answer = requests.get(self.api + path, timeout=60)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def kill(self, part: str) -> None:
        """End a part without warning, and wait until there is another one."""
        first = self._process_of(part)
        assert first is not None
        first.kill()
        deadline_s = time.monotonic() + 90
        while self._process_of(part, besides=first.pid) is None:
            assert time.monotonic() < deadline_s, f"{part} did not come back"
            time.sleep(0.1)

    def _process_of(self, part: str, besides: int = 0) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words, name = child.cmdline(), child.name()
            except psutil.Error:
                continue
            ours = "--with-parent" in words and part in words
            redis = part == "redis" and name.startswith("valkey")
            if (ours or redis) and child.pid != besides:
                return child
        return None

    def until(self, true: Any, what: str) -> None:
        deadline_s = time.monotonic() + 90
        while True:
            try:
                if true(requests.get(f"{self.api}/v1/twin", timeout=5).json()):
                    return
            except requests.RequestException:
                pass
            assert time.monotonic() < deadline_s, what
            time.sleep(0.1)

    def submit(self, number: int) -> None:
        """Send a case in as a client should: again with its key while it is told to."""
        buffer = io.BytesIO()
        Image.new("RGB", (224, 224), (90 + number, 60, 50)).save(buffer, "PNG")
        status, deadline_s = 503, time.monotonic() + 60
        while status == 503:
            assert time.monotonic() < deadline_s
            answer = requests.post(
                f"{self.api}/v1/cases?wait_s=30",
                files={"image": buffer.getvalue()},
                headers={"Idempotency-Key": f"case-{number}"},
                timeout=60,
            )
            status = answer.status_code
            time.sleep(0.2)
        assert status in (201, 202), answer.text
        case_id = answer.json()["case_id"]  # a worker that comes back takes a while
        while self.get(f"/v1/cases/{case_id}")["stage"] == "arrived":
            assert time.monotonic() < deadline_s + 60
            time.sleep(0.2)

    def records(self) -> list[Record]:
        """Read the whole log from the broker."""
        kafka, prefix = self.note["kafka"], self.note["prefix"]
        reader = KafkaSubscriber(kafka, prefix, MIRRORED, f"test-{time.monotonic_ns()}")
        found: list[Record] = []
        while sum(reader.lag().values()) > 0:
            found += [record_of(message) for message in reader.poll(1000, 0.5)]
        reader.close()
        return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    home = tmp_path_factory.mktemp("home")
    ArtefactStore(home).save(tiny_model())
    one = Up(home)
    yield one
    below = psutil.Process(one.process.pid).children(recursive=True)
    one.process.send_signal(signal.SIGTERM)
    one.process.communicate(timeout=60)
    assert one.process.returncode == 0
    _, alive = psutil.wait_procs(below, 20)
    assert not alive  # neither servers, nor mirror, API, Ray and what they started


class Follower(threading.Thread):
    """Reads the event stream, and goes on from the last id whenever it is cut."""

    def __init__(self, api: str) -> None:
        super().__init__(daemon=True)
        self.api = api
        self.got: list[dict[str, Any]] = []
        self.lost: list[str] = []
        self.connections = 0
        self.stop = threading.Event()

    def run(self) -> None:
        last_id = "start"
        while not self.stop.is_set():
            headers = {"Last-Event-ID": last_id} if last_id != "start" else {}
            try:
                with requests.get(
                    f"{self.api}/v1/events?since=start", headers=headers, stream=True, timeout=5
                ) as answer:
                    answer.raise_for_status()
                    self.connections += 1
                    # One message at a time, its id first: a cut within one leaves the id before.
                    event: dict[str, str] = {}
                    for line in answer.iter_lines(chunk_size=1):
                        if self.stop.is_set():
                            return
                        name, _, value = line.decode().partition(": ")
                        if name:
                            event[name] = value
                            continue
                        last_id = event.get("id", last_id)
                        if event.get("event") == "change":
                            self.got.append(json.loads(event["data"]))
                        elif event.get("event") == "lost":
                            self.lost.append(event["data"])
                        event = {}
            except requests.RequestException:
                time.sleep(0.1)


def test_a_clinic_streams_into_it_and_the_page_shows_it(up: Up, tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    small.write_text(FIRST.read_text().replace("count: 200", f"count: {PATIENTS}"))
    model = tiny_model().model_id
    attached = up.dermtwin("run", str(small), "--attach", "--speed", "max")
    alone = up.dermtwin("run", str(small), "--route", "inprocess", "--model", model)
    assert attached["digest"] == alone["digest"]
    up.until(lambda twin: twin["counts"]["closed"] == PATIENTS, "not all cases were folded")
    twin = up.get("/v1/twin")
    assert twin["counts"]["verdicts"] == PATIENTS
    assert [run["state"] for run in twin["attached"]] == ["done"]
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine: the page was not looked at")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        faults: list[str] = []
        page.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(up.api)
        expect(page.locator("#summary")).to_contain_text(str(PATIENTS), timeout=30_000)
        expect(page.locator("#case-list img").first).to_be_visible(timeout=30_000)
        browser.close()
    assert not faults


def test_a_case_that_is_sent_in_gets_its_verdict_and_its_map(up: Up) -> None:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((224, 224)).convert("RGB").save(buffer, "PNG")
    files = {"image": ("lesion.png", buffer.getvalue(), "image/png")}
    key = {"Idempotency-Key": "visit-1"}
    answers = [
        requests.post(
            f"{up.api}/v1/cases?wait_s=30", files=files, data={"age": "54"}, headers=key, timeout=60
        )
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    case_id = answers[0].json()["case_id"]
    case = up.get(f"/v1/cases/{case_id}")
    assert 0 < case["verdict"]["p_malignant"] < 1
    assert sum(one["weight"] is not None for one in case["verdict"]["learners"]) == 6
    deadline_s = time.monotonic() + 120
    while True:
        path = f"{up.api}/v1/cases/{case_id}/explanations/grad-cam/map.png"
        answer = requests.get(path, timeout=90)
        if answer.status_code != 202:
            break
        assert time.monotonic() < deadline_s
        time.sleep(1)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/png"


def test_whatever_is_killed_the_state_is_right_again_and_streams_lose_nothing(up: Up) -> None:
    follower = Follower(up.api)
    follower.start()
    for number, part in enumerate(("mirror", "api", "redis", "worker")):
        up.until(lambda twin: twin["state"] == "live", "it is not live")
        up.kill(part)
        up.until(lambda twin: twin["state"] == "live", f"not live after {part} came back")
        up.submit(number)
    records = up.records()
    expected = Counter(
        (type(one.event).__name__, one.event.case_id)
        for one in records
        if isinstance(one.event, CASE_EVENTS)
    )
    wanted = sum(expected.values())
    deadline_s = time.monotonic() + 60
    while sum(one["kind"] == "case" for one in follower.got) < wanted:
        assert time.monotonic() < deadline_s, "the stream did not bring all"
        time.sleep(0.1)
    follower.stop.set()
    found = Counter(
        (one["schema"].partition("/")[0], one["id"])
        for one in follower.got
        if one["kind"] == "case"
    )
    assert found == expected  # nothing missed, nothing twice
    assert not follower.lost
    assert follower.connections >= 2
    restarts = {one["name"]: one["restarts"] for one in up.get("/v1/components")["components"]}
    assert restarts["mirror"] == restarts["api"] == restarts["redis"] == restarts["worker"] == 1
    mirror = RedisMirror(up.note["redis"], up.note["prefix"])
    assert fingerprint(mirror.read_back()) == fingerprint(fold(up.records()))
    mirror.close()
