"""The contract of learners, over all six, and each one's scores against its own library."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import ArtefactError
from twin.evaluate import auc
from twin.learners import catboost_learner, xgboost_learner
from twin.learners.contract import Range, to_scores
from twin.learners.registry import LEARNERS

pytestmark = pytest.mark.slow  # CatBoost, XGBoost and scikit-learn are imported

# Small enough for a unit test, and deep enough that rows end in many different leaves.
SMALL = {
    "catboost": {"iterations": 30, "depth": 4},
    "xgboost": {"rounds": 30},
    "svm": {"dimensions": 6},
    "random_forest": {"n_estimators": 30},
    "gradient_boosting": {"n_estimators": 30, "max_features": 0.5},
    "knn": {"dimensions": 6},
}
EVERY = pytest.mark.parametrize("name", list(LEARNERS))


def sample(rows, seed):
    stream = np.random.default_rng(seed)
    y = stream.random(rows) < 0.4
    x = stream.normal(size=(rows, 10)) + np.where(y, 0.8, -0.8)[:, None] * (np.arange(10) < 4)
    return (x * 3 + 1).astype(np.float32), y


def chosen(name):
    return {**LEARNERS[name].defaults, **SMALL[name]}


@cache
def fitted(name, seed=0):
    x, y = sample(200, 0)
    return LEARNERS[name].fit(x, y, seed=seed, settings=chosen(name))


def test_the_registry_holds_the_papers_six_in_order():
    assert list(LEARNERS) == [
        "catboost",
        "xgboost",
        "svm",
        "random_forest",
        "gradient_boosting",
        "knn",
    ]
    assert len({learner.file for learner in LEARNERS.values()}) == 6


@EVERY
def test_settings_lie_within_their_search_ranges(name):
    learner = LEARNERS[name]
    full = {**learner.defaults, **learner.full}
    assert learner.search.keys() <= full.keys()
    assert learner.quick.keys() <= learner.defaults.keys()
    for setting, span in learner.search.items():
        assert isinstance(span, Range)
        assert span.low <= full[setting] <= span.high
        assert not span.whole or isinstance(full[setting], int)


@pytest.mark.parametrize("name", ["svm", "knn"])
def test_relevance_makes_distances_count_what_tells_the_classes_apart(name):
    stream = np.random.default_rng(4)
    y = stream.random(400) < 0.4
    x = stream.normal(size=(400, 160)).astype(np.float32)
    x[:, 0] += 2.5 * y  # one feature tells, 159 are noise
    settings = {**LEARNERS[name].defaults, "dimensions": 0}

    def held_out_auc(**more):
        learner = LEARNERS[name].fit(x[:200], y[:200], seed=0, settings={**settings, **more})
        again = LEARNERS[name].load(learner.to_bytes())
        assert np.array_equal(again.score(x[200:]), learner.score(x[200:]))
        return auc(learner.score(x[200:]), y[200:])

    assert held_out_auc(relevance=1.0) > held_out_auc() + 0.05
    assert held_out_auc(relevance=0.0) == held_out_auc()


@EVERY
def test_it_learns(name):
    x, y = sample(300, 1)
    assert auc(fitted(name).score(x), y) > 0.85


@EVERY
def test_high_scores_mean_malignant_with_about_those_odds(name):
    x, y = sample(2000, 2)
    p = 1 / (1 + np.exp(-fitted(name).score(x)))
    assert abs(p.mean() - y.mean()) < 0.08


@EVERY
@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(24)), cut=st.integers(0, 24))
def test_a_batch_does_not_change_a_bit_of_a_score(name, order, cut):
    x, _ = sample(24, 3)
    together = fitted(name).score(x)
    mixed = np.concatenate([fitted(name).score(x[order[:cut]]), fitted(name).score(x[order[cut:]])])
    assert mixed.tobytes() == together[list(order)].tobytes()


@EVERY
def test_one_by_one_equals_a_batch_of_hundreds(name):
    x, _ = sample(150, 4)
    together = fitted(name).score(x)
    alone = np.concatenate([fitted(name).score(row[None]) for row in x])
    assert alone.tobytes() == together.tobytes()


@EVERY
def test_strided_rows_score_like_contiguous_ones(name):
    x, _ = sample(40, 5)
    assert np.array_equal(fitted(name).score(x[::2]), fitted(name).score(x[::2].copy()))
    assert np.array_equal(fitted(name).score(np.asfortranarray(x)), fitted(name).score(x))


@EVERY
def test_bytes_bring_the_same_learner_back(name):
    x, _ = sample(60, 6)
    back = LEARNERS[name].load(fitted(name).to_bytes())
    assert back.score(x).tobytes() == fitted(name).score(x).tobytes()


@EVERY
def test_the_same_fit_gives_the_same_bytes(name):
    x, y = sample(200, 0)
    again = LEARNERS[name].fit(x, y, seed=0, settings=chosen(name))
    assert again.to_bytes() == fitted(name).to_bytes()


@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "knn"])
def test_the_seed_is_used(name):
    assert fitted(name, 1).to_bytes() != fitted(name).to_bytes()


@EVERY
def test_scores_are_log_odds_on_the_common_scale(name):
    x, _ = sample(200, 7)
    scores = fitted(name).score(x)
    assert scores.dtype == np.float64
    assert scores.shape == (200,)
    assert np.abs(scores).max() <= 8
    assert np.array_equal(scores, scores.round(6))
    assert len(np.unique(scores)) > 20


@EVERY
def test_scoring_changes_neither_input_nor_learner(name):
    x, _ = sample(50, 8)
    kept = x.copy()
    first = fitted(name).score(x)
    assert np.array_equal(x, kept)
    assert np.array_equal(fitted(name).score(x), first)


@EVERY
def test_an_empty_batch_has_an_empty_answer(name):
    scores = fitted(name).score(np.empty((0, 10), np.float32))
    assert scores.shape == (0,)
    assert scores.dtype == np.float64


@EVERY
def test_other_bytes_are_refused_by_name(name):
    with pytest.raises(ArtefactError, match=LEARNERS[name].file.replace(".", r"\.")):
        LEARNERS[name].load(b"these bytes are no model at all")


def test_scores_are_clipped_and_rounded():
    assert to_scores(np.array([9, -9, 0.12345678])).tolist() == [8, -8, 0.123457]


def on_and_beside(numbers, columns):
    """Rows whose every value is one of the numbers, or the next one below or above."""
    stream = np.random.default_rng(11)
    x = stream.choice(numbers[np.isfinite(numbers)], (300, columns)).astype(np.float32)
    towards = stream.choice([-np.inf, 0, np.inf], x.shape).astype(np.float32)
    return np.where(towards == 0, x, np.nextafter(x, towards))


@pytest.mark.parametrize("rounds", [30, 600])
def test_catboost_scores_as_the_library_does(rounds):
    import catboost

    x, y = sample(200, 0)
    model = catboost.CatBoost(
        {
            "loss_function": "Logloss",
            "bootstrap_type": "Bernoulli",
            "verbose": False,
            "allow_writing_files": False,
            **chosen("catboost"),
            "iterations": rounds,
        }
    )
    model.fit(x, y.astype(np.int8))
    ours = catboost_learner.taken_apart(model)
    for rows in (sample(300, 9)[0], on_and_beside(ours.trees.border.ravel(), 10)):
        wanted = model.predict(rows, prediction_type="RawFormulaVal")
        assert ours.score(rows) == pytest.approx(np.clip(wanted, -8, 8), abs=1e-6)


@pytest.mark.parametrize("rounds", [30, 600])
def test_xgboost_scores_as_the_library_does(rounds):
    import xgboost

    x, y = sample(200, 0)
    settings = {"objective": "binary:logistic", "gamma": 0.5, **chosen("xgboost")}
    del settings["rounds"]
    booster = xgboost.train(settings, xgboost.DMatrix(x, label=y), num_boost_round=rounds)
    ours = xgboost_learner.taken_apart(booster)
    for rows in (sample(300, 9)[0], on_and_beside(ours.trees.threshold, 10)):
        wanted = booster.predict(xgboost.DMatrix(rows), output_margin=True)
        assert ours.score(rows) == pytest.approx(np.clip(wanted, -8, 8), abs=1e-6)


def test_random_forest_votes_as_scikit_learn_does():
    from sklearn.ensemble import RandomForestClassifier

    x, y = sample(200, 0)
    forest = RandomForestClassifier(random_state=0, **chosen("random_forest")).fit(x, y)
    fresh, _ = sample(100, 9)
    votes = forest.predict_proba(fresh)[:, 1] * 30
    wanted = np.log(votes + 0.5) - np.log(30 - votes + 0.5)
    assert fitted("random_forest").score(fresh) == pytest.approx(wanted, abs=2e-6)


def test_gradient_boosting_scores_as_scikit_learn_does():
    from sklearn.ensemble import GradientBoostingClassifier

    x, y = sample(200, 0)
    model = GradientBoostingClassifier(random_state=0, **chosen("gradient_boosting")).fit(x, y)
    fresh, _ = sample(100, 9)
    wanted = np.clip(model.decision_function(fresh), -8, 8)
    assert fitted("gradient_boosting").score(fresh) == pytest.approx(wanted, abs=2e-6)


def test_the_support_vector_machine_decides_as_scikit_learn_does():
    from sklearn.svm import SVC

    x, y = sample(200, 0)
    machine = fitted("svm")
    seen = machine.view.of_all(x)
    # scikit-learn's own gamma="scale" is one over dimensions times variance
    assert machine.gamma == pytest.approx(0.7 / (6 * seen.var()))
    theirs = SVC(C=5.0, gamma=machine.gamma).fit(seen, y)
    fresh, _ = sample(100, 9)
    wanted = theirs.decision_function(machine.view.of_all(fresh))
    assert machine.decision(fresh) == pytest.approx(wanted, abs=1e-9)
    assert machine.platt[1] > 0


def test_neighbours_vote_by_nearness():
    machine = fitted("knn")
    x, y = sample(200, 0)
    fresh, _ = sample(5, 9)
    seen, asked = machine.view.of_all(x), machine.view.of_all(fresh)
    for place, score in zip(asked, machine.score(fresh), strict=True):
        distance = np.linalg.norm(seen - place, axis=1)
        nearest = np.argsort(distance)[:20]
        nearness = 1 / distance[nearest]
        votes = 20 * nearness[y[nearest]].sum() / nearness.sum()
        assert score == pytest.approx(np.log((votes + 0.5) / (20 - votes + 0.5)), abs=1e-5)


def test_few_samples_are_all_neighbours():
    x, y = sample(8, 10)
    learner = LEARNERS["knn"].fit(x, y, seed=0, settings={"neighbours": 20, "dimensions": 0})
    assert np.isfinite(learner.score(x)).all()
