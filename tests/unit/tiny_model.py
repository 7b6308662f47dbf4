"""A small real model, trained once per test session on synthetic lesions."""

from functools import cache

import numpy as np

from actors.parts import Parts
from services.parts import parts_of
from simulator.cases.cases import case_id_of, population_of
from simulator.cases.population import SyntheticCase
from simulator.language.populations import PopulationSpec
from twin.imaging import Imaging
from twin.model import Model
from twin.stem_weights import analytic
from twin.training import QUICK, train


def patients(count: int, seed: int = 5) -> list[SyntheticCase]:
    population = population_of(PopulationSpec(prevalence=0.5))
    return [population.draw(seed, 0, case_id_of(0, index)) for index in range(count)]


@cache
def tiny_model() -> Model:
    drawn = patients(200)
    imaging = Imaging()
    return train(
        lambda place: imaging.pixels(drawn[place].image),
        np.array([patient.malignant for patient in drawn]),
        [patient.case_id for patient in drawn],
        stem=analytic(),
        settings=QUICK,
    )


@cache
def tiny_parts() -> Parts:
    return parts_of(tiny_model())
