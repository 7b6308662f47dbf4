import numpy as np
import pytest

from simulator.analysis.bayes import Counts, by_bayes, chance_of, holm, of_share

TEST = Counts(hits=90, misses=10, alarms=200, passes=800)


def test_predictive_values_are_those_of_the_theorem() -> None:
    for prevalence in (0.01, 0.08, 0.15, 0.6):
        ill, well = prevalence * 0.9, (1 - prevalence) * 0.2
        assert by_bayes("ppv", prevalence, TEST).share == pytest.approx(ill / (ill + well))
        passed, missed = (1 - prevalence) * 0.8, prevalence * 0.1
        assert by_bayes("npv", prevalence, TEST).share == pytest.approx(passed / (passed + missed))


@pytest.mark.parametrize("kind", ["ppv", "npv"])
def test_intervals_hold_the_truth_as_often_as_they_say(kind) -> None:
    rng = np.random.default_rng(4)
    sensitivity, specificity, prevalence = 0.9, 0.8, 0.15
    if kind == "ppv":
        part, rest = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    else:
        part, rest = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    true, held = part / (part + rest), 0
    for _ in range(1000):
        hits, passes = rng.binomial(80, sensitivity), rng.binomial(900, specificity)
        counts = Counts(hits=hits, misses=80 - hits, alarms=900 - passes, passes=passes)
        low, high = by_bayes(kind, prevalence, counts).interval(0.95)
        held += low <= true <= high
    assert 930 <= held <= 975


def test_a_count_of_nought_has_an_interval_all_the_same() -> None:
    perfect = Counts(hits=40, misses=0, alarms=0, passes=60)
    low, high = by_bayes("ppv", 0.1, perfect).interval(0.95)
    assert 0 < low < high < 1


@pytest.mark.parametrize("prevalence", [0.0, 1.0, float("nan")])
def test_a_prevalence_without_odds_is_refused(prevalence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        by_bayes("ppv", prevalence, TEST)


def test_two_estimates_of_one_share_differ_by_chance_as_often_as_said() -> None:
    rng = np.random.default_rng(2)
    chances = [
        chance_of(of_share(rng.binomial(300, 0.9), 300), of_share(rng.binomial(500, 0.9), 500))
        for _ in range(2000)
    ]
    assert np.mean(np.array(chances) < 0.05) == pytest.approx(0.05, abs=0.015)
    assert chance_of(of_share(270, 300), of_share(200, 300)) < 1e-6
    assert chance_of(of_share(270, 300), of_share(270, 300)) == 1


def test_several_tests_together_are_judged_more_strictly() -> None:
    assert holm([0.01, 0.5, 0.02]) == [0.03, 0.5, 0.04]
    assert holm([0.4, 0.3]) == [0.6, 0.6]
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []
