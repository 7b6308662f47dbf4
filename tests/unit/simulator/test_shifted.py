"""What shifts did, from results made by hand: counts of three periods, exact or off."""

from typing import Any

import pytest
from clinics import clinic, per_min

from simulator.experiment.result import Curves, ReplicationResult
from simulator.experiment.shifted import shifted
from simulator.language.scenario import Scenario

RISE = {"id": "rise", "at": "300 min", "over": "200 min", "population": {"prevalence": 0.15}}
NAMES = ("before", "rise-ramp", "rise")


def scenario(**fields: Any) -> Scenario:
    cases = {
        "source": "nominal",
        "population": {"prevalence": 0.08},
        "ai": {"sensitivity": 0.9, "specificity": 0.9},
    }
    pathway = [
        {"id": "ai", "twin": "score", "then": "read"},
        {"id": "read", "staff": "server", "service": "10 s", "then": "end"},
    ]
    told = {"arrivals": per_min(2), "cases": cases, "pathway": pathway, "shifts": [RISE]}
    return clinic(**told | fields)


def result(counts: dict[str, tuple[int, int, int, int]], prevalence: bool = True) -> Any:
    """One replication; counts by period: hits, misses, alarms, passes."""
    ratios: dict[str, tuple[float, float]] = {}
    for period, (hits, misses, alarms, passes) in counts.items():
        for prefix in ("", "ai."):
            where = f"{{period={period}}}"
            ratios[f"{prefix}sensitivity{where}"] = (hits, hits + misses)
            ratios[f"{prefix}specificity{where}"] = (passes, passes + alarms)
    spells = {}
    if prevalence:
        ill = [counts[name][0] + counts[name][1] for name in NAMES]
        everyone = [sum(counts[name]) for name in NAMES]
        spells = {
            "from_min": [0.0, 300.0, 500.0],
            "to_min": [300.0, 500.0, 1000.0],
            "patients": everyone,
            "malignant": ill,
            "expected": [0.08 * everyone[0], 0.115 * everyone[1], 0.15 * everyone[2]],
        }
    return ReplicationResult(
        replication=0,
        digest="d",
        from_min=0.0,
        to_min=1000.0,
        end_min=1000.0,
        values={name: part / whole for name, (part, whole) in ratios.items() if whole},
        counts={name: int(whole) for name, (_, whole) in ratios.items()},
        ratios=ratios,
        missing={},
        checks=[],
        curves=Curves(prevalence=spells),
    )


STEADY = {
    "before": (720, 80, 1840, 7360),
    "rise-ramp": (1035, 115, 1770, 7080),
    "rise": (1350, 150, 1700, 6800),
}


def rows(counts: dict[str, tuple[int, int, int, int]]) -> dict[tuple[str, str], dict[str, Any]]:
    found = shifted(scenario(), [result(counts)], 0.95)
    assert found is not None
    return {(row["of"], row["period"]): row for row in found["bayes"]}


def test_the_truth_is_recorded() -> None:
    found = shifted(scenario(), [result(STEADY)], 0.95)
    assert found is not None
    [shift] = found["shifts"]
    assert shift == {
        "id": "rise",
        "at_min": 300.0,
        "over_min": 200.0,
        "until_min": None,
        "share": 1.0,
        "population": {"prevalence": 0.15},
        "image": {},
    }
    true = [period["true_prevalence"] for period in found["periods"]]
    assert true == pytest.approx([0.08, 0.115, 0.15])
    assert [period["malignant"] for period in found["periods"]] == [800, 1150, 1500]
    assert shifted(scenario(shifts=[]), [result(STEADY)], 0.95) is None


def test_predictive_values_move_as_bayes_says_while_the_rest_stays() -> None:
    found = rows(STEADY)
    assert set(found) == {(of, name) for of in ("", "ai.") for name in NAMES[1:]}
    row = found[("", "rise")]
    assert row["sensitivity"]["stays"] is True
    assert row["specificity"]["stays"] is True
    ppv = row["ppv"]
    assert ppv["before"] == pytest.approx(720 / 2560)
    assert ppv["found"] == pytest.approx(1350 / 3050)
    assert ppv["bayes"] == pytest.approx(0.15 * 0.9 / (0.15 * 0.9 + 0.85 * 0.2))
    assert ppv["low"] < ppv["found"] < ppv["high"]
    assert ppv["agrees"] is True
    npv = row["npv"]
    assert npv["bayes"] == pytest.approx(0.85 * 0.8 / (0.85 * 0.8 + 0.15 * 0.1))
    assert npv["agrees"] is True


def test_a_reader_who_does_worse_is_told() -> None:
    found = rows(STEADY | {"rise": (1150, 350, 1700, 6800)})
    row = found[("", "rise")]
    assert row["sensitivity"]["stays"] is False
    assert row["specificity"]["stays"] is True
    assert row["ppv"]["agrees"] is False
    assert found[("", "rise-ramp")]["sensitivity"]["stays"] is True


def test_replications_are_added_up() -> None:
    double = {name: (a * 2, b * 2, c * 2, d * 2) for name, (a, b, c, d) in STEADY.items()}
    found = shifted(scenario(), [result(STEADY), result(STEADY)], 0.95)
    whole = shifted(scenario(), [result(double)], 0.95)
    assert found is not None and whole is not None
    assert found["bayes"] == whole["bayes"]


def test_too_few_cases_are_no_comparison() -> None:
    [*_, row] = rows(STEADY | {"before": (6, 1, 1840, 7360)}).values()
    assert row["reason"] == "only 7 malignant before the first shift; 10 are needed"
    assert "ppv" not in row
    row = rows(STEADY | {"rise": (1350, 150, 2, 3)})[("", "rise")]
    assert row["reason"] == "only 5 benign in this period; 10 are needed"


def test_nobody_referred_has_no_predictive_value() -> None:
    row = rows(STEADY | {"rise": (0, 1500, 0, 8500)})[("", "rise")]
    assert row["ppv"]["found"] is None
    assert row["ppv"]["reason"] == "only 0 referred; 10 are needed"
    assert row["ppv"]["agrees"] is None
    assert row["npv"]["found"] == 0.85


def test_without_a_known_truth_there_is_no_bayes() -> None:
    found = shifted(scenario(), [result(STEADY, prevalence=False)], 0.95)
    assert found is not None
    assert found["prevalence"] is None
    assert {row["ppv"]["reason"] for row in found["bayes"]} == {"the true prevalence is not known"}


def test_without_a_time_before_nothing_is_held_against() -> None:
    found = shifted(scenario(shifts=[RISE | {"at": "0 min"}]), [result(STEADY)], 0.95)
    assert found is not None
    assert found["bayes"] == []
