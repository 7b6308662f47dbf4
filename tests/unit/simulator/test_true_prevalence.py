from typing import Any

import numpy as np
import pytest
from clinics import clinic, patients, per_min, run

from simulator.analysis.prevalence import chance_at, prevalence_at
from simulator.language.scenario import Scenario

RISE = {"at": "20 min", "over": "10 min", "population": {"prevalence": 0.5}}


def shifting(*shifts: dict[str, Any], **fields: Any) -> Scenario:
    cases = {"source": "nominal", "population": {"prevalence": 0.1}}
    return clinic(
        **{"allow_unstable": True, "horizon": "100 min", "arrivals": per_min(2), "cases": cases}
        | {"shifts": list(shifts)}
        | fields
    )


def chances(scenario: Scenario, *at_min: float) -> list[float]:
    found = chance_at(scenario, scenario.patient_classes[0], np.array(at_min))
    assert found is not None
    return found.tolist()


def test_a_ramp_is_a_straight_line() -> None:
    found = chances(shifting(RISE), 0, 19.999, 20, 25, 30, 99)
    assert found == pytest.approx([0.1, 0.1, 0.1, 0.3, 0.5, 0.5], abs=1e-3)
    assert chances(shifting(), 7.0) == [0.1]


def test_of_two_shifts_the_later_one_counts_for_those_in_both() -> None:
    half = {"at": "0 min", "share": 0.5, "population": {"prevalence": 0.3}}
    other = {"at": "0 min", "share": 0.2, "population": {"prevalence": 0.8}}
    expected = 0.2 * 0.8 + 0.8 * (0.5 * 0.3 + 0.5 * 0.1)
    assert chances(shifting(half, other), 1.0) == pytest.approx([expected])


def test_other_changes_leave_the_prevalence() -> None:
    older = {"at": "20 min", "population": {"age": {"mean": 70}}}
    assert chances(shifting(older), 0, 50) == [0.1, 0.1]
    blur = {"at": "20 min", "image": {"defocus": 3}}
    rendered = {"source": "synthetic", "population": {"prevalence": 0.1}}
    assert chances(shifting(blur, cases=rendered), 0, 50) == [0.1, 0.1]


def test_a_filter_changes_it_by_bayes() -> None:
    strict = {"at": "20 min", "population": {"referral": {"malignant": 0.9, "benign": 0.3}}}
    posterior = 0.1 * 0.9 / (0.1 * 0.9 + 0.9 * 0.3)
    assert chances(shifting(strict), 0, 50) == pytest.approx([0.1, posterior])
    # Where the filter reaches half, fewer of these come: the halves no longer weigh alike.
    half = chances(shifting({**strict, "share": 0.5}), 50)
    come = 0.1 * 0.9 + 0.9 * 0.3
    assert half == pytest.approx([(0.1 + 0.1 * 0.9) / (1 + come)])


def test_classes_weigh_by_how_many_come() -> None:
    classes = [
        {"id": "new", "arrivals": per_min(3)},
        {"id": "known", "arrivals": per_min(1), "population": {"prevalence": 0.02}},
    ]
    scenario = shifting(RISE, classes=classes, arrivals=None)
    found = prevalence_at(scenario, np.array([0.0, 50.0]))
    assert found is not None
    assert found == pytest.approx([(3 * 0.1 + 0.02) / 4, 0.5])


def test_without_facts_nothing_is_known() -> None:
    nobody = shifting(cases={"source": "nominal"})
    assert chance_at(nobody, nobody.patient_classes[0], np.array([0.0])) is None
    assert prevalence_at(nobody, np.array([0.0])) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"share": 0.6},
        {
            "population": {
                "prevalence": 0.4,
                "referral": {"malignant": 0.9, "benign": 0.2, "skin_tone": {"V-VI": 0.1}},
            }
        },
    ],
)
def test_those_who_come_are_malignant_as_often(fields: dict[str, Any]) -> None:
    scenario = shifting({**RISE, **fields}, arrivals=per_min(200))
    journal = run(scenario)
    ill, at_min = (np.array(patients(journal, name)) for name in ("malignant", "arrival_min"))
    journal.close()
    expected = np.array(chances(scenario, *at_min))
    for from_min, to_min in ((0, 20), (20, 30), (30, 100)):
        here = (at_min >= from_min) & (at_min < to_min)
        spread = np.sqrt((expected[here] * (1 - expected[here])).sum())
        assert abs(ill[here].sum() - expected[here].sum()) < 4 * spread
