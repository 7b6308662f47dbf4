import numpy as np
import pytest
from tiny_model import patients, tiny_model

from twin.errors import DependencyError, InvariantError
from twin.explain.equations import enlarged, grad_cam, saliency
from twin.explain.gradient_explainers import METHODS, GradientExplainers
from twin.explain.gradients import Gradients
from twin.imaging import Imaging
from twin.learners.registry import LEARNERS
from twin.meta import MetaStack, MetaWeights
from twin.model import meta_of, sketch_of, stem_of, surrogate_of

pytestmark = pytest.mark.slow  # trains a model


@pytest.fixture(scope="module")
def explainers():
    return GradientExplainers(tiny_model().part("surrogate"), tiny_model().model_id)


@pytest.fixture(scope="module")
def pixels():
    imaging = Imaging()
    return np.stack([imaging.pixels(patient.image) for patient in patients(10, 31)])


def raw(one):
    return one.low + one.values * (one.high - one.low)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_map_from_0_to_1_with_its_raw_scale(explainers, pixels, method):
    for one in explainers.maps(pixels[:3], method):
        assert one.values.shape == (224, 224)
        assert one.values.dtype == np.float32
        assert (one.values.min(), one.values.max()) == (0, 1)
        assert one.high > one.low >= 0
        assert one.method == method
        assert one.model_id == tiny_model().model_id
        assert one.fidelity == tiny_model().content["surrogate"]["rank_correlation"]


def test_maps_are_the_equations_of_the_models_own_stack(explainers, pixels):
    files = tiny_model().files
    gradients = Gradients(stem_of(files), sketch_of(files), surrogate_of(files))
    stack = meta_of(files).weights_for(LEARNERS)
    of_layer = gradients.of_activation(pixels[:1], stack)
    expected = enlarged(grad_cam(of_layer.activation[0], of_layer.gradient[0]))
    assert raw(explainers.maps(pixels[:1], "grad-cam")[0]) == pytest.approx(expected, rel=1e-3)
    expected = saliency(gradients.of_pixels(pixels[:1], stack).gradient[0])
    found = raw(explainers.maps(pixels[:1], "saliency")[0])
    assert found == pytest.approx(expected, abs=1e-3 * float(expected.max()))


@pytest.mark.parametrize("method", ["grad-cam", "hires-cam", "saliency"])
def test_a_batch_is_its_images_one_by_one(explainers, pixels, method):
    together = explainers.maps(pixels, method)  # more than a chunk
    for place in (0, 7, 8, 9):
        (alone,) = explainers.maps(pixels[place : place + 1], method)
        assert alone.high == pytest.approx(together[place].high, rel=1e-2)
        assert np.abs(alone.values - together[place].values).max() < 0.02


@pytest.mark.parametrize("method", METHODS)
def test_the_same_question_has_the_same_answer(explainers, pixels, method):
    one, again = (explainers.maps(pixels[:2], method) for _ in range(2))
    for first, second in zip(one, again, strict=True):
        assert first.values.tobytes() == second.values.tobytes()


def test_no_images_have_no_maps(explainers, pixels):
    assert explainers.maps(pixels[:0], "grad-cam") == []


def test_another_stack_version_is_explained_by_its_own_weights(explainers, pixels):
    def version(**weights):
        names = tuple(name for name in weights if name in LEARNERS)
        stack = MetaWeights(intercept=0.0, weights=weights)
        return MetaStack(learners=names, penalty=0.1, stacks={names: stack})

    def found(meta):
        return raw(explainers.maps(pixels[:1], "hires-cam", meta=meta)[0])

    once, twice, other = version(svm=1.0), version(svm=2.0), version(knn=1.0)
    assert found(twice) == pytest.approx(2 * found(once), rel=1e-2, abs=1e-3)
    assert np.corrcoef(found(once).ravel(), found(other).ravel())[0, 1] < 0.99


def test_learners_that_are_absent_say_nothing(explainers, pixels):
    gone = frozenset(name for name in LEARNERS if name != "knn")
    meta = meta_of(tiny_model().files)
    alone = MetaStack(learners=("knn",), penalty=0.1, stacks={("knn",): meta.weights_for(["knn"])})
    (found,) = explainers.maps(pixels[:1], "grad-cam", absent=gone)
    (expected,) = explainers.maps(pixels[:1], "grad-cam", meta=alone)
    assert found.values.tobytes() == expected.values.tobytes()
    (own,) = explainers.maps(pixels[:1], "grad-cam")
    assert found.high != own.high
    assert found.fidelity == expected.fidelity != own.fidelity


def test_no_learner_is_no_stack(explainers, pixels):
    with pytest.raises(DependencyError):
        explainers.maps(pixels[:1], "grad-cam", absent=frozenset(LEARNERS))


def test_benign_is_the_other_direction(explainers, pixels):
    (for_it,) = explainers.maps(pixels[:1], "hires-cam")
    (against,) = explainers.maps(pixels[:1], "hires-cam", malignant=False)
    inner = (slice(1, None, 2),) * 2  # where activations stand
    assert not (for_it.values[inner] * against.values[inner]).any()


def test_an_unknown_method_is_an_error(explainers, pixels):
    with pytest.raises(InvariantError, match="no gradient explainer crystal-ball; there are grad"):
        explainers.maps(pixels[:1], "crystal-ball")
