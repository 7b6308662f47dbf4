from dataclasses import fields, replace

import numpy as np
import pytest

from twin.dermoscopy.recipe import RANGES, LesionRecipe, fault_of

RECIPE = LesionRecipe(**dict.fromkeys((each.name for each in fields(LesionRecipe)), 1))


def test_every_range_names_a_field() -> None:
    assert set(RANGES) <= {each.name for each in fields(LesionRecipe)}


@pytest.mark.parametrize("name", [each.name for each in fields(LesionRecipe)])
def test_values_outside_the_range_are_named(name: str) -> None:
    low, high = RANGES.get(name, (0, 1))
    for inside in (low, high):
        assert fault_of(replace(RECIPE, **{name: inside})) == ""
    outsiders = [low - 1, high + 1]
    if name != "seed":
        outsiders = [*map(float, outsiders), float("nan"), float("inf")]
    for outside in outsiders:
        assert fault_of(replace(RECIPE, **{name: outside})).startswith(f"{name} {outside} is not")


def test_a_recipe_holds_plain_numbers_whatever_it_is_given() -> None:
    drawn = {field.name: np.float64(0.5) for field in fields(LesionRecipe)}
    recipe = LesionRecipe(**drawn | {"seed": np.int64(3)})
    assert {type(getattr(recipe, field.name)) for field in fields(recipe)} == {int, float}
