"""A load on a twin that is all real, with faults, from the command line to the report."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_model import tiny_model

from services.artefacts import ArtefactStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DERMTWIN = str(Path(sys.executable).parent / "dermtwin")
SCENARIO = """
name: stress-small
question: Does a mirror that is killed cost a verdict?
seed: 5
clock: real
classes:
  - {id: urgent, share: 25 %, priority: 0}
  - {id: routine, share: 75 %, priority: 1}
stress:
  profile: {constant: {rate_per_s: 6, for: 8 s}}
  warmup: 2 s
  shed: {above: 60 s}
steady_state: ["lag.cases < 100"]
faults:
  - {at: 3 s, kill: mirror}
  - {at: 4 s, send: duplicates, count: 5}
gates: ["verdicts.rejected == 0", "shed.count == 0"]
"""


def test_a_load_with_faults_loses_nothing_and_is_reported(tmp_path: Path) -> None:
    model_id = ArtefactStore(tmp_path / "home").save(tiny_model()).name
    scenario, out = tmp_path / "small.yaml", tmp_path / "out"
    scenario.write_text(SCENARIO, encoding="utf-8")
    foreign = ("KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "RAY_ADDRESS", "DERMTWIN_DATA")
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    ran = subprocess.run(
        [DERMTWIN, "stress", str(scenario), "--model", model_id, "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        env={**kept, "DERMTWIN_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["gates"] == "pass"
    due = 48 + 65  # and those that the twin answered before the load
    assert summary["cases"]["due"] == summary["cases"]["answered"] == due
    audit = summary["audit"]
    assert audit["passed"]
    assert audit["sent"] == due
    assert audit["mirror_equal"]
    assert audit["repeats"] == 5  # the duplicates were answered again, alike
    assert [one["fault"] for one in summary["faults"]] == ["kill mirror", "send duplicates"]
    assert all(one["passed"] for one in summary["faults"])
    assert summary["restarts"] == {"mirror": 1}
    assert summary["metrics"]["latency.p99_ms"] > 0
    assert summary["metrics"]["memory_mb.max"] > 100
    assert {"worker", "mirror", "main", "kafka"} <= summary["memory"]["components"].keys()
    assert [one["level"] for one in summary["levels"]] == ["urgent", "routine"]
    with (out / "stress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["answered"]) for row in rows) == 48
    cases = gzip.decompress((out / "latencies.csv.gz").read_bytes()).decode().splitlines()
    assert len(cases) == 1 + due
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "kill mirror" in report
    assert "Latency over time" in report
    assert "mirror" in (out / "twin.jsonl").read_text()
    assert "stress-small" in (out / "summary.md").read_text()
