"""Every scenario of scenarios/ that needs no images runs, holds its self-checks, and its gates."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from services.config import read_settings
from services.console import Bars
from services.runs import RunOrder, compare_scenarios, run_scenario
from simulator.language.scenario import load
from simulator.language.schema import Scenario
from simulator.report import units

FOLDER = Path("scenarios")
DOCS = Path("docs")
FILES = ("scenario.yaml", "summary.json", "summary.md", "report.html", "patients.csv", "visits.csv")
# So few that all of them together take a minute: gates may be in doubt then, but not fail.
FEW = ("replications=3",)
NO_BARS = Bars(Progress(disable=True))
# What theory says of these, under the name that the report gives it.
SOLVABLE = {
    "ai-triage-exact": "M/M/1, 2 priorities with interruption",
    "call-centre": "M/M/10+M",
    "finite-waiting-room": "M/M/2/6",
}


@lru_cache
def loaded(name: str, *overrides: str) -> Scenario:
    file = FOLDER / f"{name}.yaml"
    return load(file.read_text(encoding="utf-8"), str(file), overrides)


ALL = sorted(file.stem for file in FOLDER.glob("*.yaml"))
LOADS = {name for name in ALL if loaded(name).stress is not None}  # of dermtwin stress
BANKED = {name for name in ALL if loaded(name).bank is not None}  # see test_banked_scenarios.py
NOMINAL = [name for name in ALL if not loaded(name).asks_twin and name not in BANKED]


def order(name: str, *, out: Path) -> RunOrder:
    file = FOLDER / f"{name}.yaml"
    text = file.read_text(encoding="utf-8")
    return RunOrder(text=text, source=str(file), overrides=FEW, workers=1, out=out)


Ran = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return the summary of a scenario's run with few replications; each is run once."""
    home = tmp_path_factory.mktemp("home")
    settings = read_settings({"DERMTWIN_HOME": str(home)})

    @lru_cache
    def run(name: str) -> dict[str, Any]:
        return run_scenario(order(name, out=home / name), settings, NO_BARS)

    return run


def figure(point: dict[str, Any], name: str) -> float:
    return float(point["metrics"][name]["value"])


def test_there_is_one_for_each_question() -> None:
    assert set(ALL) - set(NOMINAL) - BANKED - LOADS == {"first-clinic", "isic-clinic"}
    assert len(NOMINAL) >= 14
    assert len(LOADS) == 11
    for name in ALL:
        command = "stress" if name in LOADS else "run"
        header = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").split("\n\n")[0]
        assert f"dermtwin {command} scenarios/{name}.yaml" in header, "how to run it"
        assert loaded(name).name == name
    assert all(loaded(name).question.endswith("?") for name in {*NOMINAL, *BANKED, *LOADS})
    assert all(loaded(name).gates for name in {*NOMINAL, *BANKED, *LOADS})


@pytest.mark.slow
@pytest.mark.parametrize("name", NOMINAL)
def test_a_scenario_runs_to_the_end(name: str, ran: Ran) -> None:
    summary = ran(name)
    assert summary["checks_hold"], [p["checks"] for p in summary["points"]]
    failing = [g for p in summary["points"] for g in p["gates"] if g["verdict"] == "fail"]
    assert failing == []
    assert summary["cases"] > 0
    folder = Path(summary["run_dir"])
    below = "points/000-" if len(summary["points"]) > 1 else ""
    for file in FILES:
        there = folder / (f"{below}{file}" if file.endswith(".csv") else file)
        assert there.stat().st_size > 0, there
    assert json.loads((folder / "summary.json").read_text())["digest"] == summary["digest"]
    again = load((folder / "scenario.yaml").read_text(), "scenario.yaml")
    assert again == loaded(name, *FEW), "what was run is kept, with all defaults"
    exact = summary["points"][0]["exact"]
    assert exact["model"] == SOLVABLE.get(name), exact["why_not"]
    assert [row["metric"] for row in exact["rows"] if row["holds"] is False] == []
    assert bool(exact["rows"]) == (name in SOLVABLE)


@pytest.mark.slow
def test_the_sweeps_answer_their_questions(ran: Ran) -> None:
    fifo, flag, ai = ran("ai-list-against-fifo")["points"]
    first = "wait.read.mean{flagged=yes}"
    assert figure(flag, first) < 0.5 * figure(fifo, first)
    assert figure(ai, first) == figure(flag, first), "one operating point: the same order"
    waits, interrupts = ran("preemption")["points"]
    assert figure(interrupts, first) < 0.5 * figure(waits, first)
    points = ran("threshold-sweep")["points"]
    misses = [figure(point, "missed_malignant.count") for point in points]
    biopsies = [figure(point, "biopsies.count") for point in points]
    assert misses == sorted(misses, reverse=True), "a lower threshold misses no more"
    assert biopsies == sorted(biopsies), "and refers no fewer"
    assert misses[0] > misses[-1]
    assert biopsies[0] < biopsies[-1]
    never, half, always = ran("second-reader")["points"]
    missed = "missed_malignant.count"
    assert figure(never, missed) > figure(half, missed) > figure(always, missed)
    assert "second-reading" in str(never["label"])
    assert math.isclose(figure(never, "visits.second-reading.count"), 0)


@pytest.mark.slow
def test_the_same_patients_come_in_what_is_compared(tmp_path: Path) -> None:
    names = ("baseline-week", "reader-on-leave")
    texts = [((FOLDER / f"{n}.yaml").read_text(), str(FOLDER / f"{n}.yaml")) for n in names]
    settings = read_settings({"DERMTWIN_HOME": str(tmp_path)})
    asked = order("baseline-week", out=tmp_path / "run")
    summary = compare_scenarios(texts, asked, settings, NO_BARS)
    [difference] = summary["differences"]
    assert difference["patients.arrived"]["mean"] == 0
    assert difference["wait.read.mean"]["low"] > -60
    assert difference["wait.read.mean"]["mean"] > 60, "minutes: two days with one reader"


def test_whole_scenarios_in_the_guides_are_sound() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "guides.md").read_text(), re.DOTALL)
    whole = [block for block in blocks if block.startswith("name:")]
    assert len(whole) == 4
    for block in whole:
        load(block, "guides.md")


def test_every_file_that_the_documents_name_is_there() -> None:
    for page in ("tutorial.md", "guides.md"):
        text = (DOCS / page).read_text()
        named = set(re.findall(r"scenarios/[\w-]+\.yaml", text))
        assert [name for name in named if not Path(name).is_file()] == []
        links = re.findall(r"\]\(([\w-]+\.md)\)", text)
        assert [link for link in links if not (DOCS / link).is_file()] == []


@pytest.mark.slow
def test_the_tutorial_shows_the_run_that_everybody_gets(tmp_path: Path) -> None:
    """Its digest, figures and number of replications are those of the baseline week."""
    asked = replace(order("baseline-week", out=tmp_path / "run"), overrides=())
    settings = read_settings({"DERMTWIN_HOME": str(tmp_path)})
    summary = run_scenario(asked, settings, NO_BARS)
    text = (DOCS / "tutorial.md").read_text()
    assert f"digest        {summary['digest']}" in text
    [point] = summary["points"]
    assert f"replications  {point['replications']}" in text
    for name in ("wait.read.mean", "wait.read.p95", "sensitivity", "biopsies.per_malignant"):
        answer = point["metrics"][name]
        row = rf"{name} +{units.value(name, answer['value'])} +{units.interval(name, answer)}"
        assert re.search(row, text), row
    assert summary["gates"] == "pass"
