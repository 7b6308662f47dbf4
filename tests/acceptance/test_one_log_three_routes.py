"""The same scenario and seed give the same log by every route, with every batch size."""

import json
from pathlib import Path

import pytest
from tiny_model import tiny_model

from services.artefacts import ArtefactStore
from services.bus.codec import read_log
from services.config import Settings
from services.runs import RunOrder, run_scenario
from twin.log import digest

pytestmark = pytest.mark.slow

SCENARIO = Path("scenarios/first-clinic.yaml").read_text().replace("count: 200", "count: 30")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    ArtefactStore(home).save(tiny_model())
    return Settings(home=home)


def run(settings: Settings, route: str, batch: int) -> dict:
    order = RunOrder(
        text=SCENARIO,
        source="first-clinic.yaml",
        route=route,
        batch=batch,
        model=tiny_model().model_id,
        out=None,
    )
    return run_scenario(order, settings, lambda stage, done, total: None)


@pytest.fixture(scope="module")
def reference(settings: Settings) -> dict:
    return run(settings, "inprocess", 64)


@pytest.mark.parametrize("batch", [1, 7, 64])
@pytest.mark.parametrize("route", ["inprocess", "ray", "kafka"])
def test_one_digest(route: str, batch: int, settings: Settings, reference: dict) -> None:
    summary = run(settings, route, batch)
    assert summary["digest"] == reference["digest"]
    assert (summary["cases"], summary["verdicts"], summary["rejected"]) == (30, 30, 0)
    assert summary["degraded"] == []
    if route == "kafka":
        assert summary["mirror"]["equal"]
        assert summary["mirror"]["verdicts"] == 30
        assert summary["mirror"]["duplicates"] == summary["mirror"]["conflicts"] == 0


def test_the_run_folder_holds_the_log_whose_digest_is_told(reference: dict) -> None:
    folder = Path(reference["run_dir"])
    with (folder / "events.jsonl").open("rb") as lines:
        assert digest(read_log(lines)) == reference["digest"]
    assert json.loads((folder / "summary.json").read_text()) == reference
    assert len((folder / "patients.csv").read_text().splitlines()) == 31
    assert (folder / "scenario.yaml").read_text().startswith("name: first-clinic")
