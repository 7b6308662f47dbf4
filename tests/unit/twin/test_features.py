import numpy as np
import pytest

from twin.errors import InvariantError
from twin.features import FEATURES, CellMaps, grid, mirror, rings, symmetric, zone_quantiles

ORDERS = np.unravel_index(np.arange(27), (3, 3, 3))  # vertical, horizontal, colour


def cells(seed=0, channels=27):
    stream = np.random.default_rng(seed)
    active = stream.normal(size=(28, 28, 16, channels)).astype(np.float32)
    active += stream.normal(size=(28, 28, 1, channels)).astype(np.float32)
    return CellMaps(mean=active.mean(2), square=(active**2).mean(2))


def radius():
    offset = np.arange(28) - 13.5
    return np.hypot(*np.meshgrid(offset, offset))


def mirrored(maps):
    """What the cells become when the image is mirrored: slopes to the right change sign."""
    sign = np.where(ORDERS[1] == 1, -1, 1).astype(np.float32)
    return CellMaps(mean=maps.mean[:, ::-1] * sign, square=maps.square[:, ::-1])


def transposed(maps):
    """What the cells become when rows and columns swap: so do vertical and horizontal orders."""
    swap = np.ravel_multi_index((ORDERS[1], ORDERS[0], ORDERS[2]), (3, 3, 3))
    turn = (1, 0, 2)
    return CellMaps(
        mean=maps.mean.transpose(turn)[..., swap], square=maps.square.transpose(turn)[..., swap]
    )


def test_sd_is_that_of_the_cell():
    active = np.random.default_rng(1).normal(size=(28, 28, 16, 27)).astype(np.float32)
    maps = CellMaps(mean=active.mean(2), square=(active**2).mean(2))
    assert maps.sd == pytest.approx(active.std(2), abs=1e-3)


def test_grid_holds_mean_and_sd_of_each_tile():
    maps = cells(2)
    found = grid(maps, side=7)
    tile = slice(4, 8), slice(8, 12)  # second row, third column
    place = (1 * 7 + 2) * 27
    mean, square = maps.mean[tile].mean((0, 1)), maps.square[tile].mean((0, 1))
    assert found[place : place + 27] == pytest.approx(mean, abs=1e-5)
    assert found[49 * 27 + place :][:27] == pytest.approx(np.sqrt(square - mean**2), abs=1e-4)


def test_rings_hold_mean_and_sd_of_each_ring():
    maps = cells(3)
    ring = (radius() >= 5.5) & (radius() < 8)  # the third
    mean, square = maps.mean[ring].mean(0), maps.square[ring].mean(0)
    found = rings(maps)
    assert found[2 * 27 : 3 * 27] == pytest.approx(mean, abs=1e-5)
    assert found[9 * 27 : 10 * 27] == pytest.approx(np.sqrt(square - mean**2), abs=1e-4)


def test_zone_quantiles_are_order_statistics_of_middle_and_outside():
    maps = cells(4)
    found = zone_quantiles(maps)
    channel, levels = 5, (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
    wanted = []
    for zone in (radius() < 9, radius() >= 9):
        ranked = sorted(maps.mean[zone][:, channel].tolist())
        wanted += [ranked[int(level * len(ranked))] for level in levels]
    assert found[channel * 14 : (channel + 1) * 14].tolist() == wanted


@pytest.mark.parametrize("move", [mirrored, transposed, lambda m: mirrored(transposed(m))])
def test_symmetric_does_not_change_when_the_image_is_turned(move):
    maps = cells(5)
    assert symmetric(move(maps)) == pytest.approx(symmetric(maps), abs=2e-4)


@pytest.mark.parametrize("move", [mirrored, transposed, lambda m: mirrored(transposed(m))])
def test_mirror_does_not_change_when_the_image_is_turned(move):
    maps = cells(5)
    assert mirror(move(maps)) == pytest.approx(mirror(maps), abs=2e-4)


def test_mirror_is_symmetric_and_distances_to_moved_copies():
    maps = cells(6)
    found = mirror(maps)
    assert np.array_equal(found[:822], symmetric(maps))
    # By hand, for the luminance: the first of the 36 maps
    offset = 2 * np.arange(14) - 13
    middle = np.hypot(*np.meshgrid(offset, offset)) < 9
    map_ = maps.mean[..., 0].astype(float).reshape(14, 2, 14, 2).mean((1, 3))
    moves = [
        map_[::-1, ::-1],
        map_[::-1],
        map_[:, ::-1],
        map_.T,
        np.rot90(map_, 2).T,
        np.rot90(map_),
    ]
    wanted = []
    for part in (np.full((14, 14), True), middle):
        roots = [np.sqrt(((map_ - moved)[part] ** 2).mean()) for moved in moves]
        half, *mirrors, quarter = np.array(roots) / (map_[part].std() + 1e-3)
        wanted += [half, np.mean(mirrors), min(mirrors), quarter]
    assert found[822::36] == pytest.approx(wanted, abs=1e-5)


def test_mirror_tells_a_lopsided_lesion_from_a_round_one():
    def picture(middle):
        rows, columns = np.indices((28, 28))
        spot = np.exp(-((rows - 13.5) ** 2 + (columns - middle) ** 2) / 40)
        spots = np.repeat(spot[..., None], 27, axis=2).astype(np.float32)
        return CellMaps(mean=spots, square=spots**2 + 1)

    round_, lopsided = mirror(picture(13.5))[822:966:36], mirror(picture(19.0))[822:966:36]
    assert round_ == pytest.approx(np.zeros(4), abs=0.02)
    assert (lopsided[[0, 1, 3]] > 0.5).all()
    assert lopsided[2] == pytest.approx(0, abs=0.02)  # one mirror still holds


def test_the_other_sets_do_change_when_the_image_is_turned():
    maps = cells(5)
    assert not np.allclose(zone_quantiles(mirrored(maps)), zone_quantiles(maps), atol=1e-2)


def test_symmetric_ends_with_correlations():
    tail = symmetric(cells(6))[-210:]
    assert np.abs(tail).max() <= 1 + 1e-5
    maps = cells(6)
    bound = maps.square.copy()
    bound[..., 1] = bound[..., 0] + 1 - maps.mean[..., 0] ** 2
    twins = CellMaps(
        mean=maps.mean[..., [0, 0, *range(2, 27)]],  # colour 1 says what colour 0 says
        square=bound,
    )
    assert symmetric(twins)[-210] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("spec", FEATURES.values(), ids=lambda spec: spec.name)
def test_every_set_keeps_its_contract(spec):
    maps = cells(7)
    before = maps.mean.copy(), maps.square.copy()
    found = spec.compute(maps)
    assert found.dtype == np.float32
    assert found.shape == (spec.dimension(27),)
    assert np.isfinite(found).all()
    assert np.array_equal(maps.mean, before[0])
    assert np.array_equal(maps.square, before[1])
    assert not np.array_equal(found, spec.compute(cells(8)))


@pytest.mark.parametrize("spec", FEATURES.values(), ids=lambda spec: spec.name)
def test_a_blank_image_has_finite_features(spec):
    blank = np.full((28, 28, 27), 0.5, np.float32)
    assert np.isfinite(spec.compute(CellMaps(mean=blank, square=blank**2))).all()


def test_sizes():
    sizes = {name: spec.dimension(27) for name, spec in FEATURES.items()}
    assert sizes == {
        "grid": 2646,
        "rings": 378,
        "zone-quantiles": 756,
        "symmetric": 822,
        "mirror": 1110,
    }


def test_sets_that_know_the_basis_refuse_other_stems():
    for name in ("symmetric", "mirror"):
        with pytest.raises(InvariantError, match=f"{name} need"):
            FEATURES[name].dimension(32)
    assert FEATURES["zone-quantiles"].dimension(32) == 896
