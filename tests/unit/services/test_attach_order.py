"""What can be run on the twin that is up, with what said of it, and how fast."""

import json
import os
from pathlib import Path

import pytest
from attaching import CLINIC, LABELS, LOOP, LiveTwinInMemory, in_process, scenario
from rich.progress import Progress

from services.attach import running
from services.attach.fitting import fitted
from services.attach.loop_part import loop_digest, noted, same_loop, told_of_an_epoch
from services.attach.speed import speed_of
from services.attach.survey import Survey
from services.attach.up_twin import UpTwin
from services.config import Settings
from services.console import Bars
from services.live_log import LiveLog
from services.runs import RunOrder, run_scenario
from services.upfile import UpFile
from simulator.language.loop_plans import drift_plan, outages, restack_plan
from simulator.language.scenario import load
from twin.errors import DependencyError, ScenarioError, SettingsError
from twin.log import digest

NOTE = {
    "kafka": "k:1",
    "redis": "redis://r",
    "prefix": "p",
    "model_id": "m" * 12,
    "at_epochs": "nothing",
    "threshold": "0.5",
    "model_threshold": "0.5",
}
NOMINAL = {"source": "nominal", "ai": {"sensitivity": 0.9, "specificity": 0.8}}
SPEAKING = NOMINAL | {"population": {"prevalence": 0.08, "age": {"mean": 40, "sd": 9}}}


def twin(**more: str) -> UpTwin:
    return UpTwin(Settings(), NOTE | more)


def with_loop(asked, **more: str) -> UpTwin:
    return twin(loop_digest=loop_digest(asked), **more)


def test_nominal_patients_get_lesions_of_the_same_population() -> None:
    asked = scenario(cases=SPEAKING | {"count": 9}, replications=7)
    fit = fitted(asked, "x.yaml")
    assert fit.scenario.asks_twin
    assert fit.scenario.cases.population == asked.cases.population
    assert fit.scenario.cases.count == 9
    assert "rendered lesions of the same population" in fit.notes[0]
    assert "one replication instead of 7" in fit.notes[1]
    assert fit.scenario.replications.max == 1
    rest = {"cases", "replications"}
    assert fit.scenario.model_dump(exclude=rest) == asked.model_dump(exclude=rest)


@pytest.mark.parametrize("name", ["baseline-week", "reader-on-leave", "radiology-reading-room"])
def test_nominal_scenarios_of_the_project_can_be_attached(name: str) -> None:
    file = Path(f"scenarios/{name}.yaml")
    asked = load(file.read_text(), str(file))
    assert not asked.has_images
    assert fitted(asked, str(file)).scenario.asks_twin


def test_a_number_of_replications_that_somebody_sets_is_kept() -> None:
    asked = scenario(replications=3)
    assert fitted(asked, "x", ["replications=3"]).scenario.replications.max == 3
    assert fitted(asked, "x", ["replications.min=3"]).notes == ()
    assert fitted(scenario(), "x").notes == ()


def test_a_bank_of_lesions_is_left_out() -> None:
    cases = {"source": "synthetic", "bank": 300, "population": {"prevalence": 0.4}}
    fit = fitted(scenario(cases=cases), "x")
    assert fit.scenario.bank is None
    assert fit.scenario.cases.population.prevalence == 0.4
    assert "without cases.bank" in fit.notes[0]


def test_a_model_that_is_named_is_not_asked() -> None:
    assert "model abc is named" in fitted(scenario(model={"id": "abc"}), "x").notes[0]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"sweep": {"staff.reader.count": [1, 2]}}, "sweep"),
        (
            {"cases": {"source": "images", "bank": 100}, "model": {"learn_from": "images"}},
            "cases.bank",
        ),
    ],
)
def test_what_no_live_twin_can_answer_is_refused_by_name(more, key: str) -> None:
    with pytest.raises(ScenarioError, match=rf"^x\.yaml: {key}: .*--attach"):
        fitted(scenario(**more), "x.yaml")


@pytest.mark.parametrize(
    ("more", "key", "cure"),
    [
        (LOOP, "restack", "dermtwin up --scenario x.yaml"),
        ({"drift": {"every": "1 h"}}, "drift", "dermtwin up --scenario x.yaml"),
        ({"faults": [{"at": "1 h", "for": "1 h", "component": "svm"}]}, "faults", "leave --att"),
        ({"decision": {"threshold": 0.3}}, "decision.threshold", "threshold: model"),
    ],
)
def test_what_this_twin_does_not_do_is_refused_by_name(more, key: str, cure: str) -> None:
    with pytest.raises(ScenarioError, match=rf"^x\.yaml: {key}: .*{cure}"):
        twin().ensure_fits(scenario(**more), "x.yaml")


def test_a_twin_that_was_brought_up_for_the_scenario_fits() -> None:
    asked = scenario(**LOOP)
    assert with_loop(asked).ensure_fits(asked, "x") == ()
    # Whatever else the two files differ in: the clinic, the labels, the seed.
    other = scenario(**LOOP, seed=99, staff={"nurse": 2, "reader": 2})
    assert with_loop(other).ensure_fits(asked, "x") == ()
    for more in (
        {"restack": {"every": "2 h"}},
        {"drift": {}},
        {"faults": [{"at": "1 h", "for": "1 h", "component": "svm"}]},
    ):
        with pytest.raises(ScenarioError, match="does not do this"):
            with_loop(scenario(**LOOP | more)).ensure_fits(asked, "x")
    with pytest.raises(ScenarioError, match="replications"):
        with_loop(asked).ensure_fits(scenario(**LOOP, replications=2), "x")


def test_operating_points_must_be_the_same() -> None:
    at_03 = scenario(decision={"threshold": 0.3})
    assert twin(threshold="0.3").ensure_fits(at_03, "x") == ()
    assert twin(threshold="0.3").ensure_fits(scenario(), "x") == ()
    looped = scenario(**LOOP)
    with pytest.raises(ScenarioError, match=r"decision\.threshold: .* is 0\.3, not 0\.5"):
        with_loop(looped, threshold="0.3").ensure_fits(looped, "x")


def test_a_twin_that_may_change_its_stack_is_told_of() -> None:
    [note] = with_loop(scenario(**LOOP)).ensure_fits(scenario(), "x")
    assert "stack in force" in note


def test_labels_alone_ask_nothing_of_the_twin() -> None:
    assert twin().ensure_fits(scenario(feedback=LABELS), "x") == ()


def test_a_run_whose_stack_changes_needs_the_log_for_itself() -> None:
    used, fresh = Survey(0.0, False, {}), Survey(0.0, True, {})
    asked = scenario(**LOOP)
    with pytest.raises(ScenarioError, match=r"holds cases already.*up --scenario x"):
        twin().ensure_room(used, asked, "x")
    twin().ensure_room(fresh, asked, "x")
    twin().ensure_room(used, scenario(), "x")


def test_what_up_notes_is_what_a_run_asks_for() -> None:
    class Model:
        threshold = 0.5

    class Loop:
        threshold = 0.3

        def __init__(self, asked) -> None:
            self.restack, self.drift = restack_plan(asked), drift_plan(asked)
            self.outages = outages(asked)

    assert noted(Model(), None) == {"threshold": "0.5", "model_threshold": "0.5"}
    asked = scenario(**LOOP, drift={})
    note = noted(Model(), Loop(asked))
    assert (note["threshold"], note["model_threshold"]) == ("0.3", "0.5")
    assert same_loop(asked, note)
    assert not same_loop(scenario(**LOOP), note)
    assert loop_digest(scenario(feedback=LABELS)) is None
    assert len(told_of_an_epoch(asked)) == 2
    assert told_of_an_epoch(scenario()) == ()


def test_the_default_speed_lets_a_horizon_take_three_minutes() -> None:
    assert speed_of(None, scenario(horizon="7 d")) == 3360.0
    endless = {key: value for key, value in CLINIC.items() if key != "horizon"}
    counted = load(json.dumps(endless | {"cases": {"count": 70}}), "x.json")
    assert speed_of(None, counted) == pytest.approx(600 / 3)
    assert speed_of("90", scenario()) == 90.0
    assert speed_of("max", scenario()) is None


def test_a_real_clock_keeps_its_speed() -> None:
    real = scenario(clock="real", speed=25)
    assert speed_of(None, real) == 25.0
    assert speed_of("50", real) == 50.0
    with pytest.raises(SettingsError, match="real clock"):
        speed_of("max", real)


@pytest.mark.parametrize("given", ["fast", "0", "-3", "inf", "nan", ""])
def test_what_is_no_speed_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="simulated minutes per wall minute"):
        speed_of(given, scenario())


def test_no_twin_is_up_in_an_empty_home(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="dermtwin up"):
        UpTwin.find(Settings(home=tmp_path))


def test_a_twin_that_went_is_missed(tmp_path: Path) -> None:
    with UpFile(tmp_path).hold(NOTE):
        found = UpTwin.find(Settings(home=tmp_path))
        found.ensure_up()
    with pytest.raises(DependencyError, match=rf"ended: process {os.getpid()}"):
        found.ensure_up()


def test_a_note_that_is_just_taken_away_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(note: UpFile) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(UpFile, "read", read)
    with pytest.raises(DependencyError, match="ended"):
        UpTwin(Settings(home=tmp_path), NOTE | {"pid": "1"}).ensure_up()


def test_another_model_than_the_twins_is_refused() -> None:
    twin().ensure_model(None)
    twin().ensure_model("m" * 12)
    with pytest.raises(SettingsError, match="answers with mmmm"):
        twin().ensure_model("other")


@pytest.fixture
def live():
    twin = LiveTwinInMemory()
    yield twin
    twin.stop()


def run(live: LiveTwinInMemory, home: Path, monkeypatch: pytest.MonkeyPatch, text: str, **more):
    """`dermtwin run --attach`, with the bus and the page's store in memory."""
    log = LiveLog(
        prefix="p",
        loop=None,
        reader=lambda topics: live.bus.subscriber(topics, "reader"),
        publisher=live.bus.publisher(),
    )

    class Held:
        def __enter__(self) -> LiveLog:
            return log

        def __exit__(self, *_: object) -> None:
            pass

    class Kept:
        put = staticmethod(live.shelf.put)

        def __init__(self, url: str, prefix: str) -> None:
            assert (url, prefix) == ("redis://r", "p")

        def close(self) -> None:
            pass

    monkeypatch.setattr(running, "live_log", lambda settings: Held())
    monkeypatch.setattr(running, "RedisShelf", Kept)
    order = RunOrder(text=text, source="x.yaml", attach=True, speed="max", **more)
    with UpFile(home).hold(NOTE):
        return run_scenario(order, Settings(home=home), Bars(Progress(disable=True)))


def test_a_nominal_scenario_runs_on_the_twin_that_is_up(live, tmp_path, monkeypatch) -> None:
    text = scenario_text(cases=SPEAKING, replications=4)
    summary = run(live, tmp_path, monkeypatch, text)
    as_synthetic = scenario(cases={"source": "synthetic", "population": SPEAKING["population"]})
    folder = Path(summary["run_dir"])
    assert load((folder / "scenario.yaml").read_text(), "x") == as_synthetic
    assert summary["points"][0]["digests"] == [digest(in_process(as_synthetic))]
    assert summary["points"][0]["replications"] == 1
    assert (summary["route"], summary["batch"], summary["mirror"]) == ("attach", None, None)
    assert summary["model_id"] == NOTE["model_id"]
    [attached] = summary["attached"]
    assert (attached["offset_min"], attached["speed"]) == (0.0, None)
    assert attached["tag"].startswith("small-")
    assert len(summary["degraded"]) == 2
    assert (folder / "events.jsonl").read_text().count("small-") == 0
    assert live.shelf.notes[-1]["state"] == "done"
    page = (folder / "report.html").read_text()
    assert f"attached to the twin that was up, as {attached['tag']}" in page
    assert f"--route inprocess --model {NOTE['model_id']}" in page
    kept = json.loads((folder / "experiment.json").read_text())["order"]
    assert (kept["route"], kept["model"]) == ("attach", NOTE["model_id"])
    assert len(kept["attach"]["notes"]) == 2


def test_each_replication_has_a_tag_and_a_day_of_its_own(live, tmp_path, monkeypatch) -> None:
    overrides = ("replications=2",)
    summary = run(live, tmp_path, monkeypatch, scenario_text(), overrides=overrides)
    first, second = summary["attached"]
    assert (first["offset_min"], second["offset_min"]) == (0.0, 1440.0)
    assert first["tag"] != second["tag"]
    assert summary["points"][0]["digests"][0] == digest(in_process(scenario()))


def scenario_text(**fields) -> str:
    return json.dumps(CLINIC | fields)
