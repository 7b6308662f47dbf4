"""Patients with a lesion to look at: rendered, or the labelled images of a directory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.cases.datasets import LabelledImage
from simulator.cases.population import Population, diagnoses_of, sexes_of, sites_of
from simulator.draws.streams import stream
from simulator.language.cases import ImageCases
from simulator.language.populations import PopulationSpec
from twin.acquisition.acquisition import Acquisition
from twin.images import ImageRef


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
        diagnoses=diagnoses_of(spec),
        sex=sexes_of(spec),
        site=sites_of(spec),
    )


def taken(
    image: ImageRef, severities: Mapping[str, int], seed: int, replication: int, case_id: str
) -> ImageRef:
    """Return an image as it is taken under acquisition shifts, each with its severity; or as it is.

    What is random about them is the case's own and the same whatever the shifts are (law 9).
    """
    if not severities:
        return image
    drawn = stream(seed, replication, "acquisition", case_id).integers(2**63)
    return replace(image, acquisition=Acquisition(seed=int(drawn), severity=dict(severities)))


def order_of(
    cases: ImageCases, seed: int, replication: int, images: Sequence[LabelledImage]
) -> list[int]:
    """Return the places of the images in the order in which they come, each once."""
    order = list(range(len(images)))
    if cases.images.order == "shuffled":
        stream(seed, replication, "cases.order").shuffle(order)
    return order
