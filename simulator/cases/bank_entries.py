"""Who is in a bank: rendered lesions, or labelled images; whole lesions, and always the same ones.

A larger bank begins with the smaller one, so that what was scored for one is not scored again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import islice
from typing import Final

from simulator.cases.bank import Entry, Severities
from simulator.cases.bank_sources import sources_of
from simulator.cases.cases import case_id_of, population_of
from simulator.cases.datasets import LabelledImage
from simulator.cases.population import Population
from simulator.draws.streams import stream
from simulator.language.cases import SyntheticCases
from simulator.language.populations import BankSpec, PopulationSpec
from simulator.language.schema import Scenario
from twin.acquisition.acquisition import Acquisition
from twin.errors import ScenarioError
from twin.groups import SKIN_TONES
from twin.images import ImageRef

_BANK: Final = -2  # a replication that no run has: entries are nobody's patients


def entries_of(scenario: Scenario, images: Sequence[LabelledImage] = ()) -> list[Entry]:
    """Return the entries of a scenario's bank.

    Parameters:
        images: of the chosen split, where the scenario's cases are images.

    Raises:
        ScenarioError: the bank asks for more images than there are.
    """
    spec = scenario.bank
    assert spec is not None  # whoever asks has a bank
    if isinstance(scenario.cases, SyntheticCases):
        return _rendered(scenario, scenario.cases.population, spec)
    return _labelled(scenario, spec, images)


@lru_cache(maxsize=1 << 16)
def reference_of(image: ImageRef, severities: Severities) -> ImageRef:
    """Return an image as it is taken under acquisition shifts; the same image, the same way."""
    if not severities:
        return image
    return replace(image, acquisition=Acquisition(seed=_seed(image), severity=dict(severities)))


def canonical(image: ImageRef) -> bytes:
    """Return a reference as canonical JSON: what a score is remembered under."""
    return json.dumps(
        asdict(image), sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def _seed(image: ImageRef) -> int:
    # Of the image alone: another scenario with this image finds its scores.
    digest = hashlib.blake2b(canonical(image), digest_size=8, person=b"dermtwin.bank").digest()
    return int.from_bytes(digest, "little") >> 1


def _rendered(scenario: Scenario, base: PopulationSpec, spec: BankSpec) -> list[Entry]:
    """Draw entries from the scenario's populations, these, truths and skin tones in turns."""
    assert spec.size != "all"  # a sound scenario says how many
    groups, sources = _groups(scenario, base), sources_of(scenario)
    # Of one truth and one group of skin tones each.
    pure: dict[tuple[int, bool, str], Population] = {
        (place, malignant, group): population_of(
            source.model_copy(update={"prevalence": float(malignant), "skin_tone": {group: 1.0}})
        )
        for place, source in enumerate(sources)
        for malignant in (False, True)
        for group in groups
    }
    counts = {False: 0, True: 0}
    entries = []
    for index in range(spec.size):
        # So many of the first n are malignant, whatever n is.
        malignant = int((index + 1) * spec.malignant) > int(index * spec.malignant)
        turn, place = divmod(counts[malignant], len(groups))
        counts[malignant] += 1
        name = case_id_of(_BANK, index)
        case = pure[turn % len(sources), malignant, groups[place]].draw(scenario.seed, _BANK, name)
        entries.append(
            Entry(
                image=case.image,
                malignant=case.malignant,
                lesion=name,
                diagnosis=case.diagnosis,
                age=case.age,
                sex=case.sex,
                site=case.site,
                skin_tone=case.skin_tone,
            )
        )
    return entries


def _groups(scenario: Scenario, base: PopulationSpec) -> list[str]:
    """Return the groups of skin tones that anybody of the scenario may have."""
    told: list[object] = [base.skin_tone]
    told += [one.population.skin_tone for one in scenario.classes if one.population is not None]
    told += [one.population.skin_tone for one in scenario.shifts if one.population is not None]
    shares = [one for one in told if isinstance(one, dict)]
    return [group for group in SKIN_TONES if any(one.get(group, 0) > 0 for one in shares)]


def _labelled(scenario: Scenario, spec: BankSpec, images: Sequence[LabelledImage]) -> list[Entry]:
    if spec.size != "all" and spec.size > len(images):
        reason = f"asks for {spec.size} images; there are {len(images)}: write all"
        raise ScenarioError(scenario.name, 0, "cases.bank.size", reason)
    by_lesion: dict[str, list[LabelledImage]] = {}
    for image in images:
        by_lesion.setdefault(image.group, []).append(image)
    lesions = sorted(by_lesion)
    if spec.size != "all":
        stream(scenario.seed, _BANK, "bank.lesions").shuffle(lesions)
    chosen = (image for lesion in _until(spec, lesions, by_lesion) for image in by_lesion[lesion])
    return [
        Entry(
            image=image.ref,
            malignant=image.malignant,
            lesion=image.group,
            diagnosis=image.diagnosis,
            age=image.age,
            sex=image.sex,
            site=image.site,
            skin_tone=image.skin_tone,
        )
        for image in chosen
    ]


def _until(
    spec: BankSpec, lesions: Sequence[str], by_lesion: dict[str, list[LabelledImage]]
) -> list[str]:
    """Return whole lesions until the size is reached; the last one may exceed it."""
    if spec.size == "all":
        return list(lesions)
    count = taken = 0
    for lesion in lesions:
        if count >= spec.size:
            break
        count += len(by_lesion[lesion])
        taken += 1
    return list(islice(lesions, taken))
