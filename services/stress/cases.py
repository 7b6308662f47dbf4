"""The cases of a load: made ahead, as the sender has no time to draw patients."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from services.image_directory import ImageDirectory
from services.stress.levels import Levels
from simulator.cases.cases import case_id_of, order_of, population_of
from simulator.cases.datasets import LabelledImage
from simulator.draws.streams import stream
from simulator.language.cases import ImageCases
from simulator.language.schema import Scenario
from twin.errors import ScenarioError
from twin.events import CaseArrived
from twin.images import SyntheticRef

# Patients drawn per class. A longer load shows each again with another texture: no two images are
# the same, and what the twin does with one does not depend on who else it has seen. Assumption.
POOL: Final = 1000


class Cases(Protocol):
    """Makes the events of a load."""

    def event(self, case_id: str, number: int, place: int, at_min: float) -> CaseArrived:
        """Return the arrival of the load's case `number`, of the class at `place`."""
        ...


class RenderedCases:
    """Patients of the scenario's populations with rendered lesions, each image a new one.

    Parameters:
        most: cases that will be asked for at most; no more patients are drawn.
    """

    def __init__(self, scenario: Scenario, levels: Levels, most: int) -> None:
        self._pools = []
        for one in levels.classes:
            spec = scenario.population_of(one)
            if spec is None:
                raise ScenarioError(
                    scenario.name, 0, "cases", f"class {one.id} has no population to draw from"
                )
            population = population_of(spec)
            ids = (case_id_of(0, number, one.id) for number in range(min(POOL, max(1, most))))
            drawn = (population.draw(scenario.seed, 0, case_id) for case_id in ids)
            self._pools.append(
                [
                    CaseArrived(
                        case_id=case.case_id,
                        at_min=0.0,
                        image=case.image,
                        age=case.age,
                        sex=case.sex,
                        site=case.site,
                        skin_tone=case.skin_tone,
                    )
                    for case in drawn
                ]
            )
        seeds = stream(scenario.seed, 0, "stress.images")
        self._first_seed = int(seeds.integers(2**62))

    def event(self, case_id: str, number: int, place: int, at_min: float) -> CaseArrived:
        """Return an arrival whose lesion has a texture of its own."""
        pool = self._pools[place]
        patient = pool[number % len(pool)]
        assert isinstance(patient.image, SyntheticRef)  # this class draws no other
        recipe = replace(patient.image.recipe, seed=self._first_seed + number)
        image = replace(patient.image, recipe=recipe)
        return replace(patient, case_id=case_id, at_min=at_min, image=image)


class ShownCases:
    """The images of a directory, in the scenario's order, and again from the first."""

    def __init__(self, scenario: Scenario, images: Sequence[LabelledImage]) -> None:
        assert isinstance(scenario.cases, ImageCases)
        order = order_of(scenario.cases, scenario.seed, 0, images)
        self._images = [images[place] for place in order]

    def event(self, case_id: str, number: int, place: int, at_min: float) -> CaseArrived:
        """Return an arrival with the next image."""
        del place  # a directory knows no classes
        image = self._images[number % len(self._images)]
        return CaseArrived(
            case_id=case_id,
            at_min=at_min,
            image=image.ref,
            age=image.age,
            sex=image.sex,
            site=image.site,
            skin_tone=image.skin_tone,
        )


def cases_of(scenario: Scenario, levels: Levels, images: ImageDirectory, most: int) -> Cases:
    """Return what makes a scenario's cases.

    Raises:
        ScenarioError: patients have no population to draw lesions from.
        SettingsError: the scenario shows images and no data directory is set.
    """
    if isinstance(scenario.cases, ImageCases):
        split = images.split(scenario.cases.images.split, "cases are images")
        return ShownCases(scenario, split)
    return RenderedCases(scenario, levels, most)
