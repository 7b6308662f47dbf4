"""`dermtwin stacks`, called in this process on a log made by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stack_logs import EVENTS, VERDICTS, write_run
from typer.testing import CliRunner, Result

from services import console
from services.cli import app
from twin.errors import DataError, DependencyError, SettingsError


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("services.cli.claim_standard_output", lambda: None)
    monkeypatch.setattr(console, "_results", None)
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    return write_run(tmp_path)


def stacks(*words: str) -> Result:
    return CliRunner().invoke(app, ["stacks", *words])


def parsed(*words: str) -> dict[str, Any]:
    result = stacks(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def printed(*words: str) -> str:
    result = stacks(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def refused(*words: str) -> BaseException:
    error = stacks(*words).exception
    assert error is not None
    return error


def test_list_has_versions_and_with_all_the_rest() -> None:
    found = parsed("list")
    assert [row["version"] for row in found["decisions"]] == [0, 1, 2]
    assert found["in_force"] == 2
    assert found["refused"] == {"rejected": 1, "waiting": 1, "kept": 0}
    words = [row["decision"] for row in parsed("list", "--all")["decisions"]]
    assert words == ["promoted", "waiting", "promoted", "rejected", "rolled back"]
    assert "10 labels, and 40 are needed" in printed("list", "run-1", "--all")


def test_show_has_weights_gate_and_digest(log: Path) -> None:
    found = parsed("show", "1")
    assert found == parsed("show", "run-1", "1") == parsed("show", str(log), "1")
    assert found["weights"] == {"intercept": -0.5, "svm": 0.5, "knn": 0.5, "input.0": 0.25}
    assert (found["threshold"], found["ancestors"]) == (0.4, [0])
    assert found["gate"][0]["group"] == "sex=female"
    text = printed("show", "1")
    assert found["digest"] in text
    assert "0.800 → 0.900 +0.100 (+0.020 to +0.180)" in text


def test_diff_calls_the_cases_again() -> None:
    found = parsed("diff", "0", "1")
    cases = found["cases"]
    assert (cases["cases"], cases["newly_malignant"], cases["newly_benign"]) == (4, 1, 1)
    assert {one["case_id"] for one in cases["most_changed"][:2]} == {"c2", "c3"}
    assert found["threshold"] == [0.5, 0.4]
    assert found["malignant_share_of_labels"] == [None, 0.2]
    assert "1 calls 2 otherwise than 0" in printed("diff", "0", "1")
    back = parsed("diff", "1", "0", "--most", "1")["cases"]
    assert (back["newly_malignant"], back["newly_benign"], len(back["most_changed"])) == (1, 1, 1)


def test_a_rollback_answers_alike() -> None:
    assert parsed("diff", "0", "2")["same_stack"]
    assert "one digest" in printed("diff", "0", "2")


def test_a_verdict_without_sketch_is_not_guessed(tmp_path: Path) -> None:
    bare = [replace(one, sketch=()) if one.case_id == "c1" else one for one in VERDICTS]
    write_run(tmp_path, "bare", [*EVENTS[:3], *bare])
    assert parsed("diff", "bare", "0", "1")["cases"]["incomparable"] == 1


def test_a_decision_is_explained_in_words() -> None:
    promotion = printed("explain", "1")
    assert "At epoch 3 (day 3) version 1 replaced version 0: new weights" in promotion
    assert "100 labels" in promotion
    assert "For sex female, sensitivity at the operating point goes from 0.800 to" in promotion
    assert "Reason on the log: 10 labels, and 40 are needed" in printed("explain", "--epoch", "1")
    assert "not shown to be within the margin" in printed("explain", "--epoch", "4")
    assert "Its weights are those of version 0." in printed("explain", "run-1", "2")


def test_a_case_is_a_sum() -> None:
    found = parsed("explain", "--case", "c3")
    assert found["version"] == 1
    assert found["contributions"] == {"svm": -1.0, "knn": -0.25, "input.0": 1.75}
    assert found["log_odds"] == pytest.approx(0.0)
    assert "Without svm" in printed("explain", "run-1", "--case", "c4")


def test_errors_name_what_there_is() -> None:
    missing = refused("show", "7")
    assert isinstance(missing, DataError)
    assert "no stack version 7; it has versions 0 to 2" in str(missing)
    assert "its epochs are 0 to 5" in str(refused("explain", "--epoch", "8"))
    assert "there is no such run" in str(refused("list", "nowhere"))
    assert "no answer to case c7" in str(refused("explain", "--case", "c7"))
    assert "was not scored: no image" in str(refused("explain", "--case", "c9"))
    for words in (("show", "x"), ("diff", "1"), ("explain",), ("list", "run-1", "--live")):
        assert isinstance(refused(*words), SettingsError), words
    assert isinstance(refused("list", "--live"), DependencyError)


def test_an_altered_verdict_is_found(log: Path) -> None:
    text = log.read_text().replace('"log_odds":{"knn":-0.5', '"log_odds":{"knn":-0.7')
    log.write_text(text)
    assert "the log was altered: case c3" in str(refused("explain", "--case", "c3"))


def test_help_has_examples() -> None:
    for command in ("list", "show", "diff", "explain"):
        assert "dermtwin stacks" in stacks(command, "--help").output


def test_an_order_without_a_twin_that_is_up_is_refused_plainly() -> None:
    for words in (("rollback", "0"), ("epoch",), ("list", "--live")):
        error = refused(*words)
        assert isinstance(error, DependencyError)
        assert "no twin is up: start one with `dermtwin up`" in str(error)
