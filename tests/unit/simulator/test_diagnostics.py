from typing import Any

import numpy as np
import pytest
from clinics import clinic, exponential, facts, per_min
from clinics import run as simulate

from simulator.analysis.measure import Measured, measure
from simulator.clinic.journal import Journal
from simulator.clinic.person import Person
from simulator.clinic.station import COLUMNS
from simulator.clinic.tables import Table
from simulator.language.scenario import Scenario


def reading(**changes: Any) -> Scenario:
    fields: dict[str, Any] = {
        "arrivals": per_min(0.5),
        "cases": {
            "source": "nominal",
            "population": {"prevalence": 0.3},
            "ai": {"sensitivity": 0.8, "specificity": 0.7},
        },
        "pathway": [
            {"id": "ai", "twin": "score", "then": "read"},
            {"id": "read", "staff": "server", "service": exponential(1), "then": "end"},
        ],
        "horizon": "2000 min",
        "decision": {"missed_delay": "30 d"},
    }
    return clinic(**fields | changes)


def journal_of(rows: list[dict[str, Any]]) -> Journal:
    """A journal of patients that are told; each comes at its number and leaves a day later."""
    journal = Journal()
    for number, row in enumerate(rows):
        person = Person(number, number, float(number), 0, "patient", 2)
        person.age, person.sex, person.site, person.skin_tone = 50, "male", "back", "II"
        for name, value in row.items():
            setattr(person, name, value)
        journal.note(person, number + 1440.0, gave_up=False)
        journal.arrived += 1
    journal.end_min = 2000.0
    journal.visits = {"read": Table(COLUMNS)}
    return journal


def told(rows: list[dict[str, Any]]) -> Measured:
    return measure(reading(), journal_of(rows))


def case(ill: bool, referred: bool, p: float | None, **more: Any) -> dict[str, Any]:
    verdict = {} if p is None else {"p_malignant": p, "flagged": p >= 0.5}
    return {"malignant": ill, "referred": referred} | verdict | more


HAND = [
    case(True, True, 0.9, diagnosed_min=0.0 + 720),
    case(True, True, 0.4),
    case(True, False, None, rejected="no image"),
    case(False, False, 0.1),
    case(False, True, 0.4),
    case(False, True, 0.6),
]


def test_by_hand() -> None:
    found = told(HAND)
    expected = {
        "sensitivity": 2 / 3,
        "specificity": 1 / 3,
        "ppv": 2 / 4,
        "npv": 1 / 2,
        "missed_malignant.count": 1,
        "missed_malignant.share": 1 / 3,
        "biopsies.count": 4,
        "biopsies.per_malignant": 2,
        "ai.sensitivity": 1 / 2,
        "ai.specificity": 2 / 3,
        "ai.ppv": 1 / 2,
        "ai.npv": 2 / 3,
        "prevalence": 3 / 6,
        # Of the pairs of an ill and a well one, 0.9 is above all three, 0.4 above one and level
        # with one.
        "auc": 4.5 / 6,
        "verdicts.count": 5,
        "verdicts.lost": 0,
        # Half a day, a day, and a day with the delay of one who was missed.
        "harm.melanoma_days": 0.5 + 1 + 1 + 30,
    }
    assert {name: found.values[name] for name in expected} == pytest.approx(expected)
    assert found.ratios["sensitivity"] == (2, 3)


def test_a_lost_verdict_is_counted() -> None:
    assert told([*HAND, case(False, False, None)]).values["verdicts.lost"] == 1


def test_without_a_class_there_is_a_reason() -> None:
    well = told([case(False, False, 0.2)])
    assert well.missing["sensitivity"] == "no malignant cases"
    assert well.missing["ai.sensitivity"] == "no malignant cases"
    assert well.missing["ppv"] == "no referred patients"
    assert well.missing["auc"] == "fewer than 1 cases of one class"
    assert well.values["specificity"] == 1
    ill = told([case(True, True, 0.2)])
    assert ill.missing["specificity"] == "no benign cases"
    assert ill.values["biopsies.per_malignant"] == 1


def test_a_group_keeps_its_parts_however_few() -> None:
    rows = [case(True, number % 2 == 0, 0.9, sex="female") for number in range(10)]
    rows += [case(True, True, 0.9, sex="male") for _ in range(9)]
    found = told(rows)
    assert found.values["sensitivity{sex=female}"] == 0.5
    # One run's nine are not shown, but two runs' eighteen will be.
    assert found.ratios["sensitivity{sex=male}"] == (9, 9)
    assert found.counts["sensitivity{sex=male}"] == 9
    assert found.values["missed_malignant.count{sex=male}"] == 0


def test_the_area_of_a_group_is_a_share_of_pairs() -> None:
    rows = [case(True, True, p, sex="female") for p in (0.9, 0.4)]
    rows += [case(False, False, p, sex="female") for p in (0.1, 0.4, 0.6)]
    rows += [case(True, True, 0.9, sex="male")]
    found = told(rows)
    assert found.ratios["auc{sex=female}"] == (4.5, 6)
    assert found.missing["auc{sex=male}"] == "fewer than 1 cases of one class"


def test_each_diagnosis_has_its_share() -> None:
    rows = [case(True, number < 3, 0.9, diagnosis="melanoma") for number in range(4)]
    rows += [case(False, number < 1, 0.1, diagnosis="nevus") for number in range(5)]
    rendered = {"source": "synthetic", "population": {"prevalence": 0.3}}
    found = measure(reading(cases=rendered), journal_of(rows))
    assert found.ratios["sensitivity{diagnosis=melanoma}"] == (3, 4)
    assert found.ratios["specificity{diagnosis=nevus}"] == (4, 5)
    assert found.missing["sensitivity{diagnosis=nevus}"] == "no malignant cases"
    assert not any("{diagnosis" in name for name in told(rows).values), "nominal: not asked for"


def test_a_run_has_the_stated_figures() -> None:
    reader = {"sensitivity": 0.9, "specificity": 0.6, "weight_of_ai": 0.0}
    scenario = reading(decision={"reader": reader})
    journal = simulate(scenario)
    found = measure(scenario, journal)
    ill = sum(facts(journal, "malignant").values())
    well = len(journal.patients) - ill
    for name, stated, n in (
        ("sensitivity", 0.9, ill),
        ("specificity", 0.6, well),
        ("ai.sensitivity", 0.8, ill),
        ("ai.specificity", 0.7, well),
    ):
        error = np.sqrt(stated * (1 - stated) / n)
        assert found.values[name] == pytest.approx(stated, abs=4 * error)
    # One operating point: the area under its two straight lines is (0.8 + 0.7) / 2.
    assert found.values["auc"] == pytest.approx(0.75, abs=0.06)
    assert found.values["verdicts.count"] == found.values["patients.arrived"]
    assert found.values["verdicts.lost"] == 0
    assert found.values["calibration_error"] < 0.06


def test_who_is_still_inside_is_not_judged() -> None:
    slow = reading(
        arrivals={"replay": {"times": [0, 1999]}},
        ending="stop",
        pathway=[
            {"id": "ai", "twin": "score", "then": "read"},
            {"id": "read", "staff": "server", "service": "10 min", "then": "end"},
        ],
    )
    found = measure(slow, simulate(slow))
    assert found.values["verdicts.count"] == 1
    assert found.values["patients.arrived"] == 2
