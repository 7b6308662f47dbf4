from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clinics import clinic, per_min, run

from simulator.experiment.prevalence_curve import curve, spells_of, within
from simulator.experiment.replicate import result_of
from simulator.experiment.result import ReplicationResult
from simulator.experiment.spells import prevalence_spells, spell_edges
from simulator.language.periods import periods
from simulator.language.scenario import Scenario

RISE = {"id": "rise", "at": "333 min", "over": "200 min", "population": {"prevalence": 0.4}}


def shifting(**fields: Any) -> Scenario:
    cases = {"source": "nominal", "population": {"prevalence": 0.1}}
    return clinic(
        **{"arrivals": per_min(2), "service": "10 s", "cases": cases, "shifts": [RISE]} | fields
    )


def results(scenario: Scenario, n: int, warmup_min: float = 0.0) -> list[ReplicationResult]:
    found = []
    for number in range(n):
        journal = run(scenario, number)
        found.append(result_of(scenario, number, journal, warmup_min=warmup_min))
        journal.close()
    return found


def test_spells_end_where_periods_and_the_warm_up_end() -> None:
    edges = spell_edges(shifting(), 77.0, 0)
    assert edges == sorted(set(edges))
    assert {0.0, 77.0, 333.0, 533.0, 1000.0} <= set(edges)
    assert 35 <= len(edges) <= 45
    assert max(np.diff(edges)) < 1.6 * 1000 / 40


def test_every_patient_is_in_one_spell() -> None:
    scenario = shifting()
    journal = run(scenario)
    spells = prevalence_spells(scenario, journal, 0.0)
    ill = journal.patients.column("malignant")
    journal.close()
    assert sum(spells["patients"]) == len(ill)
    assert sum(spells["malignant"]) == ill.sum()
    rows = zip(spells["from_min"], spells["expected"], spells["patients"], strict=True)
    shares = {at: expected / patients for at, expected, patients in rows}
    assert [share for at, share in shares.items() if at < 333] == pytest.approx([0.1] * 13)
    assert [share for at, share in shares.items() if at >= 533] == pytest.approx([0.4] * 19)
    ramp = [share for at, share in shares.items() if 333 <= at < 533]
    assert ramp == sorted(ramp)
    assert 0.1 < ramp[0] < ramp[-1] < 0.4


def test_where_a_count_ends_the_run_all_replications_have_the_same_spells() -> None:
    cases = {"source": "nominal", "population": {"prevalence": 0.1}, "count": 1500}
    first, second = results(shifting(cases=cases, horizon=None), 2)
    assert first.curves.prevalence["from_min"] == second.curves.prevalence["from_min"]
    assert sum(first.curves.prevalence["patients"]) == 1500
    assert first.curves.prevalence["to_min"][-1] == pytest.approx(750)


def test_without_shifts_or_truth_nothing_is_kept() -> None:
    for scenario in (shifting(shifts=[]), clinic(arrivals=per_min(0.1), shifts=[])):
        journal = run(scenario)
        assert prevalence_spells(scenario, journal, 0.0) == {}
        journal.close()


def test_replications_are_pooled_and_a_period_leaves_out_the_warm_up() -> None:
    scenario = shifting()
    done = results(scenario, 3, warmup_min=100.0)
    spells = spells_of(done)
    assert sum(spell.patients for spell in spells) == sum(
        sum(one.curves.prevalence["patients"]) for one in done
    )
    for part in periods(scenario):
        joined = within(spells, part, 100.0)
        assert joined is not None
        ratios = [one.ratios[f"prevalence{{period={part.name}}}"] for one in done]
        assert joined.malignant == sum(ill for ill, _ in ratios)
        assert joined.patients == sum(whole for _, whole in ratios)


def test_the_measured_curve_holds_the_true_line() -> None:
    scenario = shifting()
    found = curve(scenario, spells_of(results(scenario, 4)), 0.95)
    assert found is not None
    agreement = found["agreement"]
    assert agreement["spells"] == len(found["spells"]) <= 45
    assert agreement["plausible"]
    assert agreement["holding"] >= 0.85 * agreement["spells"]
    line = dict(found["line"])
    assert line[0.0] == pytest.approx(0.1)
    assert max(line.values()) == pytest.approx(0.4)
    assert all(one["low"] <= one["value"] <= one["high"] for one in found["spells"])


def test_a_curve_that_does_not_follow_is_told() -> None:
    scenario = shifting()
    spells = [replace(one, malignant=one.patients // 2) for one in spells_of(results(scenario, 2))]
    found = curve(scenario, spells, 0.95)
    assert found is not None
    assert not found["agreement"]["plausible"]
    assert found["agreement"]["chance"] < 1e-6


def test_few_patients_make_fewer_spells_but_none_across_a_boundary() -> None:
    scenario = shifting(arrivals=per_min(0.3))
    found = curve(scenario, spells_of(results(scenario, 1)), 0.95)
    assert found is not None
    rows = found["spells"]
    assert len(rows) < 10
    assert {0.0, 333.0, 533.0} <= {row["from_min"] for row in rows}
    assert all(row["patients"] >= 50 for row in rows)


def test_where_the_truth_is_not_known_there_is_no_agreement() -> None:
    scenario = shifting()
    spells = [replace(one, expected=None) for one in spells_of(results(scenario, 1))]
    found = curve(scenario, spells, 0.95)
    assert found is not None
    assert found["agreement"] is None
    assert all(row["true"] is None for row in found["spells"])
