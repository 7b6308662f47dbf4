"""The status API of a twin that is up, while a scenario streams 20 cases a second into it.

- status reads, 200 a second for a minute, in an open loop: p99 at most 25 ms, none failed;
- 200 event streams at once, beside those reads: no gap in any of them;
- API, mirror and Redis killed (SIGKILL) in mid-run: what is shown says so within 2 s, and is right
  again within 5 s of the return of what was killed.

All of it, the clients included, shares this machine's cores.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

READS = (
    *("/v1/twin", "/v1/components", "/v1/cases?limit=20", "/v1/twin", "/v1/series"),
    *("/v1/stacks", "/health/ready", "/v1/twin", "/v1/performance", "/v1/components/stem"),
)
RATE_PER_S, SECONDS, STREAMS, STREAM_S = 200, 60, 200, 30
SCENARIO = """
name: twenty-a-second
question: Does the status stay fast and true?
seed: 1
horizon: 300 min
warmup: 0 d
replications: 1
cases: {source: synthetic, population: {prevalence: 20 %}}
arrivals: {rate_per_h: 1200}
pathway:
  - {id: imaging, delay: {constant: 3 min}, then: ai}
  - {id: ai, twin: score, then: read}
  - {id: read, staff: dermatologist, service: {exponential: {mean: 1 min}}, then: end}
staff: {dermatologist: 30}
"""
SPEED = "60"  # simulated minutes per wall minute: 1,200 patients an hour are 20 a second


def measure(dermtwin: list[str]) -> dict[str, Any]:
    """Bring a twin up, load it, and kill its parts."""
    result: dict[str, Any] = {}
    with _up(dermtwin) as up, _attached(dermtwin):
        base, port = up["api"], up["api"].rpartition(":")[2]
        deadline_s = time.monotonic() + 60
        while _twin(base)["counts"]["verdicts"] < 100:
            if time.monotonic() > deadline_s:
                sys.exit("the scenario does not stream")
            time.sleep(0.5)
        before = _twin(base)
        began_s = time.monotonic()
        alone = _load("requests", port, SECONDS, RATE_PER_S, *READS)
        rate = (_twin(base)["counts"]["verdicts"] - before["counts"]["verdicts"]) / (
            time.monotonic() - began_s
        )
        streams = _start("streams", port, STREAM_S, STREAMS)
        beside = _load("requests", port, STREAM_S - 5, RATE_PER_S, *READS)
        told = json.loads(streams.communicate()[0])
        for part in ("mirror", "api", "redis"):
            result |= _killed(base, up, part)
    result |= {f"reads_{name}": value for name, value in alone.items()}
    result |= {f"reads_beside_streams_{name}": value for name, value in beside.items()}
    result |= told | {"verdicts_per_s": round(rate, 1)}
    result["gate"] = "p99 <= 25 ms, none failed, no gaps, told <= 2 s, right <= 5 s"
    result["pass"] = (
        alone["p99_ms"] <= 25
        and alone["failed"] == beside["failed"] == 0
        and told["gaps"] == told["told_of_loss"] == len(told["ended"]) == 0
        and told["changes_each"][0] > 0
        and all(result[f"{part}_told_s"] <= 2 for part in ("mirror", "api", "redis"))
        and all(result[f"{part}_right_s"] <= 5 for part in ("mirror", "api", "redis"))
    )
    return result


@contextmanager
def _up(dermtwin: list[str]) -> Iterator[dict[str, str]]:
    process = subprocess.Popen(
        [*dermtwin, "up", "--json", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                sys.exit("dermtwin up ended at once")
            text += line
        yield json.loads(text) | {"pid": process.pid}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def _attached(dermtwin: list[str]) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "twenty-a-second.yaml"
        file.write_text(SCENARIO)
        process = subprocess.Popen(
            [*dermtwin, "run", str(file), "--attach", "--speed", SPEED, "--out", f"{folder}/run"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)


def _start(what: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.http_load", what, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _load(what: str, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_start(what, *arguments).communicate()[0])
    return found


def _twin(base: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{base}/v1/twin", timeout=1).json()
    return found


def _killed(base: str, up: dict[str, Any], part: str) -> dict[str, float]:
    """Kill a part; return when that was told, and how long after its return all was right."""
    victim = _process_of(up["pid"], part)
    was = _twin(base)
    killed_s = time.monotonic()
    victim.kill()
    told_s = back_s = right_s = 0.0
    while not right_s:
        now_s = time.monotonic() - killed_s
        if now_s > 60:
            sys.exit(f"{part} did not come back")
        try:
            state = _twin(base)
        except requests.RequestException:  # whoever asks is told by getting no answer
            state = {"state": "no answer"}
        if state["state"] != "live":
            told_s = told_s or now_s
        if not back_s and _process_of(up["pid"], part, besides=victim.pid) is not None:
            back_s = now_s
        if told_s and state["state"] == "live":
            right_s = time.monotonic() - killed_s
            if state["counts"]["cases"] < was["counts"]["cases"]:
                sys.exit(f"{part}: the state went back")
        time.sleep(0.02)
    return {
        f"{part}_told_s": round(told_s, 2),
        f"{part}_back_s": round(back_s, 2),
        f"{part}_right_s": round(right_s - back_s, 2),
    }


def _process_of(pid: int, part: str, besides: int = 0) -> Any:
    for child in psutil.Process(pid).children(recursive=True):
        try:
            words = child.cmdline()
        except psutil.Error:
            continue
        ours = "--with-parent" in words and words[words.index("--with-parent") - 1] == part
        redis = part == "redis" and bool(words) and "valkey-server" in Path(words[0]).name
        if (ours or redis) and child.pid != besides:
            return child
    return None
