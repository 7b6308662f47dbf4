"""A bank holds the patients of every shift, and each population weighs them as it should."""

import numpy as np
import pytest
from bank_samples import bank, banked

from simulator.cases.bank import Bank
from simulator.cases.bank_entries import entries_of
from simulator.cases.bank_margins import Mixture, mixture_of
from simulator.cases.bank_sources import sources_of
from simulator.language.ham10000 import SITES
from simulator.language.scenario import Scenario

SHIFTED = banked(
    {"bank": 2000},
    shifts=[
        {
            "id": "nursing-home",
            "at": "1 d",
            "population": {"age": {"mean": 80, "sd": 6}, "sex": {"female": 0.9, "male": 0.1}},
        },
        {"id": "hands", "at": "2 d", "population": {"site": {"hand": 1}}},
        {"id": "more", "at": "2 d", "population": {"prevalence": 0.6}},
    ],
)


@pytest.fixture(scope="module")
def shifted() -> Bank:
    return bank(entries_of(SHIFTED))


def weighed(of: Bank, scenario: Scenario, regime: tuple[int, ...]) -> Mixture:
    return mixture_of(of, scenario, scenario.patient_classes[0], regime)


def test_only_populations_with_other_facts_are_sources() -> None:
    ages = [one.age.mean for one in sources_of(SHIFTED)]
    assert ages == [52, 80, 52, 80]  # base, nursing home, hands, and both; more of the ill is none
    assert len(sources_of(banked())) == 1


def test_a_bank_without_shifts_of_facts_is_that_of_the_base_alone() -> None:
    more = [{"at": "1 d", "population": {"prevalence": 0.6}}]
    assert entries_of(banked({"bank": 40}, shifts=more)) == entries_of(banked({"bank": 40}))


def test_the_base_population_is_as_if_there_were_no_shift(shifted: Bank) -> None:
    weights = weighed(shifted, SHIFTED, ()).weights
    female = np.array([one == "female" for one in shifted.sex])
    back, hand = (np.array([one == site for one in shifted.site]) for site in ("back", "hand"))
    every = sum(SITES.values())
    assert np.average(shifted.age, weights=weights) == pytest.approx(52, abs=1)
    assert weights[female].sum() == pytest.approx(4552 / 9958, abs=0.05)
    assert weights[back].sum() == pytest.approx(SITES["back"] / every, abs=0.05)
    assert weights[hand].sum() == pytest.approx(SITES["hand"] / every, abs=0.01)
    # Old women are in the bank for the shift's sake; in the base the old are no more often women.
    old = shifted.age >= 75
    assert weights[female & old].sum() / weights[old].sum() == pytest.approx(0.457, abs=0.1)


def test_a_shift_finds_its_patients(shifted: Bank) -> None:
    found = weighed(shifted, SHIFTED, (0, 1, 2))
    female = np.array([one == "female" for one in shifted.sex])
    hand = np.array([one == "hand" for one in shifted.site])
    assert np.average(shifted.age, weights=found.weights) == pytest.approx(80, abs=0.5)
    assert found.weights[female].sum() == pytest.approx(0.9)
    assert found.weights[hand].sum() == pytest.approx(1)
    assert found.weights[shifted.malignant].sum() == pytest.approx(0.6)
