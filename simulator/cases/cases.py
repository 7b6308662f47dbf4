"""Patients with a lesion to look at: rendered, or the labelled images of a directory."""

from collections.abc import Sequence

from simulator.cases.datasets import LabelledImage
from simulator.cases.population import Population
from simulator.draws.streams import stream
from simulator.language.cases import ImageCases
from simulator.language.populations import PopulationSpec


def case_id_of(replication: int, index: int, group: str = "") -> str:
    """Return a case's id, unique within a run.

    >>> case_id_of(0, 17), case_id_of(2, 17, "urgent")
    ('r0-000017', 'r2-urgent-000017')
    """
    return f"r{replication}-{group}{'-' if group else ''}{index:06d}"


def population_of(spec: PopulationSpec) -> Population:
    """Return the population that a scenario describes."""
    return Population(
        prevalence=spec.prevalence,
        skin_tone={str(group): share for group, share in spec.skin_tone.items()},
        age_mean=spec.age.mean,
        age_sd=spec.age.sd,
    )


def order_of(
    cases: ImageCases, seed: int, replication: int, images: Sequence[LabelledImage]
) -> list[int]:
    """Return the places of the images in the order in which they come, each once."""
    order = list(range(len(images)))
    if cases.images.order == "shuffled":
        stream(seed, replication, "cases.order").shuffle(order)
    return order
