"""Section 1: rendered lesions by diagnosis and skin tone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final, get_args

import numpy as np

from services.gallery.pictures import Grid, Picture, Row, Section
from simulator.cases.cases import population_of
from simulator.cases.lesion_recipes import recipe_of
from simulator.cases.population import SKIN_TONES, SyntheticCase
from simulator.draws.streams import stream
from simulator.language.populations import MALIGNANT, Diagnosis, PopulationSpec
from twin.dermoscopy.recipe import LesionRecipe
from twin.images import SyntheticRef

TONES: Final = tuple(tone for group in SKIN_TONES.values() for tone in group)  # I to VI
_NO_RUN: Final = -2  # a replication that neither a run nor training has: these are nobody's
_ASKED: Final = 21  # patients of a tone whose middle stands for it: assumption


def draws_of(seed: int, purpose: str, key: str = "") -> np.random.Generator:
    """Return the generator of one thing on the page; no two share their draws."""
    return stream(seed, _NO_RUN, f"gallery.{purpose}", key)


@cache
def rendered_diagnoses() -> tuple[str, ...]:
    """Return the diagnoses that lesions can be drawn of."""

    def is_known(diagnosis: str) -> bool:
        try:
            recipe_of(draws_of(0, "known"), diagnosis, 0.0)
        except (KeyError, ValueError):
            return False
        return True

    return tuple(name for name in get_args(Diagnosis) if is_known(name))


def patient(seed: int, name: str, **changes: object) -> SyntheticCase:
    """Return somebody of the default population, changed as told."""
    population = population_of(PopulationSpec.model_validate(changes))
    return population.draw(seed, _NO_RUN, f"gallery-{name}")


@cache
def ita_deg_of(tone: str) -> float:
    """Return the individual typology angle in the middle of a Fitzpatrick type's patients."""
    group = next(name for name, types in SKIN_TONES.items() if tone in types)
    angles: list[float] = []
    number = 0
    while len(angles) < _ASKED:
        somebody = patient(0, f"tone-{number}", skin_tone={group: 1.0})
        number += 1
        if somebody.skin_tone == tone:
            angles.append(somebody.image.recipe.tone_ita_deg)
    return sorted(angles)[_ASKED // 2]


def lesion(seed: int, diagnosis: str, number: int | str, ita_deg: float) -> LesionRecipe:
    """Return a lesion of a diagnosis on skin of a tone; the same arguments give the same one."""
    return recipe_of(draws_of(seed, "image", f"{diagnosis}-{number}"), diagnosis, ita_deg)


def on_tone(recipe: LesionRecipe, tone: str) -> SyntheticRef:
    """Return the same lesion on skin of another tone; nothing else changes."""
    return SyntheticRef(recipe=replace(recipe, tone_ita_deg=ita_deg_of(tone)))


def lesions(diagnoses: Sequence[str], per_class: int, seed: int) -> Section:
    """Return the section: a grid for each diagnosis, a row for each lesion, a column a tone."""
    return Section(
        key="lesions",
        title="Rendered lesions by diagnosis and skin tone",
        about="Each row is one lesion on six skins: the tone alone changes from left to right. "
        "Diagnoses overlap, as in life: an early melanoma may look like a nevus.",
        grids=tuple(
            Grid(
                name=spoken(diagnosis),
                about="malignant" if diagnosis in MALIGNANT else "benign",
                rows=tuple(
                    Row(
                        name=f"lesion {number}",
                        pictures=_row(lesion(seed, diagnosis, number, 0.0), diagnosis),
                    )
                    for number in range(1, per_class + 1)
                ),
            )
            for diagnosis in diagnoses
        ),
    )


def _row(recipe: LesionRecipe, diagnosis: str) -> tuple[Picture, ...]:
    return tuple(
        Picture(
            ref=on_tone(recipe, tone),
            column=f"tone {tone}",
            malignant=diagnosis in MALIGNANT,
            diagnosis=diagnosis,
            tone=tone,
        )
        for tone in TONES
    )


def spoken(diagnosis: str) -> str:
    """Return a diagnosis as people write it.

    >>> spoken("basal_cell_carcinoma")
    'basal cell carcinoma'
    """
    return diagnosis.replace("_", " ")
