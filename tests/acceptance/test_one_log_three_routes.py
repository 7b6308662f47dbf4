"""The same scenario and seed give the same log by every route, with every batch size."""

import json
from pathlib import Path

import pytest
from rich.progress import Progress
from tiny_model import tiny_model

from services.artefacts import ArtefactStore
from services.bus.codec import read_log
from services.config import Settings
from services.console import Bars
from services.runs import RunOrder, run_scenario
from twin.events import StackPromoted, VerdictIssued
from twin.labels import DUPLICATE, UNKNOWN_CASE
from twin.log import digest
from twin.state import APART

pytestmark = pytest.mark.slow

SCENARIO = Path("scenarios/first-clinic.yaml").read_text().replace("count: 200", "count: 30")

# Labels come back of all; every picture is taken so badly that the stack has to change.
LOOP = """
name: small-loop
seed: 3
horizon: 3 h
warmup: 0 d
cases: {source: synthetic, population: {prevalence: 50 %}}
arrivals: {rate_per_h: 32}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: dermatologist, service: {constant: 1 min}, then: end}
staff: {dermatologist: 1}
shifts: [{at: 0 min, image: {colour_cast: 5, brightness: 5}}]
feedback:
  delay: {constant: 5 min}
  verified: {biopsied: 100 %, discharged: 100 %}
  duplicates: 10 %
  unknown: 10 %
restack: {every: 1 h, gate: "off"}
drift: {window_cases: 50}
faults: [{at: 30 min, for: 1 h, component: svm}]
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    ArtefactStore(home).save(tiny_model())
    return Settings(home=home)


def run(settings: Settings, route: str, batch: int, text: str = SCENARIO) -> dict:
    order = RunOrder(
        text=text,
        source="scenario.yaml",
        route=route,
        batch=batch,
        model=tiny_model().model_id,
        out=None,
    )
    return run_scenario(order, settings, Bars(Progress(disable=True)))


@pytest.fixture(scope="module")
def reference(settings: Settings) -> dict:
    return run(settings, "inprocess", 64)


@pytest.mark.parametrize(("route", "batch"), [("inprocess", 1), ("ray", 1), ("kafka", 1)])
def test_one_digest(route: str, batch: int, settings: Settings, reference: dict) -> None:
    summary = run(settings, route, batch)
    assert summary["digest"] == reference["digest"]
    assert (summary["cases"], summary["verdicts"], summary["rejected"]) == (30, 30, 0)
    assert summary["degraded"] == []
    if route == "kafka":
        assert summary["mirror"]["equal"]
        assert summary["mirror"]["verdicts"] == 30
        assert summary["mirror"]["duplicates"] == summary["mirror"]["conflicts"] == 0


@pytest.fixture(scope="module")
def loop_in_process(settings: Settings) -> dict:
    return run(settings, "inprocess", 7, LOOP)


@pytest.mark.parametrize(("route", "batch"), [("ray", 64), ("kafka", 64)])
def test_one_digest_where_the_stack_is_fitted_again(
    route: str, batch: int, settings: Settings, loop_in_process: dict
) -> None:
    summary = run(settings, route, batch, LOOP)
    assert summary["digest"] == loop_in_process["digest"]
    assert summary["degraded"] == []
    with (Path(summary["run_dir"]) / "events.jsonl").open("rb") as lines:
        events = list(read_log(lines))
    assert digest(events) == summary["digest"]
    promoted = [event.version for event in events if isinstance(event, StackPromoted)]
    verdicts = [event for event in events if isinstance(event, VerdictIssued)]
    assert promoted[:2] == [0, 1]
    assert {event.stack for event in verdicts} >= {0, 1}
    assert {event.missing for event in verdicts} == {(), ("svm",)}
    if route == "kafka":
        assert summary["mirror"]["equal"]
        assert summary["mirror"]["feedback"] > 50
        assert summary["mirror"]["epochs"] == 3
        assert summary["mirror"][f"{APART}{DUPLICATE}"] > 0
        assert summary["mirror"][f"{APART}{UNKNOWN_CASE}"] > 0
        assert summary["mirror"]["duplicates"] == summary["mirror"]["conflicts"] == 0


def test_the_run_folder_holds_the_log_whose_digest_is_told(reference: dict) -> None:
    folder = Path(reference["run_dir"])
    with (folder / "events.jsonl").open("rb") as lines:
        assert digest(read_log(lines)) == reference["digest"]
    assert json.loads((folder / "summary.json").read_text()) == reference
    assert len((folder / "patients.csv").read_text().splitlines()) == 31
    assert (folder / "scenario.yaml").read_text().startswith("name: first-clinic")
