import numpy as np
import pytest

from twin.errors import InvariantError
from twin.explain.fillings import blurred, rim_colour
from twin.explain.lesion_masks import agreement, lesion_mask
from twin.explain.maps import scaled
from twin.explain.occlusion import occlusion
from twin.explain.rise import rise


def spot(level=200) -> np.ndarray:
    """An image of one grey with a dark square off its middle."""
    pixels = np.full((224, 224, 3), level, np.uint8)
    pixels[48:80, 128:160] = 20
    return pixels


def darkness(images: np.ndarray) -> np.ndarray:
    return (images < 100).mean((1, 2, 3)) * 49


def test_what_carries_the_score_is_where_its_loss_is_greatest() -> None:
    pixels = spot()
    found = occlusion(pixels, darkness, rim_colour(pixels))
    assert found.shape == (224, 224)
    inside = found[48:80, 128:160]
    assert inside.min() > 0.25
    assert found[112:, :].max() == 0.0
    assert inside.max() == found.max() == pytest.approx(0.75)  # no patch covers all of it


def test_one_batch_holds_the_image_and_every_patch() -> None:
    asked: list[int] = []

    def counted(images):
        asked.append(len(images))
        return darkness(images)

    occlusion(spot(), counted, spot(), patch_px=56, stride_px=28)
    assert asked == [1 + 7 * 7]  # nothing is scored twice


def test_a_score_that_rises_without_a_patch_has_a_negative_map() -> None:
    pixels = spot()
    assert occlusion(pixels, lambda images: -darkness(images), rim_colour(pixels)).max() <= 0


def test_rise_finds_what_carries_the_score_and_its_worth() -> None:
    pixels = spot()
    asked: list[int] = []

    def counted(images):
        asked.append(len(images))
        return darkness(images)

    found = rise(pixels, counted, rim_colour(pixels), masks=100)
    assert sum(asked) == 100
    inside = found[48:80, 128:160]
    assert inside.mean() > 4 * np.abs(found).mean()
    assert inside.max() == found.max()
    # With the spot's middle, half of all masks show most of it: about its whole worth of 1
    assert 0.5 < found.max() < 1.0


def test_rise_does_not_change_with_the_hour_and_halves_belong_together() -> None:
    pixels = spot()
    once = rise(pixels, darkness, rim_colour(pixels), masks=20)
    assert np.array_equal(once, rise(pixels, darkness, rim_colour(pixels), masks=20))
    # Every mask comes with its opposite, so each pixel is there in exactly half of the images.
    assert np.abs(rise(pixels, lambda images: np.ones(len(images)), pixels, masks=20)).max() < 1e-6


@pytest.mark.parametrize("filling", [blurred, rim_colour])
def test_a_filling_keeps_an_image_of_one_colour(filling) -> None:
    grey = np.full((224, 224, 3), 137, np.uint8)
    assert np.array_equal(filling(grey), grey)


def test_the_rims_colour_is_skin_and_a_blur_keeps_the_mean() -> None:
    pixels = spot()
    assert np.unique(rim_colour(pixels)).tolist() == [200]
    smooth = blurred(pixels)
    assert smooth.mean() == pytest.approx(pixels.mean(), abs=0.5)
    assert np.abs(np.diff(smooth.astype(int), axis=0)).max() <= 6
    assert np.array_equal(pixels, spot())  # neither wrote into its input


def test_maps_run_from_0_to_1_and_remember_their_unit() -> None:
    raw = np.zeros((224, 224))
    raw[0, 0], raw[1, 1] = -2.0, 6.0
    found = scaled(raw, method="any", fidelity=0.5, model_id="m")
    assert (found.low, found.high) == (-2.0, 6.0)
    assert (found.values[0, 0], found.values[1, 1], found.values[2, 2]) == (0.0, 1.0, 0.25)
    assert found.values.dtype == np.float32
    assert not scaled(raw * 0 + 3, method="any", fidelity=None, model_id="m").values.any()


@pytest.mark.parametrize("raw", [np.zeros((3, 3)), np.full((224, 224), np.nan)])
def test_what_is_no_map_is_refused(raw) -> None:
    with pytest.raises(InvariantError, match="any made a map"):
        scaled(raw, method="any", fidelity=None, model_id="m")


def test_the_mask_of_a_rendered_lesion_is_where_it_is_dark() -> None:
    from tiny_model import patients

    from twin.dermoscopy.render import render

    for patient in patients(4, seed=8):
        mask = lesion_mask(patient.image.recipe)
        grey = render(patient.image.recipe).mean(2)
        assert 0.005 < mask.mean() < 0.9
        assert grey[mask].mean() < grey[~mask].mean()


def test_agreement_of_a_map_on_the_lesion_beside_it_and_of_none() -> None:
    mask = np.zeros((224, 224), bool)
    mask[:56] = True
    on = agreement(mask.astype(np.float32), mask)
    assert (on.area, on.mass_inside, on.overlap) == (0.25, 1.0, 1.0)
    beside = agreement((~mask).astype(np.float32), mask)
    assert (beside.mass_inside, beside.overlap) == (0.0, 0.0)
    flat = agreement(np.zeros((224, 224), np.float32), mask)
    assert flat.mass_inside == flat.area
