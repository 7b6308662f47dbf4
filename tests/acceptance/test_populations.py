"""A prevalence that rises, and groups that are rare, as the whole program tells of them."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from services.commands.run_tables import run_table
from services.config import read_settings
from services.console import Bars
from services.runs import RunOrder, run_scenario

# Two months at a clinic that works day and night, so that all wait little; a third before the
# shift, a sixth on the ramp. A single case of such a site is seldom malignant.
RISING = """\
name: rising
horizon: 60 d
seed: 11
replications: 8
cases:
  source: nominal
  population: {prevalence: 8 %, skin_tone: {I-II: 60 %, III-IV: 37 %, V-VI: 3 %}}
  ai: {sensitivity: 0.91, specificity: 0.91}
arrivals: {rate_per_d: 60}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: dermatologist, service: {exponential: {mean: 9 min}}, then: end}
staff: {dermatologist: 2}
decision: {reader: {sensitivity: 0.89, specificity: 0.76, weight_of_ai: 0.5}}
shifts:
  - {id: more, at: 20 d, over: 10 d, population: {prevalence: 15 %}}
gates:
  - ppv{period=more} > 40 %
  - ppv{period=before} < 40 %
  - sensitivity{period=more} > 80 %
  - sensitivity{site=acral} > 10 %
"""
TRUE = {"before": 0.08, "more-ramp": 0.115, "more": 0.15}


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    order = RunOrder(text=RISING, source="rising.yaml", overrides=(), workers=1, out=home / "run")
    settings = read_settings({"DERMTWIN_HOME": str(home)})
    return run_scenario(order, settings, Bars(Progress(disable=True)))


def texts(summary: dict[str, Any]) -> dict[str, str]:
    """What people read: page, summary and terminal, without mark-up and in single spaces."""
    folder = Path(summary["run_dir"])
    page = (folder / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(run_table(summary))
    found = {
        "page": re.sub(r"<[^>]+>", " ", body),
        "markdown": (folder / "summary.md").read_text(encoding="utf-8"),
        "terminal": console.export_text(),
    }
    return {name: " ".join(text.split()) for name, text in found.items()}


def test_measured_prevalence_follows_the_ramp_within_its_binomial_interval(
    summary: dict[str, Any],
) -> None:
    [point] = summary["points"]
    curve = point["shifts"]["prevalence"]
    agreement = curve["agreement"]
    assert agreement["spells"] >= 35
    assert agreement["plausible"], agreement
    assert agreement["holding"] >= 0.85 * agreement["spells"]
    for period in point["shifts"]["periods"]:
        assert period["true_prevalence"] == pytest.approx(TRUE[period["name"]], abs=0.002)
        answer = point["metrics"][f"prevalence{{period={period['name']}}}"]
        half = (answer["high"] - answer["low"]) / 2
        assert abs(answer["value"] - period["true_prevalence"]) < 2 * half  # four standard errors


def test_sensitivity_and_specificity_stay_while_ppv_moves_as_bayes_says(
    summary: dict[str, Any],
) -> None:
    [point] = summary["points"]
    rows = {(row["of"], row["period"]): row for row in point["shifts"]["bayes"]}
    assert set(rows) == {(of, period) for of in ("", "ai.") for period in ("more-ramp", "more")}
    for row in rows.values():
        assert row["sensitivity"]["stays"], row
        assert row["specificity"]["stays"], row
        assert row["ppv"]["agrees"], row
        assert row["npv"]["agrees"], row
    ppv = rows[("ai.", "more")]["ppv"]
    assert ppv["before"] == pytest.approx(0.468, abs=0.04)  # 0.08 × 0.91 / (… + 0.92 × 0.09)
    assert ppv["found"] == pytest.approx(0.641, abs=0.03)  # 0.15 × 0.91 / (… + 0.85 × 0.09)
    verdicts = {gate["text"]: gate["verdict"] for gate in point["gates"]}
    assert verdicts["ppv{period=more} > 40 %"] == "pass"
    assert verdicts["ppv{period=before} < 40 %"] == "pass"
    assert verdicts["sensitivity{period=more} > 80 %"] == "pass"


def test_page_summary_and_terminal_tell_of_both(summary: dict[str, Any]) -> None:
    for name, text in texts(summary).items():
        assert "Measured prevalence follows the truth" in text, name
        assert text.count("sensitivity and specificity stayed put") == 2, name
        assert "Bayes says" in text and "compatible" in text, name
    assert "Prevalence over time, measured and true" in texts(summary)["page"]


def test_results_by_group_have_intervals_or_say_that_cases_are_too_few(
    summary: dict[str, Any],
) -> None:
    [point] = summary["points"]
    told = point["metrics"]
    by_key: dict[str, list[str]] = {
        "skin_tone": ["I-II", "III-IV", "V-VI"],
        "sex": ["female", "male"],
        "age_band": ["0-39", "40-59", "60-79", "80+"],
        "site": ["back", "face", "acral"],
        "diagnosis": ["melanoma", "basal_cell_carcinoma"],
        "period": list(TRUE),
    }
    few = []
    for key, values in by_key.items():
        for value in values:
            for metric in ("sensitivity", "ai.sensitivity"):
                answer = told[f"{metric}{{{key}={value}}}"]
                if answer["value"] is None:
                    assert answer["cases"] < 10
                    few.append((metric, value))
                else:
                    assert answer["cases"] >= 10
                    assert 0 <= answer["low"] <= answer["value"] <= answer["high"] <= 1
    assert few == [("sensitivity", "acral"), ("ai.sensitivity", "acral")]
    n = told["sensitivity{site=acral}"]["cases"]
    words = f"only {n} malignant; 10 are needed"
    for name, text in texts(summary).items():
        assert words in text, name
    assert told["auc{site=acral}"]["value"] is None
    [gate] = [one for one in point["gates"] if "acral" in one["text"]]
    assert gate["verdict"] == "inconclusive"
