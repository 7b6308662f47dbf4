"""`dermtwin detectors` on a clinic of a few days, with a stack made up so that shifts are known."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress
from tiny_model import tiny_model

from services import banks, detectors
from services.artefacts import ArtefactStore
from services.commands.detectors import _levels, _names, _share
from services.config import Settings
from services.console import Bars
from services.detector_trials import DetectorOrder, Trials
from services.detectors import score_detectors
from services.experiments import nominal
from services.runs import resume
from twin.drift.label_free import LabelFree
from twin.errors import ScenarioError, SettingsError
from twin.images import ImageRef, SyntheticRef
from twin.meta import MetaStack, MetaWeights
from twin.ports import Answer, Opinion
from twin.reference import Reference

CLINIC = """\
name: watched
seed: 3
horizon: 6 d
replications: 2
cases: {source: synthetic, bank: 40, population: {prevalence: 25 %}}
arrivals: {rate_per_d: 100}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 5 min}}, queue: ai, then: end}
staff: {reader: 1}
drift: {every: 12 h, detectors: [adwin], window_cases: 100}
gates: [verdicts.lost == 0]
"""
META = MetaStack(
    learners=("svm", "knn"),
    penalty=0.1,
    stacks={("svm", "knn"): MetaWeights(intercept=0.0, weights={"svm": 1.0, "knn": 0.5})},
)


quiet = Bars(Progress(disable=True))


class FakeModel:
    """What banks ask of a model."""

    model_id = "m" * 12
    threshold = 0.5
    learners = ("svm", "knn")
    content = {"features": "made up"}  # noqa: RUF012  never changed

    def part(self, component: str) -> dict[str, bytes]:
        if component == "reference":
            malignant = np.arange(80) % 2 == 0
            draws = np.random.default_rng(1)
            log_odds = draws.normal(np.where(malignant, 1.0, -1.0)[:, None], 1.0, (80, 2))
            sketch = draws.normal(size=(80, 2))
            kept = Reference(log_odds=log_odds, malignant=malignant, sketch=sketch)
            return {"reference.npz": kept.to_bytes()}
        return {"meta.json": META.to_bytes()} if component == "meta" else {component: b"weights"}


class FakeStacks:
    """A stack whose inputs move by a standard deviation with each severity of defocus."""

    def __init__(self) -> None:
        self.asked: list[ImageRef] = []
        self.opened = 0

    def open(self, model: object, data: object) -> tuple[Any, Callable[[], None]]:
        self.opened += 1
        return self.score, lambda: None

    def score(self, images: Sequence[ImageRef]) -> list[Answer]:
        self.asked += images
        return [self.answer(image) for image in images]

    def answer(self, image: ImageRef) -> Answer:
        assert isinstance(image, SyntheticRef)
        taken = image.acquisition
        moved = 0 if taken is None else taken.severity.get("defocus", 0)
        said = {"svm": 3 * image.recipe.melanin - 1, "knn": image.recipe.radius - 0.4}
        seen = (round(image.recipe.redness + moved, 4), round(image.recipe.melanin, 4))
        return Opinion(p_malignant=0.1, log_odds=said, missing=(), sketch=seen)


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> FakeStacks:
    fake = FakeStacks()
    # Estimates take most of a run's time, and have tests of their own.
    monkeypatch.setattr(LabelFree, "estimate", lambda *_: ())
    monkeypatch.setattr(detectors, "QUIET", 2)
    monkeypatch.setattr(banks, "open_stack", fake.open)
    monkeypatch.setattr(detectors, "model_for", lambda *_: FakeModel())
    return fake


def order(text: str = CLINIC, **more: Any) -> DetectorOrder:
    told: dict[str, Any] = {"shifts": ("defocus", "noise"), "severities": (5,), "workers": 1}
    return DetectorOrder(text=text, source="clinic.yaml", **(told | more))


def of_row(result: dict[str, Any], shift: str, level: float) -> dict[str, Any]:
    rows = [
        one
        for one in result["rows"]
        if (one["shift"], one["level"]) == (shift, level)
        and (one["detector"], one["family"]) == ("any", "any")
    ]
    assert len(rows) == 1
    return rows[0]


def test_what_moves_inputs_is_seen_and_what_does_not_is_not(
    tmp_path: Path, stacks: FakeStacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, threads=2)
    result = score_detectors(order(out=tmp_path / "out"), settings, quiet)
    assert (len(stacks.asked), stacks.opened) == (40 * 3, 1), "each image once in each way"
    strong = of_row(result, "defocus", 5)
    assert strong["detected"] == 2
    assert 0 < strong["delay_days"][1] < 2
    assert 0 < strong["delay_cases"][1] < 200
    # Nobody can tell this noise from none: it is seen as often as without any shift.
    by_chance = result["without"][0]["by_chance"]
    assert by_chance["runs"] == 4, "more runs without a shift: false alarms are rare"
    assert of_row(result, "noise", 5)["detected"] <= by_chance["detected"]
    assert result["without"][0]["watched_days"] == 2 * 12
    assert of_row(result, "prevalence", 0.5)["runs"] == 2, "odds of 1 to 3, times 3"
    assert json.loads((tmp_path / "out" / "detectors.json").read_text()) == result
    assert "delay to the first alarm" in (tmp_path / "out" / "detectors.html").read_text()

    # Interrupted, it is carried on where it was, and finds the same.
    done = nominal.do
    calls = iter(range(100))

    def until_four(piece: Any) -> Any:
        if next(calls) == 4:
            raise KeyboardInterrupt
        return done(piece)

    monkeypatch.setattr(nominal, "do", until_four)
    with pytest.raises(KeyboardInterrupt):
        score_detectors(order(out=tmp_path / "broken"), settings, quiet)
    again = resume(tmp_path / "broken", None, settings, quiet)
    told = ("rows", "without", "estimates")
    assert [again[name] for name in told] == [result[name] for name in told]
    assert len(stacks.asked) == 120, "nothing was scored again"


def test_trials_differ_in_the_shift_alone() -> None:
    trials = Trials(order(replications=3, prevalence=(0.4,), severities=(1, 5)))
    assert trials.onset_min == 3 * 1440, "half the horizon"
    plain, *shifted = trials.point(), *trials.shifted(0.25)
    assert [tuple(one.label.values()) for one in shifted] == [
        ("prevalence", 0.4),
        ("defocus", 1),
        ("defocus", 5),
        ("noise", 1),
        ("noise", 5),
    ]
    for one in shifted:
        assert one.scenario.shifts[0].at_min == trials.onset_min
        assert one.scenario.model_copy(update={"shifts": ()}) == plain.scenario
    assert plain.scenario.replications.min == plain.scenario.replications.max == 3
    own = CLINIC + "shifts: [{at: 2 d, image: {hair: 2}}]\n"
    assert Trials(order(own)).onset_min == 2 * 1440
    assert Trials(order(own)).point().scenario.shifts == ()
    assert Trials(order(own, at="5 d")).onset_min == 5 * 1440
    with pytest.raises(SettingsError, match="--shifts='none': nothing shifts then"):
        Trials(order(shifts=())).shifted(1.0)


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("--shifts='fog': there are marker_ink, hair", {"shifts": ("fog",)}),
        ("--severities=6: expected 1 to 5", {"severities": (6,)}),
        ("--prevalence=1.0: expected a share", {"prevalence": (1.0,)}),
        ("--at='9 d': is not within the horizon, 6 d", {"at": "9 d"}),
        ("--at='soon': 'soon' is no duration", {"at": "soon"}),
    ],
)
def test_an_option_that_is_not_valid_is_named(said: str, more: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        Trials(order(**more))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("drift", re.sub(r"drift: .*\n", "", CLINIC)),
        ("cases.bank", CLINIC.replace("bank: 40, ", "")),
        ("sweep", CLINIC + "sweep: {staff.reader: [1, 2]}\n"),
    ],
)
def test_a_scenario_without_what_is_needed_is_refused(key: str, text: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        Trials(order(text))


def test_options_are_read_as_people_write_them() -> None:
    assert _names("hair, jpeg,hair") == ("hair", "jpeg")
    assert _names("none") == ()
    assert _levels("1..3") == (1, 2, 3)
    assert _levels("5,1") == (5, 1)
    assert (_share("40%"), _share("0.4")) == (0.4, 0.4)
    with pytest.raises(SettingsError, match="--severities='strong'"):
        _levels("strong")
    with pytest.raises(SettingsError, match="--prevalence='many'"):
        _share("many")


@pytest.mark.slow
def test_the_command_prints_one_object(tmp_path: Path) -> None:
    model = ArtefactStore(tmp_path).save(tiny_model())
    file = tmp_path / "clinic.yaml"
    file.write_text(CLINIC)

    def dermtwin(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.cli", "detectors", str(file), *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "DERMTWIN_HOME": str(tmp_path)},
        )

    short = ("--set", "horizon=4 d", "--replications", "1", "--workers", "1")
    ran = dermtwin(
        *short, "--shifts", "defocus", "--severities", "5", "--model", model.name, "--json"
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert {one["shift"] for one in result["rows"]} == {"prevalence", "defocus"}
    assert "replications" in ran.stderr
    unknown = dermtwin("--shifts", "fog")
    assert unknown.returncode == 2
    assert "--shifts='fog': there are marker_ink, hair" in unknown.stderr
