"""Section 2: real images and rendered ones of the same label, mixed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.gallery.lesions import draws_of, lesion, patient, rendered_diagnoses, spoken
from services.gallery.pictures import Grid, Picture, Row, Section
from simulator.cases.datasets import LabelledImage
from simulator.language.populations import MALIGNANT

Kind = tuple[bool, str]  # malignant, diagnosis; no diagnosis where it is unknown or not rendered


def kind_of(image: LabelledImage) -> Kind:
    """Return label and diagnosis of an image.

    A diagnosis that its label contradicts counts as unknown.
    """
    name = image.diagnosis or ""
    fits = name in rendered_diagnoses() and (name in MALIGNANT) == image.malignant
    return image.malignant, name if fits else ""


def real_picture(image: LabelledImage, diagnosis: str) -> Picture:
    """Return a real image as a picture; the diagnosis is that of its kind."""
    return Picture(
        ref=image.ref,
        column=image.path,
        origin="real",
        malignant=image.malignant,
        diagnosis=diagnosis or None,
        tone=image.skin_tone,
    )


def asked_for(
    images: Sequence[LabelledImage], diagnoses: Sequence[str]
) -> Mapping[Kind, Sequence[LabelledImage]]:
    """Return the images of some diagnoses, by kind, benign ones first and unknown ones last.

    If all diagnoses are asked for, images of others or of none count too. Otherwise images of
    none count where the data has none of those asked for with this label.
    """
    found: dict[Kind, list[LabelledImage]] = defaultdict(list)
    for image in images:
        found[kind_of(image)].append(image)
    everything = set(diagnoses) == set(rendered_diagnoses())
    chosen: dict[Kind, Sequence[LabelledImage]] = {}
    for malignant in (False, True):
        same = [name for name in diagnoses if (name in MALIGNANT) == malignant]
        known = {(malignant, name): found[malignant, name] for name in same}
        known = {kind: there for kind, there in known.items() if there}
        chosen |= known
        rest = [
            image
            for image in found[malignant, ""]
            if everything or (not known and image.diagnosis is None)
        ]
        if same and rest:
            chosen[malignant, ""] = rest
    return chosen


def beside_real(
    images: Sequence[LabelledImage], diagnoses: Sequence[str], per_class: int, seed: int
) -> Section:
    """Return the section: a grid for each label and diagnosis, half real and half rendered."""
    return Section(
        key="real",
        title="Real images and rendered lesions, mixed",
        about="Half of each group is real and half is rendered, in an order that the seed "
        "decides. Can you tell them apart?",
        grids=tuple(
            _grid(kind, there, diagnoses, per_class, seed)
            for kind, there in asked_for(images, diagnoses).items()
        ),
    )


def _grid(
    kind: Kind,
    images: Sequence[LabelledImage],
    diagnoses: Sequence[str],
    per_class: int,
    seed: int,
) -> Grid:
    malignant, name = kind
    word = "malignant" if malignant else "benign"
    title = spoken(name) if name else f"{word}, another or no diagnosis"
    draws = draws_of(seed, "real", f"{word}-{name}")
    real: dict[str, LabelledImage] = {}  # one of a lesion
    for place in draws.permutation(len(images)):
        if len(real) == per_class:
            break
        real.setdefault(images[place].group, images[place])
    pictures = [real_picture(image, name) for image in real.values()]
    pictures += [_rendered(kind, diagnoses, seed, f"real-{number}") for number in range(len(real))]
    order = draws.permutation(len(pictures))
    few = "" if len(real) == per_class else f"; the data has no more than {len(real)}"
    return Grid(
        name=title,
        about=f"{word}: {len(real)} real and {len(real)} rendered{few}",
        rows=(Row(name=title, pictures=tuple(pictures[place] for place in order)),),
    )


def _rendered(kind: Kind, diagnoses: Sequence[str], seed: int, number: str) -> Picture:
    """Return a patient's lesion of the same label and diagnosis."""
    malignant, name = kind
    if name:
        somebody = lesion(seed, name, number)
    else:
        changes: dict[str, object] = {"prevalence": float(malignant)}
        if set(diagnoses) != set(rendered_diagnoses()):
            same = [each for each in diagnoses if (each in MALIGNANT) == malignant]
            changes["diagnoses"] = dict.fromkeys(same, 1 / len(same))
        somebody = patient(seed, f"{malignant}-{number}", **changes)
    return Picture(
        ref=somebody.image,
        column=f"tone {somebody.skin_tone}",
        malignant=malignant,
        # Told as for the real ones beside it, or the page would give away which is which.
        diagnosis=name or None,
        tone=somebody.skin_tone,
    )
