import json
from dataclasses import replace

import numpy as np
import pytest

from twin.errors import DataError, InvariantError
from twin.mobilenet.fine_tuning import FineTuning, validation_part
from twin.mobilenet.tuned import TuningSettings, tuned_of
from twin.mobilenet.weights import random_weights
from twin.tensorflow import import_tensorflow

pytestmark = pytest.mark.slow  # TensorFlow

SETTINGS = TuningSettings(
    first_trained="Conv_1",
    epochs=4,
    patience=4,
    batch=16,
    learning_rate=3e-3,
    validation_share=0.25,
)
LABELS = np.arange(48) % 2 == 0
GROUPS = [f"lesion {place // 2 % 12} {place % 2}" for place in range(48)]


def front():
    """Input of the last convolution, as two views; malignant ones are a little brighter."""
    stream = np.random.default_rng(0)
    found = stream.normal(size=(48, 2, 7, 7, 320)).astype(np.float16)
    found[LABELS, ..., :40] += 0.4
    return found


def tuning(settings=SETTINGS, seed=0, state=None, x=None):
    tf = import_tensorflow()
    weights = random_weights(0)
    x = front() if x is None else x
    return FineTuning(tf, x, LABELS, GROUPS, weights, settings, seed, state)


@pytest.fixture(scope="module")
def whole():
    """Four epochs in one go, and the state after each."""
    one = tuning()
    states = [one.state() for _ in one.epochs()]
    return one.result(), states


def test_it_learns_what_there_is_to_learn(whole) -> None:
    tuned, _ = whole
    first, last = tuned.curve[0], tuned.curve[-1]
    assert [epoch.number for epoch in tuned.curve] == [1, 2, 3, 4]
    assert last.train_loss < first.train_loss
    assert last.validation_auc > 0.9
    assert tuned.training_images + len(tuned.validation) == 48
    assert last.learning_rate == pytest.approx(0, abs=1e-9)
    assert tuned_of(json.loads(json.dumps(tuned.facts())), tuned.arrays) == tuned


def test_going_on_from_a_state_is_as_if_it_had_never_stopped(whole) -> None:
    tuned, states = whole
    for state in (states[1], states[3]):
        resumed = tuning(state=state)
        list(resumed.epochs())
        result = resumed.result()
        assert result.curve == tuned.curve
        assert result.best_epoch == tuned.best_epoch
        for name, array in tuned.arrays.items():
            assert result.arrays[name].tobytes() == array.tobytes(), name


def test_another_seed_is_another_training(whole) -> None:
    other = tuning(seed=1)
    assert next(iter(other.epochs())) != whole[0].curve[0]


def test_the_arrays_are_those_of_the_epoch_with_the_least_validation_loss(whole) -> None:
    tuned, states = whole
    losses = [epoch.validation_loss for epoch in tuned.curve]
    assert losses[tuned.best_epoch - 1] == min(losses)
    state = states[tuned.best_epoch - 1]
    for name, array in tuned.arrays.items():
        assert array.tobytes() == state[f"weights/{name}"].tobytes()


def test_it_stops_where_waiting_brings_nothing() -> None:
    worse = replace(SETTINGS, epochs=20, patience=1, learning_rate=0.5, warm_up=0.0)
    one = tuning(worse)
    done = list(one.epochs())
    assert one.is_done
    assert len(done) < 20
    assert one.result().best_epoch == len(done) - 1


def test_validation_images_are_never_trained_on() -> None:
    """Whatever stands in the validation part, the weights after an epoch are the same."""
    plain = tuning()
    x = front()
    x[plain.validation] = 3.0
    other = tuning(x=x)
    first, second = next(iter(plain.epochs())), next(iter(other.epochs()))
    assert first.train_loss == second.train_loss
    assert first.validation_loss != second.validation_loss
    for name, array in plain.state().items():
        if name.startswith("weights/"):
            assert array.tobytes() == other.state()[name].tobytes()


def test_no_lesion_is_in_both_parts() -> None:
    training, held = validation_part(LABELS, GROUPS, 0.25, 0)
    assert sorted([*training, *held]) == list(range(48))
    assert not {GROUPS[place] for place in training} & {GROUPS[place] for place in held}
    assert LABELS[held].mean() == 0.5
    with pytest.raises(DataError, match="1 malignant lesions"):
        validation_part(np.array([True, False, False]), ["a", "b", "c"], 0.25, 0)


def test_a_state_of_another_training_is_refused(whole) -> None:
    _, states = whole
    with pytest.raises(InvariantError, match="not a state"):
        tuning(
            replace(SETTINGS, first_trained="block_16"),
            state=states[0],
            x=np.zeros((48, 1, 7, 7, 160), np.float16),
        )
    with pytest.raises(InvariantError, match="Conv_1 was given"):
        tuning(x=front()[:40])
    with pytest.raises(InvariantError, match="no epoch"):
        tuning().result()
