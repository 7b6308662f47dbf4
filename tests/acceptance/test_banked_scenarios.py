"""The scenarios whose patients are drawn from a bank, with a small bank or on real images."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress
from tiny_model import tiny_model

from services.artefacts import ArtefactStore
from services.commands.run_tables import run_table
from services.config import Settings
from services.console import Bars
from services.runs import RunOrder, run_scenario

FOLDER = Path("scenarios")
FILES = ("scenario.yaml", "summary.json", "report.html", "patients.csv", "visits.csv", "bank.csv")
NO_BARS = Bars(Progress(disable=True))
DATA = os.environ.get("DERMTWIN_DATA")


def run(name: str, settings: Settings, *overrides: str, model: str | None = None) -> dict[str, Any]:
    file = FOLDER / f"{name}.yaml"
    order = RunOrder(
        text=file.read_text(encoding="utf-8"),
        source=str(file),
        overrides=overrides,
        workers=1,
        model=model,
    )
    return run_scenario(order, settings, NO_BARS)


def holds(summary: dict[str, Any]) -> dict[str, Any]:
    assert summary["checks_hold"], summary["points"][0]["checks"]
    assert summary["degraded"] == []
    assert all((Path(summary["run_dir"]) / name).stat().st_size > 0 for name in FILES)
    assert run_table(summary) is not None
    [point] = summary["points"]
    return point["metrics"]


@pytest.mark.slow
def test_many_patients_out_of_a_small_bank(tmp_path: Path) -> None:
    model = str(ArtefactStore(tmp_path).save(tiny_model()))
    settings = Settings(home=tmp_path, threads=2)
    small = ("cases.bank=200", "cases.count=20000")
    metrics = holds(run("million-patients", settings, *small, model=model))
    of_patients = 20_000
    share = metrics["prevalence"]["value"]
    assert abs(share - 0.08) < 4 * math.sqrt(0.08 * 0.92 / of_patients)
    again = run("million-patients", settings, *small, "staff.dermatologist=2", model=model)
    bank, now = again["bank"], again["bank"]["scored_now"]
    assert (now, bank["cached"], bank["size"]) == (0, 200, 200)
    ours = again["points"][0]["metrics"]["ai.sensitivity"]["value"]
    assert ours == metrics["ai.sensitivity"]["value"], "the same patients, the same verdicts"
    n = share * of_patients
    value = bank["sensitivity"]["value"]
    assert abs(ours - value) < 4 * math.sqrt(value * (1 - value) / n)


@pytest.mark.slow
def test_learners_fail_out_of_a_small_bank(tmp_path: Path) -> None:
    """The other scenarios of the loop are only validated here: they differ in their YAML alone."""
    model = str(ArtefactStore(tmp_path).save(tiny_model()))
    few = ("cases.bank=60", "replications=2", "horizon=17 d", "restack.every=8 d")
    summary = run("learner-outage", Settings(home=tmp_path, threads=2), *few, model=model)
    metrics = holds(summary)
    [point] = summary["points"]
    rows = {tuple(row["missing"]): row for row in point["loop"]["outages"]["rows"]}
    assert set(rows) == {("svm",), ("catboost", "xgboost", "svm")}
    for row in rows.values():
        assert row["patients"] > 100
        assert row["paired"]["sensitivity"]["mean"] is not None
        assert row["out_of_fold"]["sensitivity"]["mean"] is not None
    assert (metrics["verdicts.rejected"]["value"], metrics["verdicts.lost"]["value"]) == (0, 0)
    assert point["loop"]["restacking"]["epochs"] == 4
    report = (Path(summary["run_dir"]) / "report.html").read_text()
    assert "Without catboost, xgboost and svm" in report


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not DATA, reason="DERMTWIN_DATA names no directory of real images")
def test_patients_out_of_real_images(home_of_real_images: Path) -> None:
    settings = Settings(home=home_of_real_images, data=Path(str(DATA)), threads=2)
    summary = run("isic-bank", settings, "replications=3")
    holds(summary)
    assert summary["gates"] == "pass"
    bank = summary["bank"]
    assert (bank["size"], bank["malignant"], bank["unscorable"]) == (660, 300, 0)
    assert bank["lesions"] < 660, "some lesions have several images"
    assert bank["auc"]["value"] >= 0.95
    assert bank["warnings"] == []
