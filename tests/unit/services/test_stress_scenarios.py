"""What commands say of a scenario that puts a load on a twin."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress
from typer.testing import CliRunner, Result

from services import console
from services.cli import app
from services.config import read_settings
from services.console import Bars
from services.jobs.checking import look_over
from services.runs import RunOrder, compare_scenarios, run_scenario
from twin.errors import ScenarioError

SPIKE = "scenarios/stress-spike.yaml"
WORKER = "scenarios/worker-dies.yaml"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command."""
    monkeypatch.setattr("services.cli.claim_standard_output", lambda: None)
    monkeypatch.setattr(console, "_results", None)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, list(words))


def facts(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_load_is_validated(told: Callable[..., Result]) -> None:
    found = facts(told("validate", SPIKE, "--json"))
    load = found["stress"]
    assert (load["profile"], load["from_per_s"], load["to_per_s"]) == ("spike", 20, 100)
    assert (load["length_s"], load["cases"]) == (60, 50 * 20 + 10 * 100)
    assert found["set_aside"] == ["arrivals", "pathway", "staff"]
    words = told("validate", SPIKE).stdout
    assert "spike: 20 to 100 cases/s, for 60 s, 2000 cases" in words
    assert "arrivals, pathway, staff: of the clinic" in words


def test_faults_classes_and_a_sweep_are_told(told: Callable[..., Result]) -> None:
    out = "faults=[{at: 9 s, for: 3 s, component: knn}, {at: 15 s, kill: worker}]"
    found = facts(told("validate", WORKER, "--set", out, "--json"))
    assert [(one["at_s"], one["for_s"], one["what"]) for one in found["faults"]] == [
        (9, 3, "without knn"),
        (15, None, "kill worker"),
    ]
    sheds = facts(told("validate", "scenarios/overload-sheds.yaml", "--json"))
    assert sheds["classes"]["routine"] == {"share": 0.9, "priority": 1}
    swept = told("validate", SPIKE, "--set", "sweep={stress.workers: [1, 2]}").stdout
    assert "2 points" in swept
    assert "steps of 20 s" in told("validate", "scenarios/find-the-knee.yaml").stdout


def test_commands_of_a_clinic_name_the_one_that_takes_it(
    told: Callable[..., Result], tmp_path: Path
) -> None:
    for words in (
        ("run", SPIKE, "--out", str(tmp_path / "run")),
        ("compare", SPIKE, WORKER, "--out", str(tmp_path / "run")),
        ("forecast", SPIKE, "--horizon", "8 h"),
        ("detectors", SPIKE),
    ):
        error = told(*words).exception
        assert isinstance(error, ScenarioError), words
        assert error.args[2] == "stress"
        assert f"dermtwin stress {SPIKE}" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_no_job_is_made_of_it(tmp_path: Path) -> None:
    order = RunOrder(text=Path(SPIKE).read_text(), source=SPIKE, out=tmp_path / "run")
    settings = read_settings({"DERMTWIN_HOME": str(tmp_path)})
    bars = Bars(Progress(disable=True))
    with pytest.raises(ScenarioError, match="dermtwin stress"):
        run_scenario(order, settings, bars)
    with pytest.raises(ScenarioError, match="dermtwin stress"):
        compare_scenarios([(order.text, SPIKE)], order, settings, bars)
    text = "name: x\nclock: real\nstress: {profile: {constant: {rate_per_s: 1, for: 9 s}}}\n"
    asked = {"text": text, "name": "x.yaml", "overrides": [], "bounds": {}, "use": {"kind": "run"}}
    [error] = look_over(asked)["errors"]
    assert (error["key"], "dermtwin stress" in error["message"]) == ("stress", True)
