"""Experiments without a twin: one digest on any number of cores, and after an interruption."""

import json
from pathlib import Path

import pandas as pd
import pytest
from rich.progress import Progress

from services.config import Settings
from services.console import Bars
from services.experiments import nominal
from services.experiments.store import Store
from services.experiments.work import Done, Piece, do
from services.runs import RunOrder, compare_scenarios, resume, run_scenario
from simulator.language.scenario import load
from twin.errors import DataError, ScenarioError, SettingsError

CLINIC = """\
name: clinic
seed: 3
horizon: 3 d
warmup: auto
replications: {min: 3, max: 12, precision: 0.2, of: [wait.read.mean]}
cases: {source: nominal, population: {prevalence: 0.2}, ai: {sensitivity: 0.9, specificity: 0.8}}
arrivals: {rate_per_h: 5}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 10 min}}, queue: ai, then: end}
staff: {reader: 1}
gates: [wait.read.mean < 3 d, verdicts.lost == 0]
"""


quiet = Bars(Progress(disable=True))


def run(home: Path, text: str = CLINIC, **more: object) -> dict:
    order = RunOrder(text=text, source="clinic.yaml", workers=more.pop("workers", 1), **more)
    return run_scenario(order, Settings(home=home), quiet)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return run(tmp_path_factory.mktemp("home"))


def test_the_folder_holds_what_the_summary_says(done: dict) -> None:
    folder = Path(done["run_dir"])
    assert json.loads((folder / "summary.json").read_text()) == done
    scenario = load((folder / "scenario.yaml").read_text(), "scenario.yaml")
    assert scenario == load(CLINIC, "clinic.yaml")
    assert (folder / "report.html").read_text().lstrip().lower().startswith("<!doctype html")
    assert "wait.read.mean" in (folder / "summary.md").read_text()
    kept = Store.open(folder).kept(0)
    assert sorted(kept) == list(range(done["points"][0]["replications"]))
    assert [kept[n].digest for n in sorted(kept)] == done["points"][0]["digests"]


def test_the_records_are_files_that_pandas_reads(done: dict) -> None:
    folder = Path(done["run_dir"])
    patients = pd.read_csv(folder / "patients.csv")
    visits = pd.read_csv(folder / "visits.csv")
    first = Store.open(folder).kept(0)[0]
    from_min = first.from_min
    counted = patients[(patients.arrival_min >= from_min) & (patients.arrival_min < first.to_min)]
    assert len(counted) == first.values["patients.arrived"]
    assert set(patients["class"]) == {"patient"}
    waits = visits[(visits.queued_min >= from_min) & (visits.queued_min < first.to_min)]
    assert waits.waited_min.mean() == pytest.approx(first.values["wait.read.mean"])
    assert set(visits.outcome) == {"done"}


def test_replications_go_on_until_the_precision_is_reached(done: dict) -> None:
    point = done["points"][0]
    assert point["precision"]["met"] or point["replications"] == 12
    assert 3 <= point["replications"] <= 12
    assert point["warmup"]["how"] == "MSER-5"
    assert point["warmup"]["pilots"] == 3
    assert [gate["verdict"] for gate in point["gates"]] == ["pass", "pass"]
    assert done["gates"] == "pass"
    assert done["checks_hold"]


@pytest.mark.slow
def test_two_cores_give_the_digest_of_one(done: dict, tmp_path: Path) -> None:
    spread = run(tmp_path, workers=2)
    assert spread["digest"] == done["digest"]
    assert spread["points"] == done["points"]


def test_an_interrupted_experiment_is_carried_on_to_the_same_end(
    done: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = 0

    def interrupted(piece: Piece) -> Done:
        nonlocal begun
        begun += piece.warmup_min is not None
        if begun == 3:
            raise KeyboardInterrupt
        return do(piece)

    monkeypatch.setattr(nominal, "do", interrupted)
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, out=out)
    assert len(list((out / "replications").iterdir())) == 2
    assert not (out / "summary.json").exists()
    counted: list[int] = []
    monkeypatch.setattr(nominal, "do", lambda piece: (counted.append(1), do(piece))[1])
    carried_on = resume(out, None, Settings(home=tmp_path), quiet)
    assert carried_on["digest"] == done["digest"]
    assert carried_on["points"] == done["points"]
    replications = carried_on["points"][0]["replications"]
    assert len(counted) == 3 + replications - 2  # the pilots, and what was missing


def test_a_damaged_replication_is_told_and_no_folder_is_no_run(done: dict, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no run folder"):
        resume(tmp_path, None, Settings(home=tmp_path), quiet)
    run(tmp_path, out=tmp_path / "run", overrides=("replications=1", "warmup=0 min"))
    file = tmp_path / "run" / "replications" / "000-00000.json"
    file.write_text("{")
    with pytest.raises(DataError, match=r"000-00000.json: is damaged"):
        resume(tmp_path / "run", None, Settings(home=tmp_path), quiet)


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("mine")
    with pytest.raises(SettingsError, match="not an empty directory"):
        run(tmp_path, out=tmp_path)


def test_a_sweep_runs_every_combination_on_the_same_patients(tmp_path: Path) -> None:
    summary = run(
        tmp_path,
        overrides=(
            "replications=2",
            "warmup=0 min",
            "gates=[]",
            "sweep={staff.reader.count: [1, 2], pathway.read.queue.order: [fifo, ai]}",
        ),
    )
    labels = [point["label"] for point in summary["points"]]
    assert labels == [
        {"staff.reader.count": count, "pathway.read.queue.order": order}
        for count in (1, 2)
        for order in ("fifo", "ai")
    ]
    waits = [point["metrics"]["wait.read.mean"]["value"] for point in summary["points"]]
    assert waits[2] < waits[0] / 2  # a second reader
    assert len({point["cases"] for point in summary["points"]}) == 1
    paired = summary["differences"][1]["wait.read.mean"]
    assert paired["mean"] == pytest.approx(waits[2] - waits[0])
    assert summary["digest"] not in {point["digest"] for point in summary["points"]}
    assert (Path(summary["run_dir"]) / "points" / "003.yaml").exists()


def test_a_comparison_pairs_the_same_patients(tmp_path: Path) -> None:
    other = CLINIC.replace("name: clinic", "name: two-readers").replace("reader: 1", "reader: 2")
    order = RunOrder(
        text="", source="", workers=1, overrides=("replications=4", "warmup=0 min", "gates=[]")
    )
    texts = [(CLINIC, "a.yaml"), (other, "b.yaml")]
    summary = compare_scenarios(texts, order, Settings(home=tmp_path), quiet)
    assert [point["label"]["scenario"] for point in summary["points"]] == ["clinic", "two-readers"]
    [difference] = summary["differences"]
    assert difference["wait.read.mean"]["high"] < 0
    assert difference["ai.sensitivity"]["mean"] == 0.0  # the same patients, the same verdicts
    with pytest.raises(SettingsError, match="different seeds"):
        compare_scenarios(
            [(CLINIC, "a.yaml"), (other.replace("seed: 3", "seed: 4"), "b.yaml")],
            order,
            Settings(home=tmp_path),
            quiet,
        )


def test_nothing_is_written_for_a_scenario_that_is_not_sound(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError):
        run(tmp_path, overrides=("arrivals.rate_per_h=50",))
    assert list(tmp_path.iterdir()) == []


def test_another_seed_is_another_digest(done: dict, tmp_path: Path) -> None:
    assert run(tmp_path, overrides=("seed=4",))["digest"] != done["digest"]
