import numpy as np
import pytest

from benchmarks.accuracy_blocks import BLOCKS, Look
from benchmarks.accuracy_trials import TRIALS, drawn
from twin.stem import Stem
from twin.stem_weights import analytic, calibrated


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (224, 224, 3), np.uint8)


def test_every_trial_names_blocks_and_a_trial_to_compare_with():
    for trial in TRIALS.values():
        assert {*trial.blocks, *trial.views} <= BLOCKS.keys()
        assert trial.against in TRIALS


def test_kept_blocks_are_the_twins_own_features():
    weights = calibrated(analytic(), [picture(0), picture(1)], 1.0)
    look, kept = Look(weights), Stem(weights, "mirror").features(picture(2))
    found = [BLOCKS[name](look, picture(2)) for name in ("symmetric", "mirror")]
    assert np.concatenate(found) == pytest.approx(kept, abs=1e-4)


def test_every_block_is_finite_and_of_one_length():
    look = Look(calibrated(analytic(), [picture(0)], 1.0))
    for name, block in BLOCKS.items():
        one, other = block(look, picture(3)), block(look, np.full((224, 224, 3), 120, np.uint8))
        assert one.shape == other.shape, name
        assert np.isfinite(one).all(), name
        assert np.isfinite(other).all(), name


def test_a_lesion_is_drawn_whole_or_not_at_all():
    groups = ["a", "b", "a", "c"]
    for rows in drawn(groups)[:20]:
        counts = np.bincount(rows, minlength=4)
        assert counts[0] == counts[2]
