"""Patients out of a bank: truth, entry and score are keyed; how often one comes is its weight."""

import math
from typing import Any

import numpy as np
import pytest
from bank_samples import bank, banked, people

from simulator.cases.bank import AS_THEY_COME, Bank
from simulator.cases.bank_margins import mixture_of
from simulator.cases.bank_patients import BankPatients, Drawn
from simulator.clinic.journal import Journal
from simulator.clinic.person import Person
from simulator.draws.uniforms import Uniforms
from simulator.experiment.replicate import replicate
from simulator.language.scenario import Scenario

PEOPLE = people(600)
BLUR = (("defocus", 3),)


def drawn(scenario: Scenario, of: Bank, count: int, replication: int = 0) -> np.ndarray:
    mixture = mixture_of(of, scenario, scenario.patient_classes[0], ())
    key = (scenario.seed, replication)
    truth, entry = Uniforms(*key, "population.truth.patient"), Uniforms(*key, "bank.entry.patient")
    return Drawn(of, mixture, truth, entry).block(0, count).astype(int)


def persons(scenario: Scenario, of: Bank, count: int, regime: tuple[int, ...] = ()) -> list[Person]:
    patients = BankPatients(scenario, scenario.patient_classes[0], 0, of)
    made = [Person(key, key, 0.0, 0, "patient", 2) for key in range(count)]
    for person in made:
        person.regime = regime
        patients.fill(person)
    return made


def run(scenario: Scenario, of: Bank, replication: int = 0) -> Journal:
    return replicate(scenario, replication, bank=of)


def test_a_million_draws_have_the_prevalence_and_the_weights_of_the_population() -> None:
    of, n = bank(PEOPLE), 1_000_000
    scenario = banked({"population": {"prevalence": 0.08}})
    entries = drawn(scenario, of, n)
    malignant = int(of.malignant[entries].sum())
    assert abs(malignant - 0.08 * n) < 4 * math.sqrt(0.08 * 0.92 * n)
    mixture = mixture_of(of, scenario, scenario.patient_classes[0], ())
    counts, expected = np.bincount(entries, minlength=len(of)), n * mixture.weights
    # Pearson's chi-square: its mean is the degrees of freedom, its variance twice as many.
    there = expected > 0
    chi2 = float((np.square(counts - expected)[there] / expected[there]).sum())
    freedom = there.sum() - 1
    assert abs(chi2 - freedom) < 4 * math.sqrt(2 * freedom)


def test_a_patient_has_the_facts_and_the_score_of_an_entry() -> None:
    of = bank(PEOPLE)
    for person in persons(banked(), of, 200):
        place = person.bank_entry
        assert place is not None
        assert person.malignant == bool(of.malignant[place])
        assert (person.age, person.sex) == (int(of.age[place]), of.sex[place])
        assert (person.site, person.diagnosis) == (of.site[place], of.diagnosis[place])
        assert person.skin_tone == of.skin_tone[place]
        assert person.score == of.scores[AS_THEY_COME].p_malignant[place]
        assert person.score_flags == (person.score >= 0.5), "the model's own operating point"
    for person in persons(banked(decision={"threshold": 0.2}), of, 200):
        assert person.score_flags == (person.score >= 0.2)


def test_a_higher_prevalence_turns_some_and_leaves_the_others_as_they_were() -> None:
    of, n = bank(PEOPLE), 20_000
    few, many = (
        drawn(banked({"population": {"prevalence": prevalence}}), of, n)
        for prevalence in (0.08, 0.15)
    )
    turned = few != many
    assert turned.mean() == pytest.approx(0.07, abs=0.006)
    assert of.malignant[many[turned]].all()
    assert not of.malignant[few[turned]].any()


def test_weights_that_change_a_little_move_few_patients_far() -> None:
    of, n = bank(PEOPLE), 20_000
    tones = [
        {"I-II": 0.5, "III-IV": 0.35, "V-VI": 0.15},
        {"I-II": 0.5, "III-IV": 0.33, "V-VI": 0.17},
    ]
    before, after = (
        drawn(banked({"population": {"prevalence": 0.1, "skin_tone": tone}}), of, n)
        for tone in tones
    )
    assert (of.malignant[before] == of.malignant[after]).all()
    diagnosis = np.array(of.diagnosis)
    assert (diagnosis[before] != diagnosis[after]).mean() < 0.01
    tone = np.array(of.skin_tone)
    assert (tone[before] != tone[after]).mean() < 0.15


def test_who_is_in_a_shift_is_drawn_and_scored_otherwise() -> None:
    of = bank(PEOPLE, ways=(AS_THEY_COME, BLUR))
    scenario = banked(
        shifts=[
            {"at": "1 d", "population": {"prevalence": 0.6}},
            {"at": "2 d", "image": {"defocus": 3}},
        ]
    )
    before, after, blurred = (persons(scenario, of, 3000, regime) for regime in ((), (0,), (0, 1)))
    shares = [sum(p.malignant is True for p in ones) / 3000 for ones in (before, after, blurred)]
    assert shares == pytest.approx([0.2, 0.6, 0.6], abs=0.035)
    assert [p.bank_entry for p in after] == [p.bank_entry for p in blurred]
    for person in blurred[:100]:
        assert person.score == of.scores[BLUR].p_malignant[person.bank_entry or 0]
    kept = [(a, b) for a, b in zip(before, after, strict=True) if a.malignant == b.malignant]
    assert all(a.bank_entry == b.bank_entry for a, b in kept)


def test_a_run_tells_who_is_in_a_shift_and_draws_them_so() -> None:
    of = bank(PEOPLE)
    scenario = banked(shifts=[{"at": "2 d", "population": {"prevalence": 1}}])
    journal = run(scenario, of)
    assert journal.patients.columns[-2:] == ("shifts", "bank_entry")
    arrival_min, malignant = (journal.patients.column(n) for n in ("arrival_min", "malignant"))
    assert malignant[arrival_min >= 2 * 1440].all()
    assert malignant[arrival_min < 2 * 1440].mean() == pytest.approx(0.2, abs=0.06)
    journal.close()


def test_sensitivity_of_a_run_is_that_of_the_weighted_bank() -> None:
    of = bank(PEOPLE)
    scenario = banked({"population": {"prevalence": 0.3}}, horizon="60 d")
    journal = run(scenario, of)
    malignant = journal.patients.column("malignant") == 1
    flagged = journal.patients.column("flagged")[malignant]
    mixture = mixture_of(of, scenario, scenario.patient_classes[0], ())
    within = mixture.within(of.malignant)
    expected = float(within[of.scores[AS_THEY_COME].p_malignant >= 0.5].sum())
    error = math.sqrt(expected * (1 - expected) / len(flagged))
    assert len(flagged) > 4000
    assert abs(flagged.mean() - expected) < 3.5 * error
    journal.close()


def test_rows_name_the_entry_and_images_that_could_not_be_scored_are_rejected() -> None:
    of = bank(PEOPLE, faults=dict.fromkeys(range(300), "image a.jpg: truncated"))
    journal = run(banked(), of)
    assert journal.patients.columns[-1] == "bank_entry"
    entries = journal.patients.column("bank_entry").astype(int)
    rejected = ~np.isnan(journal.patients.column("rejected"))
    assert (rejected == (entries < 300)).all()
    assert 0.3 < rejected.mean() < 0.7
    assert list(journal.words["rejected"]) == ["image a.jpg: truncated"]
    assert (np.isnan(journal.patients.column("flagged")) == rejected).all()
    journal.close()


def test_runs_without_a_bank_have_no_column_of_entries() -> None:
    nominal: dict[str, Any] = {"source": "nominal", "population": {}}
    plain = Scenario.model_validate(
        banked().model_dump(by_alias=True, exclude_none=True)
        | {"cases": nominal | {"ai": {"sensitivity": 0.9, "specificity": 0.9}}}
    )
    journal = replicate(plain, 0)
    assert "bank_entry" not in journal.patients.columns
    journal.close()


def test_replications_draw_other_patients_from_the_same_bank() -> None:
    of = bank(PEOPLE)
    first, again, other = (drawn(banked(), of, 500, n).tolist() for n in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_bank_and_nominal_cases_have_the_same_ill_patients() -> None:
    of = bank(PEOPLE)
    of_bank = run(banked(), of)
    scenario = banked()
    told = scenario.model_dump(by_alias=True, exclude_none=True)
    told["cases"] = {"source": "nominal", "population": {"prevalence": 0.2}}
    told["pathway"] = [told["pathway"][1]]
    nominal = replicate(Scenario.model_validate(told), 0)
    rows = [
        dict(
            zip(
                journal.patients.column("key").astype(int).tolist(),
                journal.patients.column("malignant").tolist(),
                strict=True,
            )
        )
        for journal in (of_bank, nominal)
    ]
    assert rows[0] == rows[1]
    of_bank.close()
    nominal.close()
