"""Section 1: rendered lesions by diagnosis and skin tone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from services.gallery.pictures import Grid, Picture, Row, Section
from simulator.cases.cases import population_of
from simulator.cases.population import SyntheticCase, diagnoses_of
from simulator.draws.streams import stream
from simulator.language.populations import MALIGNANT, PopulationSpec
from twin.groups import SKIN_TONES
from twin.images import SyntheticRef

TONES: Final = tuple(tone for group in SKIN_TONES.values() for tone in group)  # I to VI
_NO_RUN: Final = -2  # a replication that neither a run nor training has: these are nobody's
_ASKED: Final = 21  # patients of a tone whose middle stands for it: assumption


def draws_of(seed: int, purpose: str, key: str = "") -> np.random.Generator:
    """Return the generator of one thing on the page; no two share their draws."""
    return stream(seed, _NO_RUN, f"gallery.{purpose}", key)


@cache
def rendered_diagnoses() -> tuple[str, ...]:
    """Return the diagnoses that the population draws, benign ones first."""
    mix = diagnoses_of(PopulationSpec())
    return (*mix[False], *mix[True])


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


def lesion(seed: int, diagnosis: str, number: int | str) -> SyntheticCase:
    """Return a patient with a lesion of a diagnosis; the same arguments give the same one."""
    malignant = diagnosis in MALIGNANT
    return patient(
        seed,
        f"{diagnosis}-{number}",
        prevalence=float(malignant),
        diagnoses={diagnosis: 1.0},
    )


def on_tone(case: SyntheticCase, tone: str) -> SyntheticRef:
    """Return the same lesion on skin of another tone; nothing else changes."""
    return SyntheticRef(recipe=replace(case.image.recipe, tone_ita_deg=ita_deg_of(tone)))


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
                        pictures=_row(lesion(seed, diagnosis, number)),
                    )
                    for number in range(1, per_class + 1)
                ),
            )
            for diagnosis in diagnoses
        ),
    )


def _row(case: SyntheticCase) -> tuple[Picture, ...]:
    return tuple(
        Picture(
            ref=on_tone(case, tone),
            column=f"tone {tone}",
            malignant=case.malignant,
            diagnosis=case.diagnosis,
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
