"""How good a model is on a bank, and how sure the bank is of it."""

import numpy as np
import pytest
from bank_samples import bank, entry, of_images, people

from simulator.cases.bank import AS_THEY_COME, Bank
from simulator.cases.bank_margins import Mixture, mixture_of
from simulator.cases.bank_quality import quality, weighted_auc
from twin.evaluate import auc


def mixture(of: Bank) -> Mixture:
    scenario = of_images(population={"prevalence": 0.1, "sex": {"female": 0.8, "male": 0.2}})
    return mixture_of(of, scenario, scenario.patient_classes[0], ())


def test_weighted_auc_is_the_auc_of_a_sample_with_repeats() -> None:
    draws = np.random.default_rng(1)
    p, y = np.round(draws.random(60), 1), draws.random(60) < 0.4
    times = draws.integers(1, 5, 60)
    repeated = auc(np.repeat(p, times), np.repeat(y, times))
    assert weighted_auc(p, times * y, times * ~y) == pytest.approx(repeated)


def test_figures_are_weighted_and_a_larger_bank_is_surer() -> None:
    small, large = bank(people(100), associated=True), bank(people(1600), associated=True)
    widths = []
    for of in (small, large):
        scores, weighed = of.scores[AS_THEY_COME], mixture(of)
        found = quality(of, scores, weighed, 0.5)
        flagged = scores.p_malignant >= 0.5
        sensitivity = weighed.within(of.malignant)[flagged].sum()
        assert found["sensitivity"].value == pytest.approx(sensitivity, abs=1e-6)
        for one in found.values():
            assert one.low is not None and one.value is not None and one.high is not None
            assert one.low <= one.value <= one.high
        widths.append(found["auc"].high - found["auc"].low)
    assert widths[1] < widths[0] / 2.5  # sixteen times the lesions: a quarter
    assert quality(large, large.scores[AS_THEY_COME], mixture(large), 0.5) == found


def test_the_bootstrap_draws_lesions_and_not_images() -> None:
    entries = people(200)
    alone = bank(entries, associated=True)
    # Every image five times: no more is known, and the interval says so.
    copies = [
        entry(
            5 * place + copy,
            **{
                name: getattr(one, name)
                for name in ("malignant", "lesion", "age", "sex", "site", "skin_tone", "diagnosis")
            },
        )
        for place, one in enumerate(entries)
        for copy in range(5)
    ]
    many = bank(copies, associated=True)
    scores = many.scores[AS_THEY_COME]
    scores.p_malignant[:] = np.repeat(alone.scores[AS_THEY_COME].p_malignant, 5)
    once = quality(alone, alone.scores[AS_THEY_COME], mixture(alone), 0.5)
    assert quality(many, scores, mixture(many), 0.5) == once


def test_a_bank_without_malignant_scores_has_no_sensitivity() -> None:
    entries = people(40)
    ill = [place for place, one in enumerate(entries) if one.malignant]
    of = bank(entries, associated=True, faults=dict.fromkeys(ill, "truncated"))
    found = quality(of, of.scores[AS_THEY_COME], mixture(of), 0.5)
    assert found["sensitivity"].value is None
    assert found["auc"].value is None
    assert found["specificity"].value is not None
