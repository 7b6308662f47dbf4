"""Makes a gallery: what is to be seen, its pixels and scores, and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.gallery.beside_real import beside_real
from services.gallery.controls import controls
from services.gallery.lesions import lesions
from services.gallery.looks import Look, OnProgress, looks_of
from services.gallery.page import Told, gallery_page
from services.gallery.pictures import Section, references
from services.gallery.taken import taken
from services.image_store import FileReader
from simulator.cases.datasets import LabelledImage
from twin.images import FileRef, ImageRef, SyntheticRef
from twin.imaging import Imaging
from twin.model import Model
from twin.ports import Opinion, Unscorable

NO_MODEL = "No model: these pictures carry no scores. Train one with `dermtwin train`."
NOT_SCORED = "Pictures alone: --model none was asked for."
NO_DATA = "No real images: give --data DIR, or set DERMTWIN_DATA."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be shown."""

    diagnoses: Sequence[str]
    shifts: Sequence[str]
    severities: Sequence[int]  # each from 1 to 5; 0 is always shown
    per_class: int  # lesions of a diagnosis
    seed: int
    command: Sequence[str]  # that says all this


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Real images, and where they are."""

    root: Path
    images: Sequence[LabelledImage]
    about: str  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """A page, and the figures on it."""

    html: str
    pictures: Sequence[Mapping[str, Any]]  # one of each picture, in the order of the page
    unreadable: Sequence[str]  # why some have no picture


def make(
    wish: Wish, model: Model | None, without_model: str, data: Data | None, on_progress: OnProgress
) -> Gallery:
    """Return a gallery; the same arguments give the same bytes.

    Parameters:
        without_model: why there is none; said on the page.
    """
    images = data.images if data else ()
    sections = [lesions(wish.diagnoses, wish.per_class, wish.seed)]
    if data:
        sections.append(beside_real(images, wish.diagnoses, wish.per_class, wish.seed))
    sections.append(taken(images, wish.diagnoses, wish.shifts, wish.severities, wish.seed))
    sections.append(controls(wish.seed))
    reader = FileReader(data.root) if data else None
    refs = references(sections)
    threshold = None
    if model is None:
        looks = looks_of(refs, Imaging(reader), None, on_progress)
    else:
        from actors.local import LocalStack
        from services.parts import parts_of

        stack = LocalStack(parts_of(model), reader)
        threshold = stack.threshold
        try:
            looks = looks_of(refs, Imaging(reader), stack, on_progress)
        finally:
            stack.close()
    told = Told(
        model_id=model.model_id if model else None,
        threshold=threshold,
        without_model="" if model else without_model,
        without_data="" if data else NO_DATA,
        data=data.about if data else None,
        seed=wish.seed,
        command=wish.command,
    )
    reasons = {look.answer.reason for look in looks.values() if isinstance(look.answer, Unscorable)}
    return Gallery(
        html=gallery_page(sections, looks, told),
        pictures=_figures(sections, looks, threshold),
        unreadable=sorted(reasons),
    )


def _figures(
    sections: Sequence[Section], looks: Mapping[ImageRef, Look], threshold: float | None
) -> list[dict[str, Any]]:
    return [
        {
            "section": section.key,
            "grid": grid.name,
            "row": row.name,
            "column": picture.column,
            "origin": picture.origin,
            "diagnosis": picture.diagnosis,
            "malignant": picture.malignant,
            "tone": picture.tone,
            **_image(picture.ref),
            **_score(looks[picture.ref], threshold),
        }
        for section in sections
        for grid, row, picture in section.pictures()
    ]


def _image(ref: ImageRef) -> dict[str, Any]:
    taken_so = asdict(ref.acquisition) if ref.acquisition else None
    if isinstance(ref, SyntheticRef):
        return {"recipe": asdict(ref.recipe), "acquisition": taken_so}
    return {
        "path": ref.path if isinstance(ref, FileRef) else None,
        "sha256": ref.sha256,
        "acquisition": taken_so,
    }


def _score(look: Look, threshold: float | None) -> dict[str, Any]:
    if isinstance(look.answer, Opinion):
        p = look.answer.p_malignant
        verdict = None if threshold is None else p >= threshold
        return {
            "p_malignant": p,
            "verdict_malignant": verdict,
            "log_odds": look.answer.log_odds,
            "missing": list(look.answer.missing),
        }
    reason = look.answer.reason if look.answer else None
    return {"p_malignant": None, "error": reason} if reason else {"p_malignant": None}
