import json
from pathlib import Path

import pytest
from rich.progress import Progress

from services import progress as progress_module
from services.console import Bars
from services.folder_lock import held, is_held
from services.progress import ProgressFile, read_progress


def test_it_writes_twice_a_second_and_flushes_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now_s[0])
    written = []
    file = ProgressFile(tmp_path)
    for done in range(1, 1001):
        now_s[0] += 0.001
        file("patients", done, 1000)
        found = read_progress(tmp_path)
        assert found is not None
        written.append(found["done"])
    assert len(set(written)) == 2
    file.flush()
    told = read_progress(tmp_path)
    assert told is not None
    assert (told["stage"], told["done"], told["total"]) == ("patients", 1000, 1000)
    assert [one.name for one in tmp_path.iterdir()] == ["progress.json"]


def test_bars_keep_their_state_in_a_folder(tmp_path: Path) -> None:
    bars = Bars(Progress(disable=True))
    bars("learning", 1, 5)
    assert read_progress(tmp_path) is None
    bars.keep_in(tmp_path)
    bars("replications", 1, 3)
    bars("replications", 2, 3)
    bars.close()
    told = read_progress(tmp_path)
    assert told is not None
    assert (told["stage"], told["done"]) == ("replications", 2)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"stage": "x"})])
def test_half_a_file_is_no_progress(tmp_path: Path, text: str) -> None:
    (tmp_path / "progress.json").write_text(text)
    assert read_progress(tmp_path) is None


def test_a_folder_that_is_gone_stops_no_run(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "gone")
    file("patients", 1, 2)


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    file = tmp_path / ".running"
    assert not is_held(file)
    with held(file) as first:
        assert first
        assert is_held(file)
        with held(file) as second:
            assert not second
        assert is_held(file)
    assert not is_held(file)
