import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, roc_auc_score, roc_curve

from twin.errors import InvariantError
from twin.evaluate import evaluate
from twin.evaluation.differences import difference
from twin.evaluation.measured import Answers, measure, roc_corners
from twin.evaluation.resampling import lesion_weights, percentile_interval, weighted_figures


def drawn(lesions: int, stream: np.random.Generator) -> Answers:
    """Draw answers whose images of one lesion are alike."""
    size = stream.choice([1, 2, 3], lesions, p=[0.6, 0.25, 0.15])
    ill = stream.random(lesions) < 0.4
    place = np.repeat(np.arange(lesions), size)
    z = np.where(ill, 1.2, -1.2)[place] + stream.normal(0, 1.2, lesions)[place]
    p = 1 / (1 + np.exp(-1.1 * (z + stream.normal(0, 0.7, len(place)))))
    return Answers(p, ill[place], [str(one) for one in place])


def test_figures_are_those_of_plain_definitions() -> None:
    answers = drawn(150, np.random.default_rng(3))
    p, y = answers.p_malignant, answers.malignant
    found = measure(answers, 0.5, resamples=20)
    plain = evaluate(p, y, 0.5)
    values = {name: one.value for name, one in found.figures.items()}
    for name, value in values.items():
        assert value == pytest.approx(getattr(plain, name), abs=1e-6), name
    assert values["f1"] == pytest.approx(f1_score(y, p >= 0.5), abs=1e-6)
    assert values["precision"] == pytest.approx(precision_score(y, p >= 0.5), abs=1e-6)
    assert sum(sum(row.values()) for row in found.confusion.values()) == found.n == len(y)
    assert sum(row for row in found.confusion["malignant"].values()) == found.malignant
    assert found.lesions == 150
    assert sum(one.n for one in found.reliability) == found.n


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2))
def test_roc_corners_enclose_the_auc(cases) -> None:
    p = np.array([score for score, _ in cases]) / 9
    y = np.array([truth for _, truth in cases])
    corners = roc_corners(p, y)
    if y.all() or not y.any():
        assert corners == []
        return
    x, sensitivity = np.array(corners).T
    assert np.trapezoid(sensitivity, x) == pytest.approx(roc_auc_score(y, p), abs=1e-5)
    assert len(corners) <= len(roc_curve(y, p)[0])


def test_lesions_are_drawn_with_all_their_images() -> None:
    weights = np.concatenate(list(lesion_weights(["b", "a", "b", "c"], resamples=300)))
    assert weights.shape == (300, 4)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, :2].sum(axis=1) + weights[:, 3] == 3).all()
    again = np.concatenate(list(lesion_weights(["b", "a", "b", "c"], resamples=300)))
    assert (weights == again).all()


def test_intervals_over_lesions_are_wider_than_over_images() -> None:
    answers = drawn(80, np.random.default_rng(1))
    p, y = np.repeat(answers.p_malignant, 3), np.repeat(answers.malignant, 3)
    lesions = [name for name in answers.lesions for _ in range(3)]
    images = [str(place) for place in range(len(y))]
    by_lesion, by_image = (
        measure(Answers(p, y, names), 0.5, resamples=400).figures["accuracy"]
        for names in (lesions, images)
    )
    assert by_lesion.high - by_lesion.low > 1.5 * (by_image.high - by_image.low)


def test_intervals_cover_the_truth_of_clustered_data() -> None:
    stream = np.random.default_rng(7)
    many = drawn(200_000, stream)
    truth = {
        name: values[0]
        for name, values in weighted_figures(
            many.p_malignant, many.malignant, np.ones((1, len(many.malignant))), 0.5
        ).items()
    }
    trials = 80
    covered = dict.fromkeys(truth, 0)
    for trial in range(trials):
        found = measure(drawn(200, stream), 0.5, resamples=300, seed=trial)
        for name, one in found.figures.items():
            covered[name] += one.low <= truth[name] <= one.high
    error = covered.pop("calibration_error")
    # Two binomial standard errors of 80 trials are 0.05 around 0.95.
    assert min(covered.values()) / trials >= 0.87, covered
    assert error / trials >= 0.78, error


def test_what_is_not_defined_has_no_value() -> None:
    found = measure(Answers(np.array([0.2, 0.3]), np.array([False, False]), ["a", "b"]), 0.5)
    assert found.figures["sensitivity"].value is None
    assert found.figures["auc"].value is None
    assert found.figures["specificity"].value == 1.0
    assert found.roc == []
    assert percentile_interval(np.array([np.nan, np.nan, 1.0])) is None
    with pytest.raises(InvariantError, match="lengths"):
        Answers(np.array([0.2]), np.array([False, True]), ["a"])


def test_a_paired_difference_is_surer_than_an_unpaired_one() -> None:
    stream = np.random.default_rng(5)
    first = drawn(200, stream)
    worse = Answers(
        np.clip(first.p_malignant + stream.normal(0, 0.05, len(first.malignant)), 0, 1),
        first.malignant,
        first.lesions,
    )
    apart = Answers(worse.p_malignant, worse.malignant, [f"{name}'" for name in worse.lesions])
    paired = difference(first, worse, 0.5, resamples=400)["auc"]
    unpaired = difference(first, apart, 0.5, resamples=400)["auc"]
    assert paired.value == unpaired.value
    assert (paired.high - paired.low) < 0.5 * (unpaired.high - unpaired.low)
    assert "calibration_error" not in difference(first, worse, 0.5, resamples=10)


def test_a_share_of_all_has_the_exact_interval_of_its_lesions() -> None:
    p = np.array([0.9] * 30 + [0.1, 0.6])
    y = np.array([True] * 30 + [False, False])
    lesions = [str(place // 2) for place in range(30)] + ["a", "b"]
    found = measure(Answers(p, y, lesions), 0.5, resamples=200).figures
    sensitivity = found["sensitivity"]
    assert (sensitivity.value, sensitivity.high) == (1.0, 1.0)
    assert sensitivity.low == pytest.approx(0.025 ** (1 / 15), abs=1e-6)  # Clopper & Pearson
    assert (found["auc"].value, found["auc"].low) == (1.0, None)
