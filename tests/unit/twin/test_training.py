import hashlib
from functools import cache

import numpy as np
import pytest

from twin.errors import DataError
from twin.evaluate import auc
from twin.explain.neighbours import nearest
from twin.learners.registry import LEARNERS
from twin.model import Model, learner_of, meta_of, stem_of, training_cases_of
from twin.stem_weights import StemWeights, analytic
from twin.training import FULL, QUICK, train

pytestmark = pytest.mark.slow  # TensorFlow and all learners

COUNT = 72
LABELS = np.arange(COUNT) % 3 == 0
GROUPS = [f"lesion-{place // 2}" for place in range(COUNT)]  # two images of each


def pixels(place):
    """Malignant ones are darker and rougher in the middle."""
    stream = np.random.default_rng(place)
    image = stream.normal(150, 12, (56, 56, 3)).repeat(4, axis=0).repeat(4, axis=1)
    if LABELS[place]:
        image[60:160, 60:160] += stream.normal(-25, 25, (25, 25, 3)).repeat(4, 0).repeat(4, 1)
    return np.clip(image, 0, 255).astype(np.uint8)


@cache
def trained(threads=2, seed=0):
    told = []
    model = train(
        pixels,
        LABELS,
        GROUPS,
        stem=analytic(),
        settings=QUICK,
        seed=seed,
        threads=threads,
        on_progress=lambda *news: told.append(news),
    )
    return model, told


def test_a_model_that_tells_the_classes_apart_comes_out():
    model, _ = trained()
    back = Model.from_files(model.files, "here")
    stem, meta = stem_of(back.part("stem")), meta_of(back.part("meta"))
    x = np.stack([stem.features(pixels(place)) for place in range(COUNT)])
    z = {name: learner_of(back.part(name), name).score(x) for name in back.learners}
    assert auc(meta.probability(z), LABELS) > 0.95
    assert back.report()["stack"]["auc"] > 0.8


def test_the_model_knows_its_training_images_by_their_pixels():
    cases = training_cases_of(trained()[0].part("cases"))
    assert cases.malignant.tolist() == LABELS.tolist()
    for row in (0, 5, COUNT - 1):
        assert cases.digest(row) == hashlib.sha256(pixels(row).tobytes()).hexdigest()


def test_an_image_that_was_learned_from_is_its_own_nearest_neighbour():
    model = trained()[0]
    stem, knn = stem_of(model.part("stem")), learner_of(model.part("knn"), "knn")
    found = nearest(knn, stem.features(pixels(7)), 5)
    assert (found[0].row, found[0].malignant) == (7, bool(LABELS[7]))
    assert found[0].distance == pytest.approx(0, abs=1e-3)
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert len(nearest(knn, stem.features(pixels(7)), 10 * COUNT)) == COUNT


def test_threads_do_not_change_a_bit_of_the_model():
    assert trained(1)[0].model_id == trained(2)[0].model_id


def test_the_seed_is_used():
    one, other = trained(2, 1)[0].files, trained(2)[0].files
    assert one["catboost.npz"] != other["catboost.npz"]
    assert one["knn.npz"] == other["knn.npz"]  # nothing is drawn for it


def test_out_of_fold_scores_have_not_seen_their_labels():
    chance = np.random.default_rng(0).random(COUNT) < 0.5
    report = train(pixels, chance, GROUPS, stem=analytic(), settings=QUICK).report()
    assert all(figures["auc"] < 0.75 for figures in report["learners"].values())


def test_kernels_run_on_one_thread_while_training():
    from threadpoolctl import threadpool_info, threadpool_limits

    seen = set()

    def watched(place):
        seen.update(pool["num_threads"] for pool in threadpool_info())
        raise DataError("c.jpg", "enough seen")

    # As in a program that imported NumPy before the twin
    with threadpool_limits(2), pytest.raises(DataError, match="enough seen"):
        train(watched, LABELS, GROUPS, stem=analytic(), settings=QUICK)
    assert seen == {1}


def test_the_manifest_says_what_was_learned_from():
    content = trained()[0].content
    assert content["data"]["images"] == COUNT
    assert content["data"]["malignant"] == 24
    assert content["data"]["lesions"] == 36
    assert len(content["data"]["sha256"]) == 64
    assert content["threshold"] == 0.5
    assert content["stem"] == "analytic"
    assert content["features"] == "symmetric"
    assert set(content["versions"]) == {"numpy", "tensorflow", "sklearn", "catboost", "xgboost"}
    assert (
        content["learners"]["svm"]["settings"]["dimensions"] == QUICK.learners["svm"]["dimensions"]
    )
    assert set(content["meta"]["weights"]) == set(LEARNERS)


def test_progress_runs_to_the_end_of_every_stage():
    _, told = trained()
    stages = {}
    for stage, done, total in told:
        assert done >= stages.get(stage, (0, total))[0]
        stages[stage] = (done, total)
    assert stages == {
        "features": (COUNT, COUNT),
        "learners": (6 * (QUICK.folds + 1), 6 * (QUICK.folds + 1)),
        "meta": (1, 1),
        "surrogate": (1, 1),
    }


def test_a_stem_with_its_own_normalisation_keeps_it():
    weights = StemWeights(
        kernel=analytic().kernel,
        scale=np.full(32, 1.5, np.float32),
        shift=np.full(32, 2.5, np.float32),
        source="some.npz",
    )
    model = train(pixels, LABELS, GROUPS, stem=weights, settings=QUICK)
    kept = stem_of(model.files).weights
    assert np.array_equal(kept.scale, weights.scale)
    assert np.array_equal(kept.shift, weights.shift)
    assert model.content["features"] == "zone-quantiles"


def test_the_analytic_stem_is_calibrated():
    weights = stem_of(trained()[0].files).weights
    assert not weights.needs_calibration
    assert len(np.unique(weights.scale)) > 20


def test_presets_set_all_learners():
    for preset in (FULL, QUICK):
        assert list(preset.learners) == list(LEARNERS)
    assert FULL.learners["catboost"] == LEARNERS["catboost"].defaults
    assert FULL.learners["svm"] == {**LEARNERS["svm"].defaults, "relevance": 1.0}
    # Small sets tell too little of a single feature, and quick models keep their ids
    assert all("relevance" not in settings for settings in QUICK.learners.values())


@pytest.mark.parametrize("kind", [True, False])
def test_an_empty_class_is_the_datas_fault(kind):
    with pytest.raises(DataError, match=f"0 {'benign' if kind else 'malignant'} lesions"):
        train(pixels, np.full(COUNT, kind), GROUPS, stem=analytic(), settings=QUICK)


def test_too_few_lesions_of_a_class_are_the_datas_fault():
    groups = ["one" if label else group for label, group in zip(LABELS, GROUPS, strict=True)]
    with pytest.raises(DataError, match="1 malignant lesions, but 3 folds need 6"):
        train(pixels, LABELS, groups, stem=analytic(), settings=QUICK)


def test_an_image_that_cannot_be_had_stops_the_training():
    def broken(place):
        if place == 30:
            raise DataError("b.jpg", "truncated")
        return pixels(place)

    with pytest.raises(DataError, match=r"b\.jpg: truncated"):
        train(broken, LABELS, GROUPS, stem=analytic(), settings=QUICK)
