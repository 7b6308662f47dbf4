"""The table of detectors, from results whose alarms are known."""

from dataclasses import replace
from typing import Any

import pytest
from loop_journals import results

from simulator.experiment.detector_table import PREVALENCE, Trial, detector_table
from simulator.report.detectors import detector_facts, detector_sheets, detectors_page

DAY = 1440.0
RUNS = 4


def trial(shift: str, level: float, *alarms: tuple[str, str, float], quiet_runs: int = 0) -> Trial:
    """Four runs of 40 days with a shift on day 20; alarms are (detector, stream, day)."""
    streams = [["adwin", "input.0"], ["adwin", "loss"], ["hotelling", "all"]]
    estimates: list[dict[str, Any]] = [
        {"metric": "accuracy", "at_min": day * DAY, "value": 0.9, "low": 0.85, "high": 0.95}
        | {"valid": day != 23, "reason": "", "true": 0.5 if day == 24 else 0.9}
        for day in (10, 22, 23, 24, 25)
    ]
    found = []
    for number, one in enumerate(results()[:RUNS]):
        told = () if number < quiet_runs else alarms
        drift = {
            "watched_min": 40 * DAY,
            "epochs_min": [day * DAY for day in range(1, 41)],
            "streams": streams,
            "alarms": [[by, stream, day * DAY] for by, stream, day in told],
            "alarm_cases": [int(day * 10) + 1 for _, _, day in told],
            "onset_cases": [200] if shift else [],
            "estimates": estimates,
        }
        found.append(replace(one, replication=number, loop={**one.loop, "drift": drift}))
    return Trial(shift=shift, level=level, results=found)


def told() -> dict[str, Any]:
    trials = [
        trial("", 0, ("adwin", "input.0", 5), ("hotelling", "all", 30), quiet_runs=2),
        trial(PREVALENCE, 0.4),
        trial("defocus", 1, ("adwin", "loss", 31), quiet_runs=3),
        trial("defocus", 4, ("adwin", "input.0", 21.5), ("hotelling", "all", 22), quiet_runs=1),
    ]
    table = detector_table(trials, onset_min=20 * DAY, horizon_min=40 * DAY, confidence=0.95)
    facts = {"scenario": "s", "model_id": "m", "bank": {"images": 9, "malignant": 4}}
    return table | facts | {"prevalence": 0.2, "cases_per_day": 10.0}


def rows(table: dict[str, Any], shift: str, level: float) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (one["detector"], one["family"]): one
        for one in table["rows"]
        if (one["shift"], one["level"]) == (shift, level)
    }


def test_each_shift_has_its_delays_and_no_shift_its_false_alarms() -> None:
    table = told()
    strong, weak = rows(table, "defocus", 4), rows(table, "defocus", 1)
    assert strong["adwin", "inputs"]["delay_days"] == [1.5, 1.5, 1.5]
    assert strong["adwin", "inputs"]["delay_cases"] == [16, 16, 16]
    assert strong["hotelling", "multivariate"]["delay_days"] == [2, 2, 2]
    assert (strong["any", "any"]["detected"], strong["any", "any"]["runs"]) == (3, 4)
    assert weak["adwin", "performance"]["delay_days"] == [11, None, None]
    assert rows(table, PREVALENCE, 0.4)["any", "any"]["detected"] == 0
    quiet = {(one["detector"], one["family"]): one for one in table["without"]}
    assert quiet["any", "any"]["false_reports"] == 4
    assert quiet["any", "any"]["watched_days"] == 160
    assert quiet["any", "any"]["false_per_month"]["value"] == pytest.approx(0.75)
    assert quiet["hotelling", "multivariate"]["by_chance"]["detected"] == 2
    assert quiet["adwin", "inputs"]["by_chance"]["detected"] == 0, "its alarm is before the onset"


def test_estimates_are_counted_after_the_onset() -> None:
    found = {(one["shift"], one["level"]): one for one in told()["estimates"]}
    counts = ("windows", "not_valid", "judged", "held")
    assert [found["defocus", 4][name] for name in counts] == [16, 4, 12, 8]
    assert [found["", 0][name] for name in counts] == [20, 4, 16, 12]


def test_tables_have_false_alarms_beside_delays() -> None:
    without, images, people, estimates = detector_sheets(told())
    lines = {tuple(row[:2]): row for row in images.rows}
    assert lines["defocus", "adwin"][2:] == [
        "any",
        "0.375 (0.05 to 1.35)",
        "0 of 4",
        "later, 1 of 4",
        "1.5 (1.5 to 1.5), 3 of 4",
    ]
    brief = detector_sheets(told(), brief=True)[1]
    assert brief.rows[1][-2:] == ["later, 1 of 4", "1.5, 3 of 4"]
    assert lines["defocus", "hotelling"][4] == "2 of 4"
    assert [row[-1] for row in people.rows] == ["none of 4"] * 3
    assert len(without.rows) == 5
    assert estimates.rows[2][:4] == ["AI accuracy", "images shift", "32", "25.0 %"]
    for sheet in (without, images, people, estimates):
        assert all(len(row) == len(sheet.head) for row in sheet.rows)


def test_the_page_has_a_figure_for_each_kind_of_shift() -> None:
    page = detectors_page(told())
    assert "defocus: delay to the first alarm" in page
    assert "Without any shift" in page
    assert detector_facts(told())["onset"] == "day 20 of 40"
