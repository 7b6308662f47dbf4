"""Which cases a gallery chooses."""

from dataclasses import asdict, fields

import pytest

from services.gallery.beside_real import asked_for, beside_real
from services.gallery.controls import CONTROLS, controls, plain_lesion
from services.gallery.lesions import TONES, ita_deg_of, lesions, rendered_diagnoses
from services.gallery.taken import taken
from simulator.cases.datasets import LabelledImage
from twin.acquisition.shifts import SHIFTS
from twin.dermoscopy.recipe import RANGES, LesionRecipe, fault_of
from twin.images import SyntheticRef

ALL = rendered_diagnoses()


def image(name: str, malignant: bool, diagnosis: str | None = None) -> LabelledImage:
    return LabelledImage(
        path=name,
        sha256="0" * 64,
        malignant=malignant,
        split=None,
        group=name,
        diagnosis=diagnosis,
    )


IMAGES = [
    image("a", False, "nevus"),
    image("b", False),
    image("c", True, "melanoma"),
    image("d", True),
    image("e", True, "nevus"),  # its label contradicts its diagnosis
    image("f", False, "Cylindroma"),
]


def paths(images: list[LabelledImage], *diagnoses: str) -> dict[tuple[bool, str], str]:
    found = asked_for(images, diagnoses or ALL)
    return {kind: "".join(one.path for one in there) for kind, there in found.items()}


def test_all_images_count_if_all_diagnoses_are_asked_for() -> None:
    assert paths(IMAGES) == {
        (False, "nevus"): "a",
        (False, ""): "bf",
        (True, "melanoma"): "c",
        (True, ""): "de",
    }


def test_only_images_of_what_was_asked_for_count_where_the_data_knows_it() -> None:
    assert paths(IMAGES, "nevus") == {(False, "nevus"): "a"}
    assert paths(IMAGES, "melanoma") == {(True, "melanoma"): "c"}


def test_images_without_a_diagnosis_stand_in_where_the_data_does_not_know_it() -> None:
    assert paths(IMAGES, "seborrheic_keratosis") == {(False, ""): "b"}
    assert paths([image("x", False), image("y", True)], "melanoma") == {(True, ""): "y"}


def test_rendered_ones_beside_unknown_ones_have_the_label_and_tell_no_diagnosis() -> None:
    images = [image(f"{number}", bool(number % 2)) for number in range(8)]
    for grid in beside_real(images, ALL, 3, seed=1).grids:
        (row,) = grid.rows
        assert [one.origin for one in row.pictures].count("real") == 3
        assert len({one.malignant for one in row.pictures}) == 1
        assert {one.diagnosis for one in row.pictures} == {None}


def test_the_order_of_real_and_rendered_is_the_seeds() -> None:
    images = [image(f"{number}", bool(number % 2)) for number in range(20)]

    def order(seed: int) -> list[str]:
        (row,) = beside_real(images, ALL, 8, seed).grids[0].rows
        return [one.origin for one in row.pictures]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1) != ["real"] * 8 + ["rendered"] * 8


def test_another_seed_draws_other_lesions() -> None:
    one, again, other = (lesions(["nevus"], 1, seed) for seed in (1, 1, 2))
    assert one == again
    assert one.grids[0].rows[0].pictures[0].ref != other.grids[0].rows[0].pictures[0].ref


def test_shifts_are_shown_on_real_images_where_there_are_some() -> None:
    def shown(images: list[LabelledImage], *diagnoses: str) -> list[tuple[str, bool | None]]:
        part = taken(images, diagnoses, list(SHIFTS), [1], 0)
        return [
            (grid.rows[0].pictures[0].origin, grid.rows[0].pictures[0].malignant)
            for grid in part.grids
        ]

    assert shown(IMAGES, *ALL) == [("real", False), ("real", True)]
    assert shown([], *ALL) == [("rendered", False), ("rendered", True)]
    assert shown(IMAGES, "melanoma") == [("real", True)]
    assert shown([IMAGES[2]], "nevus") == [("rendered", False)]


def test_every_control_goes_alone_from_its_least_to_its_most() -> None:
    assert set(CONTROLS) | {"seed"} == {each.name for each in fields(LesionRecipe)}
    plain = asdict(plain_lesion(0))
    rows = controls(0).grids[0].rows
    assert [row.name for row in rows] == list(CONTROLS)
    for row in rows:
        values = []
        for picture in row.pictures:
            assert isinstance(picture.ref, SyntheticRef)
            assert fault_of(picture.ref.recipe) == ""
            recipe = asdict(picture.ref.recipe)
            values.append(recipe.pop(row.name))
            assert recipe == {name: plain[name] for name in recipe}
        low, high = RANGES.get(row.name, (0.0, 1.0))
        assert values == [low, (low + high) / 2, high]


@pytest.mark.parametrize(("tone", "low", "high"), [("I", 55, 90), ("IV", 10, 28), ("VI", -90, -30)])
def test_tones_lie_within_their_class_of_typology_angle(tone: str, low: float, high: float) -> None:
    assert low <= ita_deg_of(tone) <= high
    assert tone in TONES
