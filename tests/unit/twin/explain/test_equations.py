"""The paper's equations 27 to 29 on a small network, against finite differences of its score."""

import numpy as np
import pytest

from twin.explain.equations import enlarged, grad_cam, hires_cam, saliency

EDGE, FILTERS, STEP = 6, 4, 1e-5


class Network:
    """3 × 3 convolution of three colours, ReLU, then a smooth score of all activations."""

    def __init__(self):
        draws = np.random.default_rng(0)
        self.pixels = draws.normal(size=(EDGE, EDGE, 3))
        self.kernel = draws.normal(size=(3, 3, 3, FILTERS))
        self.weights = draws.normal(size=(EDGE - 2, EDGE - 2, FILTERS))

    def activation(self, pixels):
        windows = np.lib.stride_tricks.sliding_window_view(pixels, (3, 3), axis=(0, 1))
        return np.maximum(np.einsum("hwcij,ijck->hwk", windows, self.kernel), 0)

    def score(self, activation):
        return np.tanh((self.weights * activation).sum() / 20) + (activation**2).mean()

    def of_activation(self):
        active = self.activation(self.pixels)
        inner = np.tanh((self.weights * active).sum() / 20)
        return self.weights * (1 - inner**2) / 20 + 2 * active / active.size

    def of_pixels(self):
        passed = self.of_activation() * (self.activation(self.pixels) > 0)
        gradient = np.zeros_like(self.pixels)
        for row in range(EDGE - 2):
            for column in range(EDGE - 2):
                gradient[row : row + 3, column : column + 3] += self.kernel @ passed[row, column]
        return gradient


def differences(function, at):
    """Return (f(x + step) − f(x − step)) / 2 step for every entry of x."""
    found = np.empty_like(at)
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = STEP
        found[place] = (function(at + step) - function(at - step)) / (2 * STEP)
    return found


@pytest.fixture(scope="module")
def network():
    return Network()


def test_grad_cam_is_equations_27_and_28(network):
    active = network.activation(network.pixels)
    slopes = differences(network.score, active)
    expected = np.zeros(active.shape[:2])
    for k in range(FILTERS):
        alpha = slopes[..., k].sum() / (EDGE - 2) ** 2  # 27
        expected += alpha * active[..., k]  # 28
    found = grad_cam(active, network.of_activation())
    assert found == pytest.approx(np.maximum(expected, 0), abs=1e-6)
    assert (found > 0).any()
    assert (found == 0).any()


def test_saliency_is_equation_29(network):
    slopes = differences(lambda x: network.score(network.activation(x)), network.pixels)
    found = saliency(network.of_pixels())
    assert found == pytest.approx(np.abs(slopes).max(axis=2), abs=1e-6)


def test_hires_cam_averages_nothing(network):
    active = network.activation(network.pixels)
    slopes = differences(network.score, active)
    expected = np.maximum((slopes * (active - 3)).sum(axis=2), 0)
    found = hires_cam(active, network.of_activation(), centre=3.0)
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_other_class_has_the_other_sign(network):
    active, gradient = network.activation(network.pixels), network.of_activation()
    malignant, benign = (hires_cam(active, sign * gradient, centre=1.0) for sign in (1, -1))
    assert not (malignant * benign).any()
    assert (malignant + benign > 0).all()


@pytest.mark.parametrize("cam", [grad_cam, hires_cam])
def test_a_batch_is_its_images(cam):
    draws = np.random.default_rng(1)
    active, gradient = draws.normal(size=(2, 5, 6, 7, 3)).astype(np.float32)
    alone = [cam(one, other) for one, other in zip(active, gradient, strict=True)]
    assert cam(active, gradient) == pytest.approx(np.stack(alone), abs=1e-6)


def test_enlarged_values_stand_in_the_middle_of_what_their_filter_sees():
    maps = np.arange(12.0).reshape(1, 3, 4)
    found = enlarged(maps)
    assert found.shape == (1, 6, 8)
    assert np.array_equal(found[:, 1::2, 1::2], maps)
    assert found[0, 2, 3] == (maps[0, 0, 1] + maps[0, 1, 1]) / 2
    assert found[0, 0, 0] == 0
