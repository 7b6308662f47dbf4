"""Runs from a bank: scored once, resumed where it was left, and with one digest however it is run.

The stack is made up here, so that calls can be counted; the last test holds a real one against it.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress
from tiny_model import tiny_model, tiny_parts

from actors.local import LocalStack
from services import banks, learning
from services.artefacts import ArtefactStore
from services.config import Settings
from services.console import Bars
from services.experiments import nominal
from services.experiments.plan import Point
from services.experiments.work import do
from services.runs import RunOrder, compare_scenarios, resume, run_scenario
from simulator.cases.bank import AS_THEY_COME
from simulator.cases.bank_entries import entries_of
from simulator.language.scenario import load
from twin.errors import DataError, DependencyError, ScenarioError, SettingsError
from twin.images import ImageRef, SyntheticRef
from twin.meta import MetaStack, MetaWeights
from twin.ports import Answer, Opinion, Unscorable
from twin.reference import Reference

CLINIC = """\
name: banked
seed: 3
horizon: 3 d
replications: 3
cases: {source: synthetic, bank: 70, population: {prevalence: 20 %}}
arrivals: {rate_per_h: 8}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 5 min}}, queue: ai, then: end}
staff: {reader: 1}
"""
LOOP = """\
feedback: {delay: {exponential: {mean: 6 h}}, verified: {discharged: 30 %}}
restack: {every: 1 d}
faults: [{at: 1 d, for: 6 h, component: knn}]
"""
META = MetaStack(
    learners=("svm", "knn"),
    penalty=0.1,
    stacks={
        ("svm", "knn"): MetaWeights(intercept=0.0, weights={"svm": 1.0, "knn": 0.5}),
        ("svm",): MetaWeights(intercept=0.0, weights={"svm": 1.0}),
        ("knn",): MetaWeights(intercept=0.0, weights={"knn": 1.0}),
    },
)


quiet = Bars(Progress(disable=True))


def reference() -> Reference:
    """Training images whose learners agree, more or less."""
    malignant = np.arange(80) % 2 == 0
    log_odds = np.random.default_rng(1).normal(
        np.where(malignant, 1.0, -1.0)[:, None], 1.0, (80, 2)
    )
    return Reference(log_odds=log_odds, malignant=malignant, sketch=np.zeros((80, 2)))


class FakeModel:
    """What banks ask of a model."""

    model_id = "m" * 12
    threshold = 0.5
    learners = ("svm", "knn")
    content = {"features": "made up"}  # noqa: RUF012  never changed

    def part(self, component: str) -> dict[str, bytes]:
        if component == "reference":
            return {"reference.npz": reference().to_bytes()}
        return {"meta.json": META.to_bytes()} if component == "meta" else {component: b"weights"}


@dataclass
class FakeStacks:
    """Opens stacks that read their scores off the recipe, and counts what they are asked."""

    asked: list[ImageRef] = field(default_factory=list)
    opened: int = 0
    stop_after: int | None = None  # images
    unscorable: Callable[[ImageRef], bool] = lambda ref: False

    def open(self, model: object, data: object) -> tuple[Any, Callable[[], None]]:
        self.opened += 1
        return self.score, lambda: None

    def score(self, images: Sequence[ImageRef]) -> list[Answer]:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += images
        return [self.answer(image) for image in images]

    def answer(self, image: ImageRef) -> Answer:
        assert isinstance(image, SyntheticRef)
        if self.unscorable(image):
            return Unscorable(reason=f"image synthetic:{image.recipe.seed}: truncated")
        said = {"svm": 3 * image.recipe.melanin - 1, "knn": image.recipe.radius - 0.4}
        seen = (round(image.recipe.redness, 4), round(image.recipe.melanin, 4))
        return Opinion(p_malignant=0.123, log_odds=said, missing=(), sketch=seen)


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> FakeStacks:
    fake = FakeStacks()
    monkeypatch.setattr(banks, "open_stack", fake.open)
    monkeypatch.setattr(learning, "model_for", lambda *_: FakeModel())
    monkeypatch.setattr(ArtefactStore, "load", lambda *_: FakeModel())
    return fake


def run(home: Path, text: str = CLINIC, **more: Any) -> dict[str, Any]:
    order = RunOrder(text=text, source="clinic.yaml", workers=more.pop("workers", 1), **more)
    return run_scenario(order, Settings(home=home, threads=2), quiet)


def rows_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def test_a_second_run_asks_the_stack_nothing(tmp_path: Path, stacks: FakeStacks) -> None:
    first = run(tmp_path)
    assert (first["bank"]["scored_now"], first["bank"]["cached"]) == (70, 0)
    assert len(stacks.asked) == 70
    again = run(tmp_path)
    assert (again["bank"]["scored_now"], again["bank"]["cached"]) == (0, 70)
    assert (len(stacks.asked), stacks.opened) == (70, 1), "no stack was even opened"
    assert again["digest"] == first["digest"]
    larger = run(tmp_path, overrides=("cases.bank=100",))
    assert (larger["bank"]["scored_now"], larger["bank"]["cached"]) == (30, 70)


def test_the_summary_says_what_the_bank_is(tmp_path: Path, stacks: FakeStacks) -> None:
    summary = run(tmp_path)
    bank = summary["bank"]
    assert (bank["size"], bank["lesions"], bank["malignant"]) == (70, 70, 35)
    assert sum(bank["by_diagnosis"].values()) == 70
    tones = bank["lesions_by_group"]["skin_tone"]
    assert tones["V-VI"] == {"malignant": 11, "benign": 11}, "35 in turns of three groups"
    assert sum(one["malignant"] for one in bank["lesions_by_group"]["age_band"].values()) == 35
    assert bank["model_id"] == summary["model_id"] == "m" * 12
    assert summary["route"] is None
    for name in ("auc", "sensitivity", "specificity"):
        assert bank[name]["low"] <= bank[name]["value"] <= bank[name]["high"]
    assert 0 < bank["effective_size"]["malignant"] <= 35
    few = [warning for warning in bank["warnings"] if "fewer than 35" in warning]
    assert len(few) == 2, "35 lesions of each truth, less by their weights"
    assert "more patients do not make the bank surer" in bank["words"]
    [point] = summary["points"]
    assert point["metrics"]["verdicts.count"]["value"] == summary["cases"] / 3
    sensitivity = point["metrics"]["ai.sensitivity"]
    assert sensitivity["low"] <= bank["sensitivity"]["value"] <= sensitivity["high"]


def test_groups_that_stand_on_few_lesions_say_so(tmp_path: Path, stacks: FakeStacks) -> None:
    summary = run(tmp_path, overrides=("horizon=30 d",))
    metrics = summary["points"][0]["metrics"]
    lesions = summary["bank"]["lesions_by_group"]
    few = [value for value, of in lesions["site"].items() if 0 < of["malignant"] < 10]
    assert few
    held = [metrics[f"ai.sensitivity{{site={value}}}"] for value in few]
    assert any(one["cases"] >= 10 for one in held), "patients enough, but of few lesions"
    assert all(one["value"] is one["low"] is None for one in held)
    assert any("malignant lesions of the bank; 10 are needed" in one["reason"] for one in held)
    assert metrics["ai.sensitivity{skin_tone=V-VI}"]["value"] is not None, "eleven lesions"
    assert metrics[f"prevalence{{site={few[0]}}}"]["value"] is not None


def test_probabilities_are_those_of_the_meta_learner(tmp_path: Path, stacks: FakeStacks) -> None:
    folder = Path(run(tmp_path)["run_dir"])
    rows = rows_of(folder / "bank.csv")
    entries = entries_of(load(CLINIC, "clinic.yaml"))
    assert len(rows) == len(entries) == 70
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(1)
    for row, entry in zip(rows, entries, strict=True):
        answer = stacks.answer(entry.image)
        assert isinstance(answer, Opinion)
        weights = META.stacks["svm", "knn"]
        assert float(row["p_malignant"]) == weights.p_malignant(answer.log_odds)
        assert row["malignant"] == str(int(entry.malignant))
    patients = rows_of(folder / "patients.csv")
    for patient in patients:
        row = rows[int(patient["bank_entry"])]
        assert patient["p_malignant"] == row["p_malignant"]
        assert patient["malignant"] == row["malignant"]


def test_another_meta_learner_needs_no_image_scored_again(
    tmp_path: Path, stacks: FakeStacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path)

    class Refitted(FakeModel):
        model_id = "n" * 12
        threshold = 0.4

    monkeypatch.setattr(learning, "model_for", lambda *_: Refitted())
    second = run(tmp_path)
    assert len(stacks.asked) == 70
    assert second["digest"] != first["digest"], "another operating point"


def test_scoring_goes_on_where_it_was_interrupted(tmp_path: Path, stacks: FakeStacks) -> None:
    whole = run(tmp_path / "whole")
    stacks.asked.clear()
    stacks.stop_after = 64  # two batches
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "home", out=out)
    assert not list((out / "replications").iterdir())
    stacks.stop_after = None
    carried_on = resume(out, None, Settings(home=tmp_path / "home", threads=2), quiet)
    assert len(stacks.asked) == len(set(map(repr, stacks.asked))) == 70, "each image once"
    assert carried_on["digest"] == whole["digest"]
    assert carried_on["points"] == whole["points"]


def test_replications_go_on_where_they_were_interrupted(
    tmp_path: Path, stacks: FakeStacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path)
    begun = 0

    def interrupted(piece: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun == 3:
            raise KeyboardInterrupt
        return do(piece)

    monkeypatch.setattr(nominal, "do", interrupted)
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, out=out)
    monkeypatch.setattr(nominal, "do", do)
    assert resume(out, None, Settings(home=tmp_path), quiet)["digest"] == whole["digest"]


def test_a_run_is_not_carried_on_with_another_bank(tmp_path: Path, stacks: FakeStacks) -> None:
    out = tmp_path / "run"
    run(tmp_path / "one", out=out)
    stacks.unscorable = lambda ref: True
    with pytest.raises(DataError, match=r"bank\.csv: the run was begun with another bank"):
        resume(out, None, Settings(home=tmp_path / "two"), quiet)


@pytest.mark.slow
def test_two_cores_give_the_digests_of_one(tmp_path: Path, stacks: FakeStacks) -> None:
    """Without a loop and with one, on the same patients."""
    looped = CLINIC.replace("name: banked", "name: looped") + LOOP

    def compared(workers: int) -> dict[str, Any]:
        order = RunOrder(text="", source="", workers=workers)
        settings = Settings(home=tmp_path, threads=2)
        return compare_scenarios([(CLINIC, "a"), (looped, "b")], order, settings, quiet)

    one, two = compared(1), compared(2)
    assert two["points"] == one["points"]
    assert two["digest"] == one["digest"]
    assert len({point["digest"] for point in one["points"]}) == 2


def test_images_that_cannot_be_scored_are_told(tmp_path: Path, stacks: FakeStacks) -> None:
    [first, *_] = entries_of(load(CLINIC, "clinic.yaml"))
    stacks.unscorable = lambda ref: ref == first.image
    summary = run(tmp_path)
    seed = first.image.recipe.seed
    assert summary["degraded"] == [f"bank: not scored: image synthetic:{seed}: truncated"]
    assert summary["bank"]["unscorable"] == 1
    assert summary["rejected"] > 0
    again = run(tmp_path)
    assert again["bank"]["scored_now"] == 1, "it is tried again"
    assert again["digest"] == summary["digest"]
    stacks.unscorable = lambda ref: True
    everybody = run(tmp_path / "none")
    assert len(everybody["degraded"]) == 21
    assert everybody["degraded"][-1].endswith("50 more images, see bank.csv")
    assert everybody["bank"]["auc"] == {"value": None, "low": None, "high": None}


def test_a_stratum_that_is_not_there_is_told_before_anything_is_scored(
    tmp_path: Path, stacks: FakeStacks
) -> None:
    shift = "shifts=[{id: hands, at: 1 d, population: {site: {wing: 1 %, back: 99 %}}}]"
    with pytest.raises(ScenarioError, match=r"shifts\.hands\.population\.site: 0.01 of .*'wing'"):
        run(tmp_path, overrides=(shift,))
    assert stacks.opened == 0


def test_images_are_scored_in_each_way_they_are_taken(tmp_path: Path, stacks: FakeStacks) -> None:
    blur = "shifts=[{id: blur, at: 1 d, image: {defocus: 3}}]"
    summary = run(tmp_path, overrides=(blur,))
    assert summary["bank"]["ways_taken"] == [{}, {"defocus": 3}]
    assert summary["bank"]["scored_now"] == 140
    taken = [one.acquisition for one in stacks.asked]
    assert [one is None for one in taken].count(True) == 70
    assert {repr(one.severity) for one in taken if one is not None} == {"{'defocus': 3}"}


def test_what_comes_back_is_answered_from_base_scores(tmp_path: Path, stacks: FakeStacks) -> None:
    once = ("replications=1",)
    bare = run(tmp_path, overrides=once)
    summary = run(tmp_path, CLINIC + LOOP, overrides=once)
    assert len(stacks.asked) == 70, "no image is scored again"
    folder = Path(summary["run_dir"])
    patients, before = (
        sorted(rows_of(Path(one["run_dir"]) / "patients.csv"), key=lambda row: int(row["patient"]))
        for one in (summary, bare)
    )
    for name in ("arrival_min", "bank_entry", "age", "malignant"):
        assert [row[name] for row in patients] == [row[name] for row in before], name
    lines = (folder / "events.jsonl").read_bytes()
    assert {row["missing"] for row in patients} == {"", "knn"}
    assert {row["way"] for row in patients} == {"", "biopsied", "sampled"}
    kept = json.loads((folder / "replications" / "000-00000.json").read_text())
    assert kept["digest"] == hashlib.sha256(lines).hexdigest()
    entry = stacks.answer(entries_of(load(CLINIC, "clinic.yaml"))[0].image)
    assert isinstance(entry, Opinion)
    [first, *_] = rows_of(folder / "bank.csv")
    assert float(first["log_odds.svm"]) == entry.log_odds["svm"]
    assert float(first["input.1"]) == entry.sketch[1]
    assert "log_odds.svm" not in rows_of(Path(bare["run_dir"]) / "bank.csv")[0]


def test_points_share_a_bank_and_differ_where_they_must(tmp_path: Path, stacks: FakeStacks) -> None:
    sweep = "sweep={staff.reader.count: [1, 2]}"
    summary = run(tmp_path, overrides=(sweep,))
    assert len(stacks.asked) == 70
    assert summary["bank"]["others"] == []
    [base, other] = summary["points"]
    assert base["metrics"]["ai.sensitivity"] == other["metrics"]["ai.sensitivity"]
    sizes = run(tmp_path, overrides=("sweep={cases.bank: [70, 90]}",))
    [other] = sizes["bank"]["others"]
    assert (other["size"], other["label"]) == (90, {"cases.bank": 90})


def test_a_bank_is_not_compared_with_a_twin_in_the_loop(tmp_path: Path, stacks: FakeStacks) -> None:
    plain = CLINIC.replace("bank: 70, ", "").replace("name: banked", "name: plain")
    order = RunOrder(text="", source="", workers=1)
    with pytest.raises(SettingsError, match="some ask the twin during the run and others do not"):
        compare_scenarios([(CLINIC, "a"), (plain, "b")], order, Settings(home=tmp_path), quiet)


def test_scores_that_cannot_be_kept_are_a_dependency_at_fault(
    tmp_path: Path, stacks: FakeStacks
) -> None:
    (tmp_path / "scores").write_text("a file where the folder should be")
    with pytest.raises(DependencyError, match="remembered scores"):
        run(tmp_path)


@pytest.mark.slow
def test_a_bank_says_what_the_twin_in_the_loop_would_say(tmp_path: Path) -> None:
    directory = ArtefactStore(tmp_path).save(tiny_model())
    text = CLINIC.replace("bank: 70", "bank: 40")
    scenario = load(text, "clinic.yaml")
    model = ArtefactStore(tmp_path).load(str(directory))
    settings = Settings(home=tmp_path, threads=2)
    built = banks.Banks(settings, lambda _: model, quiet).of(Point({}, scenario))
    stack = LocalStack(tiny_parts(), None)
    answers = stack.submit([entry.image for entry in built.entries]).collect()
    stack.close()
    scores = built.bank.scores[AS_THEY_COME]
    assert [one.p_malignant for one in answers if isinstance(one, Opinion)] == list(
        scores.p_malignant
    )
    assert scores.learners == tiny_model().learners
    assert np.isfinite(scores.log_odds).all()
    assert [one.sketch for one in answers if isinstance(one, Opinion)] == [
        tuple(row) for row in scores.sketch.tolist()
    ]
    assert json.dumps(dict(built.facts))
