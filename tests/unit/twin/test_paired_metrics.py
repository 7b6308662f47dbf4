"""Paired changes against brute force, and their bounds against repeated draws."""

from dataclasses import replace

import numpy as np
import pytest

from twin.errors import InvariantError
from twin.evaluate import auc
from twin.restacking.clusters import effective_cases
from twin.restacking.paired_metrics import (
    Pairs,
    auc_change,
    calibration_change,
    log_loss_change,
    sensitivity_change,
    specificity_change,
)

Z = 1.645  # one-sided 95 %
ALL = (auc_change, sensitivity_change, specificity_change, calibration_change, log_loss_change)


def sigmoid(log_odds):
    return 1 / (1 + np.exp(-log_odds))


def drawn(stream, count, *, before=1.0, after=2.0, verified=None):
    """Two answers to the same cases, one that sees less; verified by score where asked."""
    malignant = stream.random(count) < 0.4
    seen = np.where(malignant, 1.0, -1.0)
    noise = stream.normal(size=(3, count))
    scores = [
        share * seen + 0.7 * noise[0] + own
        for share, own in ((before, noise[1]), (after, noise[2]))
    ]
    weight = np.ones(count)
    kept = np.ones(count, np.bool_)
    if verified is not None:
        probability = np.where(scores[0] > 0, 1.0, verified)
        kept, weight = stream.random(count) < probability, 1 / probability
    p = [np.round(sigmoid(score), 6) for score in scores]
    made = Pairs(
        malignant=malignant,
        weight=weight,
        cluster=np.arange(count),
        champion=p[0],
        challenger=p[1],
        champion_flags=p[0] >= 0.5,
        challenger_flags=p[1] >= 0.5,
    )
    return made.where(kept)


@pytest.fixture(scope="module")
def pairs():
    return drawn(np.random.default_rng(1), 300)


def test_unweighted_values_are_the_usual_ones(pairs):
    ill = pairs.malignant
    found = auc_change(pairs)
    assert found.champion == pytest.approx(auc(pairs.champion, ill))
    assert found.challenger == pytest.approx(auc(pairs.challenger, ill))
    assert sensitivity_change(pairs).champion == pytest.approx(pairs.champion_flags[ill].mean())
    assert specificity_change(pairs).challenger == pytest.approx(
        (~pairs.challenger_flags[~ill]).mean()
    )
    losses = -np.log(np.where(ill, pairs.champion, 1 - pairs.champion))
    assert log_loss_change(pairs).champion == pytest.approx(losses.mean())


def test_delong_s_standard_error_by_its_definition(pairs):
    ill, well = np.flatnonzero(pairs.malignant), np.flatnonzero(~pairs.malignant)
    wins = [
        (p[ill][:, None] > p[well]) + 0.5 * (p[ill][:, None] == p[well])
        for p in (pairs.challenger, pairs.champion)
    ]
    gap = wins[0] - wins[1]
    by_hand = np.sqrt(
        gap.mean(axis=1).var(ddof=1) / len(ill) + gap.mean(axis=0).var(ddof=1) / len(well)
    )
    assert auc_change(pairs).se == pytest.approx(by_hand, rel=0.01)


def test_mcnemar_s_standard_error_with_pseudo_observations(pairs):
    found = sensitivity_change(pairs)
    ill = pairs.malignant
    gained = (pairs.challenger_flags & ~pairs.champion_flags)[ill].sum()
    lost = (~pairs.challenger_flags & pairs.champion_flags)[ill].sum()
    n = ill.sum()
    assert found.change == pytest.approx((gained - lost) / n)
    squares = (gained + lost - (gained - lost) ** 2 / n) * n / (n - 1) + 1
    assert found.se == pytest.approx(np.sqrt(squares) / (n + 2), rel=0.02)


@pytest.mark.parametrize("metric", ALL)
def test_a_weight_of_two_is_worth_two_cases_of_one_picture(metric):
    stream = np.random.default_rng(2)
    one = drawn(stream, 80)
    count = stream.integers(1, 4, size=80)
    weighted = metric(replace(one, weight=count.astype(float)))
    repeated = metric(one.where(np.repeat(np.arange(80), count)))
    for name in ("champion", "challenger", "se", "effective"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-6), name


@pytest.mark.parametrize("metric", ALL)
def test_neither_order_nor_the_scale_of_weights_matters(metric, pairs):
    shuffled = pairs.where(np.random.default_rng(3).permutation(len(pairs)))
    scaled = replace(pairs, weight=pairs.weight * 7)
    for other in (shuffled, scaled):
        assert metric(other).change == pytest.approx(metric(pairs).change, abs=1e-9)
        assert metric(other).se == pytest.approx(metric(pairs).se, abs=1e-9)


@pytest.mark.parametrize("metric", (sensitivity_change, specificity_change))
def test_two_that_agree_on_few_cases_are_not_proven_equal(metric):
    few = drawn(np.random.default_rng(4), 60)
    same = replace(few, challenger=few.champion, challenger_flags=few.champion_flags)
    found = metric(same)
    assert found.change == 0
    assert found.low(Z) < -0.02
    many = drawn(np.random.default_rng(4), 600)
    same = replace(many, challenger=many.champion, challenger_flags=many.champion_flags)
    assert metric(same).low(Z) > -0.02


@pytest.mark.parametrize(
    "metric", (auc_change, sensitivity_change, specificity_change, log_loss_change)
)
@pytest.mark.parametrize("setting", ({}, {"verified": 0.3}), ids=str)
def test_bounds_miss_the_truth_as_rarely_as_they_say(metric, setting):
    truth = metric(drawn(np.random.default_rng(0), 100_000)).change
    stream = np.random.default_rng(5)
    found = [metric(drawn(stream, 400, **setting)) for _ in range(200)]
    error = np.std([one.change for one in found]) / np.sqrt(200)
    assert np.mean([one.change for one in found]) == pytest.approx(truth, abs=4 * error)
    assert np.mean([one.se for one in found]) == pytest.approx(error * np.sqrt(200), rel=0.2)
    # 5 % and what 200 draws vary by; the bound on which nothing depends may be worse, because
    # a gain is skewed where the area is near 1.
    above = np.mean([one.low(Z) > truth for one in found])
    below = np.mean([one.high(Z) < truth for one in found])
    decisive, other = (below, above) if metric is log_loss_change else (above, below)
    assert decisive <= 0.085
    assert other <= 0.12


@pytest.mark.parametrize(("slope", "move"), ((1.4, 0.0), (0.75, 0.0), (1.0, 0.3)))
def test_a_worse_calibration_does_not_pass_because_labels_are_few(slope, move):
    stream = np.random.default_rng(10)
    passed = 0
    for _ in range(150):
        log_odds = stream.normal(-0.3, 2, size=150)
        right, other = sigmoid(log_odds), sigmoid(slope * log_odds + move)
        pairs = replace(
            drawn(stream, 150),
            malignant=stream.random(150) < right,
            champion=right,
            challenger=other,
        )
        passed += calibration_change(pairs).high(Z) <= 0.02
    assert passed <= 0.07 * 150  # the error rises by 0.04 to 0.05


@pytest.mark.parametrize("metric", ALL)
def test_patients_who_share_pictures_are_worth_fewer(metric):
    stream = np.random.default_rng(6)
    found = []
    for _ in range(150):
        pictures = drawn(stream, 60)
        twice = stream.integers(60, size=240)
        found.append(metric(pictures.where(twice)))
    spread = np.std([one.change for one in found])
    mean = np.mean([one.se for one in found])
    # Near no error at all the calibration's is made larger on purpose.
    assert 0.8 * spread < mean < (3 if metric is calibration_change else 1.25) * spread
    assert np.mean([one.effective for one in found]) < 55


def test_calibration_tells_who_is_overconfident():
    stream = np.random.default_rng(7)
    log_odds = stream.normal(scale=2, size=2000)
    right, bold, shifted = sigmoid(log_odds), sigmoid(2.5 * log_odds), sigmoid(log_odds + 1)
    pairs = replace(
        drawn(stream, 2000), malignant=stream.random(2000) < right, champion=right, challenger=bold
    )
    found = calibration_change(pairs)
    assert found.champion < 0.02
    assert found.challenger == pytest.approx(np.mean(np.abs(bold - right)), abs=0.02)
    assert found.low(Z) > 0.02
    found = calibration_change(replace(pairs, challenger=shifted))
    assert found.challenger == pytest.approx(np.mean(shifted - right), abs=0.02)


def test_few_labels_do_not_make_the_bolder_side_look_calibrated():
    stream = np.random.default_rng(8)
    changes = []
    for _ in range(200):
        log_odds = stream.normal(scale=2, size=60)
        pairs = replace(
            drawn(stream, 60),
            malignant=stream.random(60) < sigmoid(log_odds),
            champion=sigmoid(2 * log_odds),
            challenger=sigmoid(log_odds),
        )
        changes.append(calibration_change(pairs).change)
    assert np.mean(changes) < -0.02


def test_one_class_alone_has_no_area():
    pairs = drawn(np.random.default_rng(9), 20)
    with pytest.raises(InvariantError, match="both classes"):
        auc_change(pairs.where(pairs.malignant))
    with pytest.raises(InvariantError, match="a malignant case"):
        sensitivity_change(pairs.where(~pairs.malignant))


def test_effective_cases():
    assert effective_cases(np.ones(5), np.arange(5)) == 5
    assert effective_cases(np.array([20.0, 1.0]), np.arange(2)) == pytest.approx(441 / 401)
    assert effective_cases(np.ones(5), np.zeros(5, int)) == 1
