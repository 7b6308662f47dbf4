"""Scores are remembered bit by bit, for the code that made them, and by two processes at once."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from services.base_scores import BaseScore, BaseScores
from twin.errors import DependencyError
from twin.images import BlobRef

IMAGES = [BlobRef(sha256=f"{place:064d}") for place in range(1200)]
SAID = BaseScore({"svm": 0.1 + 0.2, "knn": -1.25e-7}, (0.1, -2.5))


def test_what_was_kept_is_found_with_the_same_bits(tmp_path: Path) -> None:
    with BaseScores(tmp_path, "base", "code") as kept:
        assert kept.known(IMAGES) == {}
        kept.keep((image, SAID) for image in IMAGES[5:1100])
    with BaseScores(tmp_path, "base", "code") as kept:
        found = kept.known(IMAGES)
    assert list(found) == list(range(5, 1100))
    assert all(one == SAID for one in found.values())


def test_other_code_and_other_models_find_nothing(tmp_path: Path) -> None:
    with BaseScores(tmp_path, "base", "code") as kept:
        kept.keep([(IMAGES[0], SAID)])
    for base, code in (("base", "newer code"), ("other", "code")):
        with BaseScores(tmp_path, base, code) as kept:
            assert kept.known(IMAGES[:1]) == {}


def test_the_first_score_stays(tmp_path: Path) -> None:
    with BaseScores(tmp_path, "base", "code") as kept:
        kept.keep([(IMAGES[0], SAID)])
        kept.keep([(IMAGES[0], BaseScore({"svm": 9.0}))])
        assert kept.known(IMAGES[:1]) == {0: SAID}


def test_a_file_of_an_earlier_version_is_taken_on(tmp_path: Path) -> None:
    (tmp_path / "scores").mkdir()
    with sqlite3.connect(tmp_path / "scores" / "base.sqlite") as earlier:
        earlier.execute("CREATE TABLE scores (key BLOB PRIMARY KEY, log_odds TEXT NOT NULL)")
    earlier.close()
    with BaseScores(tmp_path, "base", "code") as kept:
        kept.keep([(IMAGES[0], SAID)])
        assert kept.known(IMAGES[:2]) == {0: SAID}


def test_a_batch_is_kept_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    with BaseScores(tmp_path, "base", "code") as kept:
        with pytest.raises(ValueError, match="JSON"):
            kept.keep([(IMAGES[0], SAID), (IMAGES[1], BaseScore({"svm": float("nan")}))])
        assert kept.known(IMAGES[:2]) == {}


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "base.sqlite").write_text("hello, this is no database at all" * 40)
    with pytest.raises(DependencyError, match=r"base\.sqlite: file is not a database"):
        BaseScores(tmp_path, "base", "code")


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from services.base_scores import BaseScore, BaseScores; from twin.images import BlobRef\n"
        "kept = BaseScores(Path(sys.argv[1]), 'base', 'code')\n"
        "for n in range(150):\n"
        "    some = range(n, n + 9)\n"
        "    kept.keep((BlobRef(sha256=f'{i:064d}'), BaseScore({'svm': float(i)})) for i in some)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    with BaseScores(tmp_path, "base", "code") as kept:
        found = kept.known(IMAGES[:158])
    assert {place: one.log_odds["svm"] for place, one in found.items()} == {
        i: float(i) for i in range(158)
    }
