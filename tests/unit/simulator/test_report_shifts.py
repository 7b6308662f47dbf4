import json
import re
from typing import Any

import pytest
from report_samples import SCENARIO, curves, metric, metrics, point, summary

from simulator.report.html import html_report
from simulator.report.markdown import markdown_report
from simulator.report.shift_words import changes, shift_row, told

SHIFT = {
    "id": "rise",
    "at_min": 1440.0,
    "over_min": 720.0,
    "until_min": 4320.0,
    "share": 0.5,
    "population": {"prevalence": 0.15, "skin_tone": {"I-II": 0.2, "V-VI": 0.8}},
    "image": {"defocus": 3},
}


def period(name: str, from_min: float, to_min: float | None, true: float | None) -> dict[str, Any]:
    spell = {"name": name, "steady": True, "from_min": from_min, "to_min": to_min}
    return {**spell, "patients": 1000, "malignant": 90, "true_prevalence": true}


def value(before: float, found: float, **more: Any) -> dict[str, Any]:
    plain = {"before": before, "found": found, "bayes": 0.5, "low": 0.47, "high": 0.53}
    return {**plain, "chance": 0.4, "agrees": True, "reason": "", **more}


def row(of: str = "", **more: Any) -> dict[str, Any]:
    steady = {
        "sensitivity": {"before": 0.9, "found": 0.89, "chance": 0.7, "stays": True},
        "specificity": {"before": 0.8, "found": 0.81, "chance": 0.8, "stays": True},
        "ppv": value(0.3, 0.49),
        "npv": value(0.99, 0.98),
    }
    return {"of": of, "period": "rise", "reason": "", **steady, **more}


def spell(from_min: float, share: float, true: float | None) -> dict[str, Any]:
    rest = {"low": share - 0.02, "high": share + 0.02, "true": true}
    counts = {"patients": 500, "malignant": round(500 * share)}
    return {"from_min": from_min, "to_min": from_min + 720, "value": share, **counts, **rest}


def shifts(**more: Any) -> dict[str, Any]:
    return {
        "shifts": [SHIFT],
        "periods": [period("before", 0, 1440, 0.08), period("rise", 1440, None, 0.15)],
        "prevalence": {
            "spells": [spell(0, 0.08, 0.08), spell(720, 0.09, 0.08), spell(1440, 0.14, 0.15)],
            "line": [[0.0, 0.08], [1440.0, 0.08], [2160.0, 0.15]],
            "agreement": {"spells": 3, "holding": 3, "chance": 1.0, "plausible": True},
        },
        "bayes": [row(), row("ai.")],
        **more,
    }


def shifted_point(**more: Any) -> dict[str, Any]:
    known = metrics()
    for name in ("before", "rise"):
        heads = {"prevalence": 0.1, "sensitivity": 0.9, "ppv": 0.4, "ai.sensitivity": 0.9}
        for head, share in heads.items():
            full = f"{head}{{period={name}}}"
            known[full] = metric(full, share, 0.02)
    few = "sensitivity{site=acral}"
    known[few] = metric(few, None, cases=7, reason="only 7 malignant; 10 are needed")
    known["specificity"] = metric("specificity", 0.8, 0.02)
    known["specificity{site=acral}"] = metric("specificity{site=acral}", 0.8, 0.1, cases=31)
    return point(metrics=known, shifts=shifts(**more))


def page(one: dict[str, Any], **more: Any) -> str:
    return html_report(summary(one, **more), [[curves()]], [SCENARIO])


def plain(text: str) -> str:
    body = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_a_shift_in_words() -> None:
    assert shift_row(SHIFT) == [
        "rise",
        "prevalence 15 %; skin tone (I-II 0.2, V-VI 0.8); images: defocus 3",
        "1 d",
        "36 h",
        "3 d to 84 h",
        "50 %",
    ]
    assert changes({"population": None, "image": {"noise": 2}}) == "images: noise 2"


def test_what_stayed_and_what_moved_is_said() -> None:
    said = list(told(shifted_point()))
    assert said[0].startswith("Measured prevalence follows the truth: 3 of 3 spells")
    assert said[1] == (
        "In period rise (true prevalence 15 %): of the decision to refer, sensitivity and "
        "specificity stayed put (89 % and 81 %; before 90 % and 80 %). PPV rose from 30 % to 49 %; "
        "Bayes says 50 % (95 % interval 47.0 to 53.0 %): compatible (p = 0.4)."
    )
    assert "of the AI" in said[2]
    assert len(said) == 3


def test_what_does_not_stay_is_said_without_a_forced_verdict() -> None:
    fell = {"before": 0.9, "found": 0.7, "chance": 1e-9, "stays": False}
    off = value(0.99, 0.95, chance=1e-9, agrees=False)
    [_, said] = told(shifted_point(bayes=[row(sensitivity=fell, npv=off)]))
    assert "specificity stayed put (81 %; before 80 %)" in said
    assert "sensitivity fell from 90 % to 70 %, beyond chance" in said
    assert "NPV fell from 99 % to 95 %" in said
    assert "not compatible (p < 0.0001)" in said


def test_of_a_ramp_the_tables_tell() -> None:
    ramp = {**period("rise", 1440, None, 0.11), "steady": False}
    one = shifted_point(periods=[period("before", 0, 1440, 0.08), ramp])
    [said] = told(one)
    assert said.startswith("Measured prevalence")
    assert "rise from 1 d" in plain(page(one))


def test_prevalence_that_does_not_follow_is_said() -> None:
    found = shifts()["prevalence"]
    astray = {"spells": 3, "holding": 1, "chance": 1e-6, "plausible": False}
    [said, *_] = told(shifted_point(prevalence={**found, "agreement": astray}))
    assert "does not follow the truth: only 1 of 3" in said
    one = shifted_point(prevalence={**found, "agreement": astray})
    assert "does not follow the scenario&#x27;s: see the shifts" in plain(page(one))
    [said, *_] = told(shifted_point(prevalence={**found, "agreement": None}))
    assert "has no truth beside it" in said


@pytest.mark.parametrize("reason", ["only 7 malignant before the first shift; 10 are needed"])
def test_what_cannot_be_compared_says_why(reason: str) -> None:
    one = {"of": "ai.", "period": "rise", "reason": reason}
    [_, said] = told(shifted_point(bayes=[one]))
    assert said == f"In period rise, the AI cannot be compared: {reason}."
    assert reason in plain(page(shifted_point(bayes=[one])))
    unknown = value(0.3, 0.4, bayes=None, agrees=None, reason="the true prevalence is not known")
    [_, said] = told(shifted_point(bayes=[row(ppv=unknown)]))
    assert "not held against Bayes: the true prevalence is not known." in said


def test_the_page_shows_truth_curve_periods_and_bayes() -> None:
    text = page(shifted_point())
    assert '<a href="#shifts">Shifts</a>' in text
    said = plain(text)
    for words in (
        "Shifts as the scenario sets them: the truth",
        "Prevalence over time, measured and true",
        "before until 1 d",
        "rise from 1 d",
        "The AI&#x27;s verdicts by period",
        "Predictive values beside Bayes&#x27; theorem: 4 of 4 are compatible",
        "compatible (p = 0.4)",
    ):
        assert words in said, words
    assert said.count("true 15 %") == 1, "in the first table of two"
    found = [
        json.loads(data)
        for data in re.findall(r'<script type="application/json">(.*?)</script>', text)
    ]
    [figure] = [one for one in found if one.get("data", [{}])[0].get("name") == "true"]
    line, dots = figure["data"]
    assert line["y"] == [8, 8, 15]
    assert dots["y"] == [8, 9, 14]
    assert dots["error_y"]["array"] == pytest.approx([2, 2, 2])
    labels = [shape["label"]["text"] for shape in figure["layout"]["shapes"]]
    assert labels == ["rise"]  # the end is beyond what is shown


def test_nothing_shifts_nothing_is_said() -> None:
    assert "Shifts" not in plain(page(point(shifts=None)))
    assert "Shifts" not in markdown_report(summary(point(shifts=None)))


def test_the_summary_tells_shifts_and_groups() -> None:
    text = markdown_report(summary(shifted_point()))
    assert "### Shifts" in text
    assert "| before | 90 / 1,000 | 10 % (8.0 to 12.0 %), true 8 % |" in text
    assert "sensitivity and specificity stayed put" in text
    assert (
        "| body site acral | 7 / 31 | too few cases: only 7 malignant; 10 are needed | 80 % "
        "(70.0 to 90.0 %) |"
    ) in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_the_page_counts_the_cases_of_each_group() -> None:
    said = plain(page(shifted_point()))
    assert "specificity AI AUC acral 7 / 31 too few cases: only 7 malignant; 10 are needed" in said


def test_a_bank_says_what_intervals_leave_out() -> None:
    sure = {"value": 0.9, "low": 0.85, "high": 0.93}
    bank = {
        "size": 5000,
        "lesions": 4200,
        "malignant": 2500,
        "scored_now": 0,
        "cached": 5000,
        "unscorable": 0,
        "effective_size": {"all": 1500.0, "malignant": 812.3, "benign": 700.0},
        "words": "The model's sensitivity lies between 0.850 and 0.930.",
        "warnings": ["malignant patients stand on few lesions"],
        "others": [{}],
        "auc": sure,
        "sensitivity": sure,
        "specificity": {"value": None, "low": None, "high": None},
        "model_id": "m-1",
    }
    for text in (plain(page(point(), bank=bank)), markdown_report(summary(bank=bank))):
        assert "speak of the simulation given this bank" in text
        assert "sensitivity lies between" in text and "stand on few lesions" in text
        assert "Of 1 other points the bank differs" in text
        assert "5,000" in text and "812" in text
        assert "0.900 (0.850 to 0.930)" in text.replace("\\", "")
        assert "90 % (85.0 to 93.0 %)" in text
        assert "specificity of the model" not in text
