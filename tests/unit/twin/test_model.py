import json
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import ArtefactError
from twin.explain.fitting import Block, fit_surrogate
from twin.learners.registry import LEARNERS
from twin.meta import fit_meta
from twin.model import (
    MANIFEST,
    Model,
    build,
    learner_of,
    meta_of,
    reference_of,
    sketch_of,
    stem_of,
    surrogate_of,
    training_cases_of,
)
from twin.reference import Reference
from twin.sketch import fit_sketch
from twin.stem_weights import analytic
from twin.training_cases import TrainingCases

pytestmark = pytest.mark.slow  # learners' libraries, and TensorFlow for the stem

SMALL = {
    "catboost": {"iterations": 3},
    "xgboost": {"rounds": 3},
    "svm": {"dimensions": 3},
    "random_forest": {"n_estimators": 3},
    "gradient_boosting": {"n_estimators": 3},
    "knn": {"dimensions": 3},
}


def sample():
    stream = np.random.default_rng(0)
    y = np.arange(40) % 2 == 0
    return (stream.normal(size=(40, 5)) + y[:, None]).astype(np.float32), y


@cache
def model():
    x, y = sample()
    learners = {
        name: learner.fit(x, y, seed=0, settings={**learner.defaults, **SMALL[name]})
        for name, learner in LEARNERS.items()
    }
    z = np.stack([fitted.score(x) for fitted in learners.values()], axis=1)
    quality = {"auc": 0.9, "accuracy": 0.8}
    meta = fit_meta(z, y, list(LEARNERS), 0.01)
    facts = {
        "threshold": 0.5,
        "learners": {name: {"out_of_fold": quality} for name in LEARNERS},
        "meta": {
            "penalty": 0.01,
            "weights": dict(meta.weights_for(LEARNERS).weights),
            "out_of_fold": quality,
        },
    }
    return build(
        stem=replace(analytic(), needs_calibration=False),
        features="symmetric",
        codebook=None,
        learners=learners,
        meta=meta,
        sketch=fit_sketch(x),
        reference=Reference(log_odds=z, malignant=y, sketch=fit_sketch(x).of(x)),
        surrogate=fit_surrogate(x, z, learners, block=Block(name="symmetric", width=5), seed=0),
        cases=TrainingCases(sha256=np.zeros((len(y), 32), np.uint8), malignant=y),
        facts=facts,
    )


def resealed(change):
    """Return the model's files with its content changed by one who can seal."""
    content = json.loads(json.dumps(model().content))
    change(content)
    return {**model().files, MANIFEST: Model(content=content, files={}).manifest()}


def test_files_bring_the_same_model_back():
    back = Model.from_files(model().files, "here")
    assert back.model_id == model().model_id
    assert back.threshold == 0.5
    assert back.learners == tuple(LEARNERS)
    assert back.files == model().files


def test_the_same_parts_make_the_same_model():
    kept = model()
    model.cache_clear()
    assert model().files == kept.files


def test_the_id_is_twelve_hex_digits_and_follows_the_content():
    other = Model.from_files(resealed(lambda content: content.update(threshold=0.4)), "here")
    assert len(model().model_id) == 12
    assert int(model().model_id, 16) >= 0
    assert other.model_id != model().model_id


def test_each_part_is_enough_for_its_component():
    x, _ = sample()
    z = {}
    for name in LEARNERS:
        part = model().part(name)
        assert list(part) == [LEARNERS[name].file]
        z[name] = learner_of(part, name).score(x)
        assert np.array_equal(z[name], learner_of(model().files, name).score(x))
    assert len(meta_of(model().part("meta")).probability(z)) == 40
    assert surrogate_of(model().part("surrogate")).log_odds(x).shape == (40, 6)
    pixels = np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    assert stem_of(model().part("stem")).features(pixels).shape == (822,)


def test_the_report_names_learners_with_their_weights():
    report = model().report()
    assert list(report["learners"]) == list(LEARNERS)
    weights = meta_of(model().files).weights_for(LEARNERS).weights
    for name, figures in report["learners"].items():
        assert figures["meta_weight"] == weights[name]
        assert figures["auc"] == 0.9


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_changed_byte_anywhere_is_noticed(data):
    files = dict(model().files)
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    bit = data.draw(st.integers(0, 7))
    altered = bytearray(files[name])
    altered[place] ^= 1 << bit
    with pytest.raises(ArtefactError) as caught:
        Model.from_files({**files, name: bytes(altered)}, "there")
    assert str(caught.value).startswith("model there: ")
    assert name in str(caught.value) or name == MANIFEST


@pytest.mark.parametrize(
    ("old", "new"), [(b'"threshold":0.5', b'"threshold":0.4'), (b'{"content"', b'{ "content"')]
)
def test_a_manifest_that_does_not_fit_its_seal_is_refused(old, new):
    files = dict(model().files)
    assert old in files[MANIFEST]
    files[MANIFEST] = files[MANIFEST].replace(old, new)
    with pytest.raises(ArtefactError, match=r"manifest\.json was altered"):
        Model.from_files(files, "there")


@pytest.mark.parametrize("name", ["svm.npz", "stem.npz", "meta.json", MANIFEST])
def test_a_missing_file_is_named(name):
    files = {key: content for key, content in model().files.items() if key != name}
    with pytest.raises(ArtefactError, match=rf"model there: (lacks|has no) {name}"):
        Model.from_files(files, "there")


def test_an_unknown_file_is_named():
    with pytest.raises(ArtefactError, match=r"holds notes\.txt"):
        Model.from_files({**model().files, "notes.txt": b"hello"}, "there")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content.update(format=3), "format 3, but this program reads 4"),
        (lambda content: content["learners"].update(oracle={}), "learner oracle is unknown"),
        (lambda content: content["files"].pop("knn.npz"), r"holds knn\.npz"),
        (lambda content: content["files"].update({"more.npz": "0"}), r"lacks more\.npz"),
        (lambda content: content.pop("threshold"), "not a manifest.*threshold"),
        (lambda content: content.update(learners=[1]), "not a manifest"),
    ],
)
def test_manifests_of_others_are_refused(change, reason):
    with pytest.raises(ArtefactError, match=reason):
        Model.from_files(resealed(change), "there")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"content": []}'])
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ArtefactError, match="not a manifest"):
        Model.from_files({**model().files, MANIFEST: content}, "there")


def test_a_stem_with_an_unknown_feature_set_is_refused():
    odd = build(
        stem=analytic(),
        features="curvelets",
        codebook=None,
        learners={},
        meta=meta_of(model().files),
        sketch=sketch_of(model().files),
        reference=reference_of(model().files),
        surrogate=surrogate_of(model().files),
        cases=training_cases_of(model().files),
        facts={"threshold": 0.5, "learners": {}},
    )
    with pytest.raises(ArtefactError, match=r"stem\.npz.*curvelets"):
        stem_of(odd.files)


# What each part may import: a process pays for it at its start.
HEAVY = ("tensorflow", "sklearn", "catboost", "xgboost", "pandas")
PAYS = {"catboost": {"catboost", "pandas"}, "xgboost": {"xgboost", "sklearn", "pandas"}}


@pytest.mark.parametrize("name", [*LEARNERS, "meta", "surrogate"])
def test_a_part_imports_only_what_it_needs(name, tmp_path):
    for file, content in model().part(name).items():
        (tmp_path / file).write_bytes(content)
    load = f"learner_of(files, {name!r})" if name in LEARNERS else f"{name}_of(files)"
    program = f"""
import sys
from pathlib import Path
from twin.model import learner_of, meta_of, surrogate_of
files = {{path.name: path.read_bytes() for path in Path({str(tmp_path)!r}).iterdir()}}
{load}
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= PAYS.get(name, set())
