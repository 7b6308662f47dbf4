"""The same command again with the same folder: what was begun goes on, and nothing else does."""

import json
from pathlib import Path

import pytest
from rich.progress import Progress

from services.artefacts import ArtefactStore
from services.config import Settings
from services.console import Bars
from services.experiments import nominal
from services.experiments.store import BEGINNING, PLAN, SUMMARY, Store
from services.experiments.work import Done, Piece, do
from services.folder_lock import held
from services.runs import RunOrder, run_scenario
from twin.errors import DataError, SettingsError

CLINIC = """\
name: clinic
seed: 3
horizon: 1 d
replications: {min: 3, max: 3}
cases: {source: nominal, population: {prevalence: 0.2}, ai: {sensitivity: 0.9, specificity: 0.8}}
arrivals: {rate_per_h: 3}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 10 min}}, then: end}
staff: {reader: 1}
"""
CLOCKED = ("run_dir", "cases_per_s", "wall_s")


def run(home: Path, out: Path, text: str = CLINIC, **more: object) -> dict:
    order = RunOrder(text=text, source="clinic.yaml", workers=1, out=out, **more)
    return run_scenario(order, Settings(home=home), Bars(Progress(disable=True)))


def figures(summary: dict) -> dict:
    return {name: value for name, value in summary.items() if name not in CLOCKED}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict:
    home = tmp_path_factory.mktemp("home")
    return run(home, home / "undisturbed")


@pytest.fixture
def cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose run ended in its second replication, without a word."""
    pieces: list[Piece] = []

    def killed(piece: Piece) -> Done:
        pieces.append(piece)
        if len(pieces) == 2:
            raise SystemExit
        return do(piece)

    with monkeypatch.context() as patch:
        patch.setattr(nominal, "do", killed)
        with pytest.raises(SystemExit):
            run(tmp_path, tmp_path / "out")
    return tmp_path / "out"


def test_what_was_begun_goes_on_to_the_end_of_an_undisturbed_run(
    cut_short: Path, undisturbed: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    (cut_short / f".{SUMMARY}.4711").write_text("half")
    (cut_short / "visits.csv.draft").write_text("half")
    again = run(cut_short.parent, cut_short)
    assert figures(again) == figures(undisturbed)
    assert "was begun before: its 1 replication(s) are kept" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not list(cut_short.rglob("*4711")) and not list(cut_short.rglob("*.draft"))


def test_what_is_finished_is_shown_and_not_run(
    undisturbed: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nominal, "do", lambda piece: pytest.fail("was run"))
    folder = Path(undisturbed["run_dir"])
    assert run(folder.parent, folder) == undisturbed
    assert "was finished before" in " ".join(capsys.readouterr().err.split())


def test_a_summary_is_there_only_where_the_reports_are(
    tmp_path: Path, undisturbed: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", _ends_at("summary.md"))
        with pytest.raises(SystemExit):
            run(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / SUMMARY).exists()
    assert figures(run(tmp_path, tmp_path / "out")) == figures(undisturbed)
    assert (tmp_path / "out" / "summary.md").is_file()


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        (CLINIC.replace("seed: 3", "seed: 4"), {}, "seed is 3 there and 4 here"),
        (CLINIC, {"overrides": ("staff.reader=2",)}, "staff.reader.count is 1 there and 2 here"),
        (CLINIC, {"model": "0123456789ab"}, "model is not given there and 0123456789ab here"),
    ],
)
def test_another_run_is_refused_and_the_difference_named(
    undisturbed: dict, text: str, more: dict, told: str
) -> None:
    folder = Path(undisturbed["run_dir"])
    with pytest.raises(SettingsError, match=told):
        run(folder.parent, folder, text, **more)
    assert json.loads((folder / SUMMARY).read_text()) == undisturbed


def test_the_files_name_and_the_number_of_workers_make_no_other_run(undisturbed: dict) -> None:
    folder = Path(undisturbed["run_dir"])
    order = RunOrder(text=CLINIC, source="elsewhere/clinic.yaml", workers=2, out=folder)
    again = run_scenario(order, Settings(home=folder.parent), Bars(Progress(disable=True)))
    assert again == undisturbed


@pytest.mark.parametrize("at", ["scenario.yaml", PLAN])
def test_a_run_that_was_killed_before_its_plan_was_kept_begins_anew(
    tmp_path: Path, undisturbed: dict, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", _ends_at(at))
        with pytest.raises(SystemExit):
            run(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / PLAN).exists()
    assert figures(run(tmp_path, tmp_path / "out")) == figures(undisturbed)
    assert not (tmp_path / "out" / BEGINNING).exists()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("mine")
    with pytest.raises(SettingsError, match="is not an empty directory"):
        run(tmp_path, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["scenario.yaml"]


def test_two_do_not_begin_in_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with held(out / BEGINNING), pytest.raises(DataError, match="is being begun by another"):
        run(tmp_path, out)


def test_half_a_note_of_a_recipe_names_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtefactStore(tmp_path)
    store.remember("recipe", "0123456789ab")
    (tmp_path / "models" / "by-recipe" / "recipe").write_text("")  # as an earlier version left it
    monkeypatch.chdir(tmp_path)
    assert store.remembered("recipe") is None


def _ends_at(name: str):
    """Return a `Store.write` that ends the process at a file."""
    write = Store.write

    def ending(self: Store, file: str, text: str | bytes) -> Path:
        if file == name:
            raise SystemExit
        return write(self, file, text)

    return ending
