"""What `run --attach` and `up` do with their options, without a twin."""

import signal
from pathlib import Path

import pytest

import services.learning
from services.artefacts import ArtefactStore
from services.commands import run as command
from services.commands.up_model import model_to_serve
from services.config import Settings
from services.image_directory import ImageDirectory
from services.learning import model_for
from simulator.language.scenario import load
from twin.errors import ArtefactError, DependencyError, SettingsError

FIRST = Path("scenarios/first-clinic.yaml")


@pytest.fixture(autouse=True)
def ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict:
    handlers: dict = {}
    monkeypatch.setattr(command.signal, "signal", handlers.__setitem__)
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path))
    return handlers


def test_without_a_twin_nothing_is_attached_and_no_folder_made(tmp_path: Path, ends: dict) -> None:
    with pytest.raises(DependencyError, match=r"no twin is up .*dermtwin up"):
        command.run(FIRST, attach=True)
    assert not (tmp_path / "runs").exists()
    assert ends[signal.SIGTERM] is signal.default_int_handler


def test_routes_and_speeds_that_mean_nothing_are_refused(ends: dict) -> None:
    with pytest.raises(SettingsError, match="no meaning with --attach"):
        command.run(FIRST, attach=True, route="ray")
    ends.clear()
    with pytest.raises(SettingsError, match="needs --attach"):
        command.run(FIRST, speed="60")
    assert ends == {}


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> list:
    """Nothing is trained; what would be is noted."""
    lessons: list = []

    class Model:
        model_id = "m"

    def learn(home: Path, cases: int, lesson: object, bars: object) -> tuple:
        lessons.append((home, cases, lesson))
        return Model(), home, True

    monkeypatch.setattr(services.learning, "learn_synthetic", learn)
    return lessons


def test_on_a_fresh_machine_up_trains_the_model_of_the_first_scenario(
    taught: list, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    settings = Settings(home=tmp_path)
    assert model_to_serve(None, None, settings).model_id == "m"
    first = load(FIRST.read_text(), str(FIRST))
    model_for(first, None, settings, lambda *_: None, ImageDirectory(None))
    by_up, by_run = taught
    assert by_up == by_run
    assert "no model yet" in capsys.readouterr().err


def test_with_a_scenario_up_trains_that_scenarios_model(taught: list, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(FIRST.read_text().replace("seed: 7", "seed: 8"))
    model_to_serve(None, file, Settings(home=tmp_path))
    [(_, cases, lesson)] = taught
    assert (cases, lesson.seed) == (600, 8)


def test_a_model_that_is_there_is_served_and_none_trained(
    taught: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ArtefactStore, "latest", lambda store: "abc")
    monkeypatch.setattr(ArtefactStore, "load", lambda store, which: which)
    assert model_to_serve(None, FIRST, Settings(home=tmp_path)) == "abc"
    assert model_to_serve("chosen", None, Settings(home=tmp_path)) == "chosen"
    assert taught == []


def test_a_model_that_is_not_there_is_not_replaced(taught: list, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no such model"):
        model_to_serve("chosen", None, Settings(home=tmp_path))
    assert taught == []
