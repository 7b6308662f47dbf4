"""Who comes to the clinic: synthetic patients, or the labelled images of a directory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.cases.datasets import LabelledImage
from simulator.cases.population import Population
from simulator.draws.streams import stream
from simulator.language.schema import ImageCases, SyntheticCases
from twin.events import CaseArrived
from twin.images import ImageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One who comes, with the truth that only the simulator may know (law 8)."""

    index: int  # order of arrival, from 0
    case_id: str
    at_min: float  # arrival
    image: ImageRef
    malignant: bool
    diagnosis: str | None = None
    age: int | None = None  # years
    sex: str | None = None
    site: str | None = None
    skin_tone: str | None = None  # Fitzpatrick type

    def arrived(self) -> CaseArrived:
        """Return the event that tells the twin of this patient, without the truth."""
        return CaseArrived(
            case_id=self.case_id,
            at_min=self.at_min,
            image=self.image,
            age=self.age,
            sex=self.sex,
            site=self.site,
            skin_tone=self.skin_tone,
        )


# Makes the patient of a number, from 0, and an arrival time: the same one whenever asked.
MakePatient = Callable[[int, float], Patient]


def case_id_of(replication: int, index: int) -> str:
    """Return a case's id, unique within a run.

    >>> case_id_of(0, 17)
    'r0-000017'
    """
    return f"r{replication}-{index:06d}"


def synthetic(cases: SyntheticCases, seed: int, replication: int) -> MakePatient:
    """Return what draws patients from the scenario's population."""
    spec = cases.population
    population = Population(
        prevalence=spec.prevalence,
        skin_tone={str(group): share for group, share in spec.skin_tone.items()},
        age_mean=spec.age.mean,
        age_sd=spec.age.sd,
    )

    def make(index: int, at_min: float) -> Patient:
        case = population.draw(seed, replication, case_id_of(replication, index))
        return Patient(
            index=index,
            case_id=case.case_id,
            at_min=at_min,
            image=case.image,
            malignant=case.malignant,
            diagnosis=case.diagnosis,
            age=case.age,
            sex=case.sex,
            site=case.site,
            skin_tone=case.skin_tone,
        )

    return make


def images_of(
    cases: ImageCases, seed: int, replication: int, images: Sequence[LabelledImage]
) -> MakePatient:
    """Return what hands out labelled images in the scenario's order, each once."""
    order = list(range(len(images)))
    if cases.images.order == "shuffled":
        stream(seed, replication, "cases.order").shuffle(order)

    def make(index: int, at_min: float) -> Patient:
        image = images[order[index]]
        return Patient(
            index=index,
            case_id=case_id_of(replication, index),
            at_min=at_min,
            image=image.ref,
            malignant=image.malignant,
            diagnosis=image.diagnosis,
            age=image.age,
            sex=image.sex,
            site=image.site,
        )

    return make
