"""Section 4: what each control of the renderer does, alone."""

from dataclasses import fields, replace
from statistics import median
from typing import Any, Final

from services.gallery.lesions import ita_deg_of, lesion
from services.gallery.pictures import Grid, Picture, Row, Section
from twin.dermoscopy.recipe import RANGES, LesionRecipe
from twin.images import SyntheticRef

CONTROLS: Final = tuple(each.name for each in fields(LesionRecipe) if each.name != "seed")
_FRACTION: Final = (0.0, 1.0)
_DRAWN: Final = 101  # nevi whose medians make the plain lesion: assumption
_TONE: Final = "II"


def plain_lesion(seed: int) -> LesionRecipe:
    """Return a lesion with each control at its median among nevi, on light skin."""
    drawn = [lesion(seed, "nevus", f"plain-{each}").image.recipe for each in range(_DRAWN)]
    middle = {name: median(getattr(each, name) for each in drawn) for name in CONTROLS}
    return LesionRecipe(seed=drawn[0].seed, **{**middle, "tone_ita_deg": ita_deg_of(_TONE)})


def controls(seed: int) -> Section:
    """Return the section: a row for each control of the recipe, from its least to its most."""
    plain = plain_lesion(seed)
    return Section(
        key="controls",
        title="One control at a time",
        about="A median nevus on skin of type II, with a single control of the renderer at the "
        "least, the middle and the most that it can be. These pictures have no truth.",
        grids=(Grid(name="controls", rows=tuple(_row(plain, name) for name in CONTROLS)),),
    )


def _with(plain: LesionRecipe, name: str, value: float) -> LesionRecipe:
    changed: dict[str, Any] = {name: value}
    return replace(plain, **changed)


def _row(plain: LesionRecipe, name: str) -> Row:
    low, high = RANGES.get(name, _FRACTION)
    places = (("low", low), ("middle", (low + high) / 2), ("high", high))
    return Row(
        name=name,
        pictures=tuple(
            Picture(
                ref=SyntheticRef(recipe=_with(plain, name, value)),
                column=f"{word}, {value:g}",
            )
            for word, value in places
        ),
    )
