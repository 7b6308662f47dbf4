"""`dermtwin stress` on a twin in this process: what is run, judged, written and told."""

import csv
import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_twin import FakeTwin
from typer.testing import CliRunner, Result

import services.cli
from services.background import Background
from services.bus.port import Publisher, Subscriber
from services.bus.topics import MIRRORED
from services.faults.audit import Audit, audit_of
from services.mirror.loop import Mirror
from services.mirror.memory_mirror import MemoryMirror
from services.stress import running

BASE = """
name: stress-fake
question: Does it bear it?
seed: 2
clock: real
"""
LEVELS = """
classes:
  - {id: urgent, share: 20 %, priority: 0}
  - {id: routine, share: 80 %, priority: 1}
"""


@dataclass
class FakeDeployment:
    """A twin that is up, as far as a stress run asks."""

    twin: FakeTwin
    kafka: str = "memory"
    redis: str = "memory"
    prefix: str = "fake"
    model_id: str = "fake"
    broker: None = None
    store: None = None
    latest: Mapping[str, Any] = field(default_factory=dict)
    attendants: Any = field(default_factory=lambda: SimpleNamespace(children=[]))
    look: Callable[[], None] = lambda: None

    def check(self) -> None:
        self.look()

    def await_serving(self) -> None:
        pass

    def await_ready(self) -> None:
        pass

    def pid_of(self, name: str) -> int | None:
        return None

    def publisher(self) -> Publisher:
        return self.twin.bus.publisher()

    def subscriber(self, *topics: str) -> Subscriber:
        return self.twin.bus.subscriber(topics, "reader")


@dataclass
class Stage:
    """Runs the command on a fake twin."""

    folder: Path
    twin: FakeTwin
    looks: Callable[[], None] = lambda: None

    @contextmanager
    def deployment(self, *_: object, **__: object) -> Iterator[FakeDeployment]:
        self.mirror = MemoryMirror()
        whole = self.twin.bus.subscriber(MIRRORED, "mirror")
        loops = [
            Background("fake-twin", self.twin.serve),
            Background("fake-mirror", Mirror(whole, self.mirror).run),
        ]
        try:
            yield FakeDeployment(self.twin, look=self.look)
        finally:
            for loop in loops:
                loop.stop()

    def look(self) -> None:
        self.looks()

    def audit(self, _kafka: str, _redis: str, _prefix: str, sent: set[str], **more: Any) -> Audit:
        log = self.twin.bus.subscriber((*MIRRORED, "dead-letters"), "audit")
        return audit_of(log, self.mirror, sent, **{**more, "settle_s": 2.0})

    def run(self, text: str, *options: str) -> Result:
        scenario = self.folder / "fake.yaml"
        scenario.write_text(BASE + text, encoding="utf-8")
        words = ["stress", str(scenario), "--out", str(self.folder / "out"), *options]
        return CliRunner().invoke(services.cli.app, words)

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "out" / "summary.json").read_text())
        return found


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    found = Stage(tmp_path, FakeTwin(service_s=0.002))
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("services.cli.claim_standard_output", lambda: None)
    monkeypatch.setattr(running, "deployment", found.deployment)
    monkeypatch.setattr("services.faults.audit.audit", found.audit)
    model = SimpleNamespace(model_id="fake")
    monkeypatch.setattr("services.learning.model_for", lambda *_: model)
    before = signal.getsignal(signal.SIGTERM)
    yield found
    signal.signal(signal.SIGTERM, before)


def test_a_constant_load_is_told_with_all_its_files(stage: Stage) -> None:
    ran = stage.run(
        """
stress: {profile: {constant: {rate_per_s: 5, for: 30 s}}, warmup: 0.5 s}
gates: ["latency.p99_ms < 1000", "throughput_per_s > 1"]
""",
        *("--rate", "40", "--for", "2 s", "--seed", "9", "--json"),
    )
    assert ran.exit_code == 0, ran.output
    summary = stage.summary()
    assert json.loads(ran.stdout) == summary
    assert summary["seed"] == 9
    assert summary["cases"]["sent"] == 80 + 65
    assert summary["metrics"]["offered_per_s"] == pytest.approx(40, rel=0.1)
    assert summary["metrics"]["verdicts.lost"] == 0
    assert {row["text"] for row in summary["gate_results"]} >= {
        "latency.p99_ms < 1000",
        "verdicts.lost == 0",
        "verdicts.doubled == 0",
        "labels.twice == 0",
        "mirror.equal == 1",
    }
    out = stage.folder / "out"
    with (out / "stress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["offered"]) for row in rows) == 80
    lines = gzip.decompress((out / "latencies.csv.gz").read_bytes()).decode().splitlines()
    assert lines[0] == "number,level,due_s,sent_s,answered_s,what"
    assert len(lines) == 1 + 145
    assert lines[-1].endswith(",rejected")  # the fake twin scores nothing
    assert "rate_per_s: 40" in (out / "scenario.yaml").read_text()
    text = (out / "report.html").read_text()
    assert "Does it bear it?" in text
    assert "145 cases that were sent are answered once" in text
    # Every image is another one.
    recipes = {event.image for event in stage.twin.seen}
    assert len(recipes) == 145


def test_a_gate_that_fails_and_one_without_a_figure_have_their_codes(stage: Stage) -> None:
    load = "stress: {profile: {constant: {rate_per_s: 30, for: 1 s}}}\n"
    ran = stage.run(load + 'gates: ["latency.p50_ms < 0.01"]')
    assert ran.exit_code == 3, ran.output
    assert "latency.p50_ms < 0.01" in ran.output
    stage.twin = FakeTwin(service_s=0.002)
    words = load + 'gates: ["latency.worst_minute_ratio < 2"]'
    ran = stage.run(words, "--out", str(stage.folder / "other"))
    assert ran.exit_code == 4, ran.output


def test_a_lost_case_fails_every_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.stress.profiles.DRAIN_S", 0.5)
    monkeypatch.setattr(running, "SETTLE_S", 0.5)
    stage.twin.ignored = 70
    ran = stage.run("stress: {profile: {constant: {rate_per_s: 30, for: 1 s}}}\n")
    assert ran.exit_code == 3, ran.output
    summary = stage.summary()
    assert summary["metrics"]["verdicts.lost"] == 1
    assert summary["metrics"]["latency.max_ms"] is None
    assert "latency.max_ms" in summary["unbounded"]
    assert "sent and never answered" in " ".join(summary["degraded"])


def test_the_knee_of_a_twin_is_searched_and_drawn(stage: Stage) -> None:
    stage.twin.service_s = 1 / 120
    ran = stage.run(
        """
stress:
  profile: {knee: {from_per_s: 40, to_per_s: 400, hold: 1 s, precision: 40 %}}
  objective: {p99: 0.3 s}
gates: ["knee.rate_per_s > 30"]
"""
    )
    assert ran.exit_code == 0, ran.output
    summary = stage.summary()
    steps = summary["knee"]["steps"]
    assert steps[0]["rate_per_s"] == 40
    assert 80 in [one["rate_per_s"] for one in steps]
    assert summary["knee"]["rate_per_s"] < 240
    assert not all(one["keeps_up"] for one in steps)
    assert summary["metrics"]["knee.rate_per_s"] == summary["knee"]["rate_per_s"]
    text = (stage.folder / "out" / "report.html").read_text()
    assert "Throughput against the load" in text
    assert "keeps up" in (stage.folder / "out" / "summary.md").read_text()
    assert (stage.folder / "out" / "steps.csv").read_text().count("\n") == 1 + len(steps)


def test_overload_is_shed_by_priority_and_told(stage: Stage) -> None:
    stage.twin.service_s = 1 / 80
    ran = stage.run(
        LEVELS
        + """
stress:
  profile: {spike: {base_per_s: 30, peak_per_s: 300, at: 0.5 s, last: 1 s, for: 2 s}}
  shed: {above: 0.3 s, keep: 50 %}
"""
    )
    # What was shed is told, and no case that was sent is lost.
    assert ran.exit_code == 0, ran.output
    summary = stage.summary()
    urgent, routine = summary["levels"]
    assert (urgent["level"], urgent["shed"]) == ("urgent", 0)
    assert routine["shed"] > 30
    assert summary["metrics"]["shed.count"] == routine["shed"] == summary["cases"]["shed"]
    assert summary["audit"]["sent"] == summary["cases"]["sent"]
    text = (stage.folder / "out" / "report.html").read_text()
    assert f"{routine['shed']:,} of {routine['offered']:,} routine" in text


def test_ctrl_c_ends_the_load_and_keeps_what_was_measured(stage: Stage) -> None:
    def interrupt() -> None:
        if len(stage.twin.seen) > 65 + 30:
            stage.looks = lambda: None
            os.kill(os.getpid(), signal.SIGINT)

    stage.looks = interrupt
    ran = stage.run("stress: {profile: {constant: {rate_per_s: 40, for: 60 s}}}\n")
    assert ran.exit_code == 130, ran.output
    summary = stage.summary()
    assert summary["interrupted"]
    assert 90 < summary["cases"]["sent"] < 65 + 200
    assert summary["audit"]["passed"]
    assert summary["load_s"] < 30
    assert "interrupted" in (stage.folder / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("clock_: real", (), "clock_"),
        (
            "arrivals: {rate_per_h: 6}\nhorizon: 1 h\npathway: [{id: ai, twin: score, then: end}]",
            (),
            "stress: is missing",
        ),
        (
            "stress: {profile: {ramp: {from_per_s: 1, to_per_s: 2, for: 2 s}}}",
            ("--rate", "5"),
            "--rate",
        ),
        (
            "stress: {profile: {knee: {from_per_s: 1, to_per_s: 2}}}",
            ("--for", "5 s"),
            "--for",
        ),
    ],
)
def test_what_is_no_load_is_refused(
    stage: Stage, text: str, options: tuple[str, ...], says: str
) -> None:
    ran = stage.run(text, *options)
    assert ran.exit_code == 1
    assert says in str(ran.exception)
