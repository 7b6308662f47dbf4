"""Recipes: every diagnosis is drawn, none is named, and site and sex show where they should."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pytest

from simulator.cases.lesion_recipes import recipe_of
from simulator.cases.lesion_tables import (
    CORRELATIONS,
    DIAGNOSES,
    LESIONS,
    PHOTOGRAPHS,
    SUN,
    WAYS,
    WAYS_IN_ISIC,
)
from twin.dermoscopy.recipe import LesionRecipe, fault_of


def drawn(diagnosis: str, count: int = 300, **more: str) -> list[LesionRecipe]:
    return [recipe_of(np.random.default_rng(i), diagnosis, 45.0, **more) for i in range(count)]


RECIPES: Mapping[str, list[LesionRecipe]] = {each: drawn(each) for each in DIAGNOSES}


def values(diagnosis: str, name: str) -> np.ndarray:
    return np.array([getattr(recipe, name) for recipe in RECIPES[diagnosis]])


def test_tables_name_the_recipes_controls_and_nothing_else() -> None:
    named = {*LESIONS, *PHOTOGRAPHS, "seed", "tone_ita_deg"}
    assert named == set(LesionRecipe.__dataclass_fields__)
    assert {name for pair in CORRELATIONS for name in pair} <= named
    assert {len(medians) for medians, _ in LESIONS.values()} == {len(DIAGNOSES)}
    assert {len(ways) for ways in PHOTOGRAPHS.values()} == {len(WAYS)}


@pytest.mark.parametrize("diagnosis", DIAGNOSES)
def test_every_diagnosis_is_drawn_within_range(diagnosis: str) -> None:
    assert {fault_of(recipe) for recipe in RECIPES[diagnosis]} == {""}


def test_an_unknown_diagnosis_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        recipe_of(np.random.default_rng(0), "wart", 45.0)


def test_how_the_picture_was_taken_does_not_depend_on_the_diagnosis() -> None:
    for one, other in zip(RECIPES["nevus"], RECIPES["melanoma"], strict=True):
        a, b = asdict(one), asdict(other)
        assert {name for name in a if a[name] != b[name]} <= {*LESIONS, *SUN}


@pytest.mark.parametrize(
    ("name", "diagnosis"),
    [
        ("milia", "seborrheic_keratosis"),
        ("patch", "dermatofibroma"),
        ("lacunae", "vascular_lesion"),
        ("arbors", "basal_cell_carcinoma"),
        ("scale", "actinic_keratosis"),
        ("veil", "melanoma"),
    ],
)
def test_what_is_typical_of_a_diagnosis_also_occurs_without_it(name: str, diagnosis: str) -> None:
    others = [each for each in DIAGNOSES if each != diagnosis]
    strong = np.quantile(values(diagnosis, name), 0.75)
    assert strong > 0
    assert all(values(diagnosis, name).mean() > values(other, name).mean() for other in others)
    least = np.quantile(values(diagnosis, name), 0.25)
    assert all((values(other, name) >= max(least, 0.01)).any() for other in others)


@pytest.mark.parametrize("name", list(LESIONS))
def test_nevi_and_melanomas_overlap_in_every_control(name: str) -> None:
    nevus, melanoma = values("nevus", name), values("melanoma", name)
    for one, other in ((nevus, melanoma), (melanoma, nevus)):
        assert np.quantile(one, 0.02) <= np.quantile(other, 0.98)


def test_site_and_sex_move_hair_and_skin_texture() -> None:
    def mean(name: str, **more: str) -> float:
        return float(np.mean([getattr(r, name) for r in drawn("nevus", **more)]))

    assert mean("hair", site="scalp") > mean("hair") > mean("hair", site="acral")
    assert mean("hair", sex="male") > mean("hair", sex="female")
    assert mean("ridges", site="acral") > mean("ridges") + 0.2
    assert mean("follicles", site="face") > mean("follicles") + 0.1


def test_site_and_sex_leave_the_lesion_alone() -> None:
    for one, other in zip(
        drawn("nevus", 50), drawn("nevus", 50, site="face", sex="male"), strict=True
    ):
        assert all(getattr(one, name) == getattr(other, name) for name in LESIONS)


def test_ways_of_taking_pictures_can_be_chosen() -> None:
    assert {len(ways) for ways in WAYS_IN_ISIC.values()} == {len(WAYS)}
    assert {recipe.seed for recipe in drawn("nevus", 20)} == {
        recipe_of(np.random.default_rng(i), "nevus", 45.0, ways=WAYS_IN_ISIC[False]).seed
        for i in range(20)
    }
    for way, medians in enumerate(PHOTOGRAPHS["warmth"]):
        only = [1.0 if index == way else 0.0 for index in range(len(WAYS))]
        warmth = np.median(
            [
                recipe_of(np.random.default_rng(i), "nevus", 45.0, ways=only).warmth
                for i in range(99)
            ]
        )
        assert warmth == pytest.approx(np.tanh(medians[0] / 2), abs=0.15)
