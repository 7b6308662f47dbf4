"""What `dermtwin gallery` says of options that cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "DERMTWIN_DATA"}
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "gallery", *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**kept, "DERMTWIN_HOME": str(home), **more},
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "no/such"], ["--data='no/such'", "no such directory"]),
        (["--diagnosis", "melanom"], ["--diagnosis='melanom'", "did you mean 'melanoma'?"]),
        (["--shift", "defocs"], ["--shift='defocs'", "did you mean 'defocus'?"]),
        (["--severity", "7"], ["--severity=7", "within 1 and 5"]),
        (["--per-class", "0"], ["--per-class=0", "within 1 and 50"]),
        (["--out", "file"], ["--out=", "file'", "is a file, expected a directory"]),
        (["--out", "page.html"], ["--out=", "page.html'", "gallery.html"]),
        (["--out", "file/below"], ["--out=", "below'"]),
    ],
)
def test_an_option_that_cannot_be_is_named_with_its_value(
    words: list[str], told: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    if words[0] == "--out":
        words = [words[0], str(tmp_path / words[1])]
    ran = run(tmp_path / "home", *words)
    # Without spaces: where a message is broken into lines depends on how long its paths are
    shown = "".join(ran.stderr.replace("│", " ").split())
    assert ran.returncode == 2, shown
    for text in told:
        assert "".join(text.split()) in shown
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_a_bad_directory_of_the_environment_is_named_by_its_variable(tmp_path: Path) -> None:
    ran = run(tmp_path, DERMTWIN_DATA="no/such")
    assert ran.returncode == 2
    assert "DERMTWIN_DATA='no/such'" in " ".join(ran.stderr.split())


def test_a_model_that_is_not_there_is_an_error_and_not_a_page_without_scores(
    tmp_path: Path,
) -> None:
    ran = run(tmp_path, "--model", "nothing", "--out", str(tmp_path / "out"))
    assert ran.returncode == 1
    assert "nothing" in ran.stderr
    assert not (tmp_path / "out" / "gallery.html").exists()
