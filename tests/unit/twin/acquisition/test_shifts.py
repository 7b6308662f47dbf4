import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest
from tiny_model import patients

from twin.acquisition.acquisition import SEVERITIES, Acquisition
from twin.acquisition.shift import stream_of
from twin.acquisition.shifts import SHIFTS, apply
from twin.dermoscopy.render import render
from twin.errors import InvariantError

PLAIN = [render(patient.image.recipe) for patient in patients(6)]
ISSUE = {  # of the project's plan
    "defocus", "motion", "noise", "jpeg", "brightness", "contrast", "colour_cast", "dark_corners",
    "hair", "gel_bubbles", "marker_ink", "vignetting", "low_resolution", "wrong_crop",
}  # fmt: skip
every_shift = pytest.mark.parametrize("name", SHIFTS)


def shifted(pixels, seed=3, **severity):
    return apply(pixels, Acquisition(seed=seed, severity=severity))


def distance(pixels, others):
    return float(np.abs(pixels.astype(int) - others).mean())


def test_all_shifts_are_there_with_five_levels_and_a_source():
    assert set(SHIFTS) == ISSUE
    for name, shift in SHIFTS.items():
        assert shift.name == name
        assert all(len(values) == 5 for values in shift.levels.values())
        assert "\n" not in shift.about
        assert shift.source


@every_shift
@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_shift_makes_other_pixels_and_leaves_its_own_alone(name, severity):
    before = PLAIN[0].copy()
    before.flags.writeable = False  # a write in place would raise
    after = shifted(before, **{name: severity})
    assert after.shape == (224, 224, 3)
    assert after.dtype == np.uint8
    assert np.array_equal(before, PLAIN[0])
    assert not np.array_equal(after, before)
    assert np.array_equal(after, shifted(before, **{name: severity}))


@every_shift
@pytest.mark.parametrize("seed", [0, 11])
def test_a_higher_severity_is_further_away_on_each_picture(name, seed):
    # A picture moved by more than its structures are wide is as far away as it can be: there the
    # mean over the pictures must do.
    for pictures in [PLAIN] if name == "wrong_crop" else [[pixels] for pixels in PLAIN]:
        away = [
            np.mean([distance(each, shifted(each, seed, **{name: one})) for each in pictures])
            for one in SEVERITIES
        ]
        assert all(less < more for less, more in itertools.pairwise(away)), away


@every_shift
def test_black_and_white_pictures_stay_within_eight_bits(name):
    for grey in (0, 255):
        flat = np.full((224, 224, 3), grey, np.uint8)
        away = distance(flat, shifted(flat, **{name: 5}))
        assert away < 200  # whatever wraps around is 255 away


RANDOM = ["marker_ink", "hair", "gel_bubbles", "motion", "wrong_crop", "dark_corners", "noise"]


@every_shift
def test_the_seed_decides_what_is_random(name):
    first, other = (shifted(PLAIN[1], seed, **{name: 4}) for seed in (1, 2))
    assert np.array_equal(first, other) != (name in RANDOM)


@every_shift
def test_another_process_makes_the_same_pixels(name):
    told = hashlib.sha256(shifted(PLAIN[2], seed=8, **{name: 3}).tobytes()).hexdigest()
    assert told == others_told()[name]


def others_told(found={}):  # noqa: B006  one process for all shifts
    if not found:
        code = (
            "import hashlib, test_shifts as here\n"
            "for name in here.SHIFTS:\n"
            "    pixels = here.shifted(here.PLAIN[2], seed=8, **{name: 3})\n"
            "    print(name, hashlib.sha256(pixels.tobytes()).hexdigest())\n"
        )
        paths = [path for path in sys.path if path]
        told = subprocess.run(
            [sys.executable, "-c", f"import sys\nsys.path[:0] = {paths!r}\n{code}"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        found.update(line.split() for line in told.splitlines())
    return found


def test_the_order_in_the_acquisition_does_not_matter():
    forth = {"jpeg": 2, "hair": 3, "brightness": 1}
    back = dict(reversed(forth.items()))
    assert np.array_equal(shifted(PLAIN[0], **forth), shifted(PLAIN[0], **back))


def test_several_shifts_come_one_after_the_other_as_light_meets_them():
    together = shifted(PLAIN[0], jpeg=3, hair=4)
    assert np.array_equal(together, shifted(shifted(PLAIN[0], hair=4), jpeg=3))
    assert not np.array_equal(together, shifted(shifted(PLAIN[0], jpeg=3), hair=4))


def test_no_shift_is_a_copy():
    same = shifted(PLAIN[0])
    assert np.array_equal(same, PLAIN[0])
    assert same is not PLAIN[0]


@pytest.mark.parametrize(
    ("severity", "reason"),
    [({"fog": 1}, "no acquisition shift 'fog'"), ({"hair": 0}, "severity 0"), ({"hair": 6}, "6")],
)
def test_what_is_unknown_is_never_left_out(severity, reason):
    with pytest.raises(InvariantError, match=reason):
        apply(PLAIN[0], Acquisition(seed=1, severity=severity))


@pytest.mark.parametrize("seed", [-1, 0, 2**63, 2**70 + 5])
def test_any_seed_from_outside_will_do(seed):
    assert stream_of(seed, "hair").random() == stream_of(seed, "hair").random()
    assert np.array_equal(shifted(PLAIN[0], seed, hair=2), shifted(PLAIN[0], seed, hair=2))


def test_a_disc_keeps_flat_parts_and_spreads_a_point_evenly():
    from twin.acquisition.optics import DEFOCUS

    point = np.zeros((224, 224, 3), np.uint8)
    point[100, 90] = 255
    for severity in SEVERITIES:
        blurred = DEFOCUS.change(point, DEFOCUS.level(severity), stream_of(0, "defocus"))
        grey = blurred[..., 0].astype(float)
        around = grey[92:109, 82:99]
        assert around.sum() == grey.sum()
        assert abs(grey.sum() - 255) < 60  # each pixel is rounded
        away = np.arange(-8, 9) ** 2
        across, down = (around.sum(axis) @ away / around.sum() for axis in (0, 1))
        assert across == pytest.approx(down, rel=1e-12)
        radius_px = DEFOCUS.level(severity)["radius_px"]
        # Variances of a disc and of a pixel, which stands for its whole square
        assert across == pytest.approx(radius_px**2 / 4 + 1 / 12, abs=0.1, rel=0.05)
        assert np.array_equal(around, around.T)
        assert np.array_equal(around, around[::-1, ::-1])
    flat = np.full((224, 224, 3), 77, np.uint8)
    assert np.array_equal(shifted(flat, defocus=5), flat)
    assert np.array_equal(shifted(flat, motion=5), flat)
