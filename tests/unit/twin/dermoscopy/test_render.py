"""Each control of a recipe shows in the picture, and where it should."""

import hashlib
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from twin.dermoscopy.recipe import LesionRecipe, fault_of
from twin.dermoscopy.render import render

PLAIN = LesionRecipe(
    **{
        **dict.fromkeys((each.name for each in fields(LesionRecipe)), 0.0),
        "seed": 7,
        "tone_ita_deg": 45.0,
        "radius": 0.5,
        "fade": 0.2,
        "melanin": 0.3,
        "light": 1.0,
    }
)
BUSY = replace(
    PLAIN,
    **{
        each.name: 0.4
        for each in fields(LesionRecipe)
        if each.name not in ("seed", "tone_ita_deg", "radius", "light")
    },
)
AXIS = (np.arange(224) + 0.5) / 112 - 1
RADIUS = np.hypot(AXIS[:, None], AXIS[None, :])
CENTRE = RADIUS < 0.2  # within every lesion here
SKIN = (RADIUS > 0.85) & (RADIUS < 1)  # outside every lesion here


def shown(**controls: float) -> np.ndarray:
    return render(replace(PLAIN, **controls)).astype(float)


def test_a_picture_is_what_the_stem_takes() -> None:
    picture = render(BUSY)
    assert picture.shape == (224, 224, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous


def test_the_same_recipe_gives_the_same_bytes() -> None:
    assert render(BUSY).tobytes() == render(replace(BUSY)).tobytes()


def test_the_same_recipe_gives_the_same_bytes_on_any_host() -> None:
    # Also under other SIMD levels and BLAS kernels (NPY_DISABLE_CPU_FEATURES,
    # OPENBLAS_CORETYPE). A change of the renderer changes it, and with it every digest of a run.
    assert hashlib.sha256(render(BUSY).tobytes()).hexdigest()[:16] == "657d3c10330a824b"


def test_another_seed_gives_another_picture() -> None:
    assert (render(BUSY) != render(replace(BUSY, seed=8))).mean() > 0.5


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_seeds_at_the_ends_render(seed: int) -> None:
    assert shown(seed=seed).std() > 1


@pytest.mark.parametrize("name", [each.name for each in fields(LesionRecipe)])
def test_every_control_shows(name: str) -> None:
    changed = {"seed": 8, "tone_ita_deg": 20.0, "light": 0.8}.get(name, 0.8)
    base = {"hair": 0.5} if name == "blond" else {}
    assert np.abs(shown(**base | {name: changed}) - shown(**base)).mean() > 0.05


@pytest.mark.parametrize(
    "name",
    [
        *("melanin", "blood", "core", "variegation", "roughness", "network", "globules", "veil"),
        *("regression", "milia", "ulceration", "lacunae", "patch"),
    ],
)
def test_what_belongs_to_the_lesion_leaves_the_skin_alone(name: str) -> None:
    change = np.abs(shown(**{name: 0.9}) - shown())
    assert change[SKIN].max() == 0
    assert change[CENTRE | (RADIUS < 0.4)].mean() > 0.2


def individual_typology_angle(rgb: np.ndarray) -> float:
    """Degrees, of sRGB (n, 3) in 0 to 255, by CIE L*a*b* under D65 (Chardon et al. 1991)."""
    level = rgb / 255
    linear = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).mean(0)
    y = linear @ [0.2126, 0.7152, 0.0722]
    z = linear @ [0.0193, 0.1192, 0.9505] / 1.08883
    lightness, b = 116 * np.cbrt(y) - 16, 200 * (np.cbrt(y) - np.cbrt(z))
    return float(np.degrees(np.arctan2(lightness - 50, b)))


@pytest.mark.parametrize("angle_deg", [-45, -30, 0, 20, 35, 48, 60])
def test_skin_has_the_typology_angle_asked_for(angle_deg: float) -> None:
    found = [
        individual_typology_angle(shown(tone_ita_deg=angle_deg, seed=seed)[SKIN])
        for seed in range(4)
    ]
    assert np.mean(found) == pytest.approx(angle_deg, abs=5)


def test_pigment_is_darker_and_browner_than_the_skin() -> None:
    picture = shown(melanin=0.5)
    lesion, skin = picture[CENTRE].mean(0), picture[SKIN].mean(0)
    assert (lesion < skin).all()
    assert lesion[2] / skin[2] < lesion[0] / skin[0]  # melanin takes most of the blue


def test_blood_reddens() -> None:
    pale, red = shown()[CENTRE].mean(0), shown(blood=0.8)[CENTRE].mean(0)
    assert red[0] > 0.9 * pale[0]
    assert red[1] < 0.8 * pale[1]


def test_a_veil_is_bluer_than_the_lesion() -> None:
    plain, veiled = shown(melanin=0.6), shown(melanin=0.6, veil=1.0)
    inside = RADIUS < 0.3
    assert veiled[inside, 2].mean() > plain[inside, 2].mean() + 20
    assert veiled[inside, 2].mean() > veiled[inside, 0].mean()


def test_regression_is_lighter_than_the_lesion() -> None:
    inside = RADIUS < 0.3
    assert shown(regression=1.0)[inside].mean() > shown()[inside].mean() + 20


@pytest.mark.parametrize("name", ["veil", "regression"])
def test_veil_and_regression_cover_the_share_asked_for(name: str) -> None:
    inside = RADIUS < 0.3
    shares = []
    for seed in range(20):
        change = np.abs(shown(seed=seed, **{name: 0.4}) - shown(seed=seed)).sum(2)
        whole = np.abs(shown(seed=seed, **{name: 1.0}) - shown(seed=seed)).sum(2)
        shares.append(change[inside].mean() / whole[inside].mean())
    strength = 0.4**0.5 if name == "veil" else 1.0  # a small veil is a thin one, too
    assert np.mean(shares) == pytest.approx(0.4 * strength, abs=0.12)


def dark(picture: np.ndarray) -> np.ndarray:
    """Where a picture is darker than halfway between skin and lesion."""
    green = picture[..., 1]
    return green < (green[SKIN].mean() + green[CENTRE].mean()) / 2


def test_the_radius_is_that_of_the_lesion() -> None:
    for radius in (0.3, 0.6):
        shares = [dark(shown(radius=radius, seed=seed)).mean() for seed in range(6)]
        assert np.mean(shares) == pytest.approx(np.pi * radius**2 / 4, rel=0.15)


def outline_length(picture: np.ndarray) -> float:
    """Steps between lesion and skin, relative to the root of the area."""
    inside = dark(picture)
    steps = (np.diff(inside, axis=0) != 0).sum() + (np.diff(inside, axis=1) != 0).sum()
    return float(steps / np.sqrt(inside.sum()))


@pytest.mark.parametrize("name", ["border", "streaks"])
def test_an_irregular_border_is_longer(name: str) -> None:
    plain, irregular = (
        np.mean([outline_length(shown(seed=seed, fade=0.0, **{name: level})) for seed in range(5)])
        for level in (0.0, 1.0)
    )
    assert irregular > 1.1 * plain


def lopsidedness(picture: np.ndarray) -> float:
    """Share of the lesion that its image, turned by half about its centre, does not cover."""
    inside = dark(picture)
    rows, columns = np.nonzero(inside)
    turned = np.zeros_like(inside)
    row = np.clip(np.rint(2 * rows.mean() - rows), 0, 223).astype(int)
    column = np.clip(np.rint(2 * columns.mean() - columns), 0, 223).astype(int)
    turned[row, column] = True
    return float((inside & ~turned).sum() / inside.sum())


def test_asymmetry_makes_the_lesion_lopsided() -> None:
    even, uneven = (
        np.mean([lopsidedness(shown(seed=seed, asymmetry=level)) for seed in range(12)])
        for level in (0.0, 1.0)
    )
    assert uneven > 1.5 * even


def test_a_fading_border_is_less_steep() -> None:
    sharp, soft = (np.abs(np.diff(shown(fade=f)[..., 1], axis=1)).max() for f in (0.0, 1.0))
    assert soft < 0.6 * sharp


def test_variegation_spreads_colours() -> None:
    even, spread = (shown(variegation=v)[RADIUS < 0.35, 0].std() for v in (0.0, 1.0))
    assert spread > 2 * even


def fine_structure(picture: np.ndarray) -> float:
    """Mean second difference inside the lesion."""
    green = picture[90:134, 90:134, 1]
    return float(np.abs(np.diff(green, 2, axis=1)).mean())


def test_a_network_is_fine_structure() -> None:
    assert fine_structure(shown(network=0.9)) > 1.3 * fine_structure(shown())


def test_globules_are_scattered_dark_dots() -> None:
    darkening = (shown() - shown(globules=0.9))[RADIUS < 0.4, 1]
    assert 0.05 < (darkening > 15).mean() < 0.4
    assert (darkening == 0).mean() > 0.4


def test_hair_darkens_thin_lines_anywhere_and_more_of_it_covers_more() -> None:
    covered = [np.abs(shown(hair=h) - shown()).max(2).__gt__(20).mean() for h in (0.2, 0.9)]
    assert 0 < covered[0] < covered[1] < 0.3


def test_light_warmth_and_corners_are_the_cameras() -> None:
    assert shown(light=1.2).mean() > shown().mean() > shown(light=0.8).mean()
    warm, cold = shown(warmth=1.0), shown(warmth=-1.0)
    assert warm[..., 0].mean() > cold[..., 0].mean()
    assert warm[..., 2].mean() < cold[..., 2].mean()
    assert shown(corners=1.0)[:12, :12].max() < 30
    assert shown()[:12, :12].min() > 60


def test_the_heaviest_recipe_renders_without_overflow() -> None:
    ends = {each.name: 1.0 for each in fields(LesionRecipe)}
    recipe = LesionRecipe(**{**ends, "seed": 3, "tone_ita_deg": -90.0, "light": 3.0})
    assert fault_of(recipe) == ""
    assert render(recipe).shape == (224, 224, 3)


def test_the_same_recipe_gives_the_same_bytes_in_a_thread_and_in_another_process() -> None:
    here = render(BUSY).tobytes()
    with ThreadPoolExecutor(2) as pool:
        assert {picture.tobytes() for picture in pool.map(render, [BUSY] * 6)} == {here}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(render, (BUSY,)).tobytes() == here


def test_a_core_is_darker_than_the_rim() -> None:
    rim = (RADIUS > 0.34) & (RADIUS < 0.4)
    even, cored = (shown(core=c, fade=0.0) for c in (0.0, 1.0))
    assert cored[CENTRE].mean() < even[CENTRE].mean()
    assert cored[rim].mean() > even[rim].mean()


def test_rough_pigment_is_fine_structure() -> None:
    assert fine_structure(shown(roughness=0.9)) > 2 * fine_structure(shown())


def changed(name: str, level: float = 1.0, **others: float) -> np.ndarray:
    """How a control changes the colours, (224, 224, 3)."""
    return shown(**others, **{name: level}) - shown(**others)


def test_cysts_are_lighter_and_openings_darker_than_the_lesion() -> None:
    change = changed("milia", melanin=0.5)[RADIUS < 0.45].mean(1)
    assert (change > 20).sum() > 20
    assert (change < -20).sum() > 20


@pytest.mark.parametrize("name", ["arbors", "lacunae", "ulceration"])
def test_vessels_lacunae_and_ulcers_are_blood(name: str) -> None:
    change = changed(name)[RADIUS < 0.45]
    assert change[:, 1].mean() < 1.8 * change[:, 0].mean() < 0  # green suffers more than red


def test_vessels_are_thin_and_lacunae_are_not() -> None:
    # The opening of a pattern by a square of 5 px: what is thin does not survive it.
    def survives(name: str) -> float:
        seen = changed(name)[..., 1] < -15
        cells = np.lib.stride_tricks.sliding_window_view(seen, (5, 5))
        return float(cells.all((2, 3)).sum() / seen.sum())

    assert survives("arbors") < 0.1 < survives("lacunae")


def test_scale_and_a_central_patch_are_pale() -> None:
    assert changed("scale", melanin=0.5).max() > 40
    assert changed("scale", melanin=0.5)[RADIUS < 0.4].mean() > 5
    change = changed("patch", melanin=0.5).mean(2)
    assert change[RADIUS < 0.15].mean() > 30
    assert change[(RADIUS > 0.42) & (RADIUS < 0.5)].mean() < 5


def test_redness_reddens_the_skin() -> None:
    plain, red = shown()[SKIN].mean(0), shown(redness=0.8)[SKIN].mean(0)
    assert red[1] / red[0] < 0.9 * plain[1] / plain[0]


def scales(picture: np.ndarray) -> tuple[float, float]:
    """Standard deviation of the skin's green: of means over 14 px, and from neighbour to next."""
    blocks = picture[:28, :, 1].reshape(2, 14, 16, 14).mean((1, 3))
    return float(blocks.std()), float(np.abs(np.diff(picture[:28, :, 1], axis=1)).mean())


def test_mottle_is_coarse_and_texture_is_fine() -> None:
    plain, mottled, textured = (
        np.mean([scales(shown(seed=seed, **more)) for seed in range(6)], axis=0)
        for more in ({}, {"mottle": 0.6}, {"texture": 0.6})
    )
    assert mottled[0] > 2 * plain[0]
    assert textured[1] > 2 * plain[1]
    assert mottled[0] / mottled[1] > 1.5 * textured[0] / textured[1]


def test_skin_lines_are_darker_and_follicles_lighter() -> None:
    assert changed("lines")[SKIN].min() < -10
    assert changed("follicles", tone_ita_deg=20.0)[SKIN].mean() > 0.5


def test_ridges_are_parallel() -> None:
    # The spectrum of stripes has one pair of peaks: 120 of 50,176 coefficients hold most.
    change = changed("ridges", tone_ita_deg=30.0)[..., 1]
    power = np.abs(np.fft.fft2(change - change.mean())) ** 2
    assert np.sort(power.ravel())[-120:].sum() > 0.5 * power.sum()


def test_freckles_are_brown_spots_outside_the_lesion() -> None:
    change = changed("freckles")[SKIN]
    assert (change[:, 2] < -15).mean() > 0.03
    assert change[:, 2].mean() < change[:, 0].mean() < 0


def test_blond_hair_is_lighter_than_black_hair() -> None:
    assert shown(hair=0.8, blond=1.0).mean() > shown(hair=0.8).mean() + 3


def test_more_hair_leaves_the_hairs_there_where_they_are() -> None:
    few, many = changed("hair", 0.2).mean(2), changed("hair", 0.8).mean(2)
    assert (many[few < -20] < -19).mean() > 0.9


@pytest.mark.parametrize("name", ["bubbles", "glare"])
def test_bubbles_and_glare_are_bright_and_cover_little(name: str) -> None:
    change = changed(name).mean(2)
    assert change.max() > 40
    assert change.min() > -3
    assert 0.001 < (change > 20).mean() < 0.15


@pytest.mark.parametrize("level", [0.05, 0.3, 0.5, 0.55, 0.8, 1.0])
def test_rulers_are_dark_marks_and_no_ruler_is_none(level: float) -> None:
    change = changed("ruler", level).mean(2)
    assert 0.001 < (change < -50).mean() < 0.05
    assert (change == 0).mean() > 0.8


def test_ticks_stand_at_the_rim_and_a_scale_within() -> None:
    ticks, scale = (changed("ruler", level).mean(2) < -50 for level in (0.3, 0.7))
    assert RADIUS[ticks].min() > 0.75
    assert RADIUS[scale].min() < 0.75


def test_a_squeezed_lesion_is_higher_than_wide_and_keeps_its_area() -> None:
    plain, squeezed = dark(shown()), dark(shown(squeeze=1.0))
    wide, high = squeezed.any(0).sum(), squeezed.any(1).sum()
    assert high / wide == pytest.approx(1.6, rel=0.15)
    assert squeezed.sum() == pytest.approx(plain.sum(), rel=0.1)


def chroma(picture: np.ndarray) -> float:
    mean = picture[SKIN].mean(0)
    return float(mean.max() - mean.min())


def test_tint_saturation_and_contrast_are_the_cameras() -> None:
    green, magenta = (shown(tint=t)[SKIN].mean(0) for t in (-0.8, 0.8))
    assert magenta[1] / magenta[0] < 0.8 * green[1] / green[0]
    assert (
        chroma(shown(saturation=0.8)) > 1.3 * chroma(shown()) > 1.3 * chroma(shown(saturation=-0.8))
    )
    assert shown(contrast=0.8).std() > 1.2 * shown().std() > 1.2 * shown(contrast=-0.8).std()


def test_blur_takes_fine_structure_away_and_sharpening_adds_to_it() -> None:
    fine = {"roughness": 0.6, "network": 0.6}
    plain = fine_structure(shown(**fine))
    assert fine_structure(shown(**fine, blur=0.8)) < 0.5 * plain
    assert fine_structure(shown(**fine, sharpen=0.6)) > 1.4 * plain


def test_noise_has_about_the_standard_deviation_asked_for() -> None:
    change = changed("noise", 0.8)[SKIN]
    assert change.mean(0) == pytest.approx([0, 0, 0], abs=0.3)
    # Of pixels and in blotches: the sum is above 6 x 0.8 grey levels, and below twice that.
    assert 4.8 < change.std() < 9.6


def test_jpeg_leaves_blocks_of_eight_pixels() -> None:
    picture = shown(jpeg=1.0, texture=0.3, noise=0.5)[..., 1]
    steps = np.abs(np.diff(picture, axis=1)).mean(0)
    assert steps[7::8].mean() > 1.15 * steps.mean()
