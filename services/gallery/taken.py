"""Section 3: how acquisition shifts look, by severity."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.gallery.beside_real import asked_for, real_picture
from services.gallery.lesions import draws_of, lesion, on_tone, spoken
from services.gallery.pictures import Grid, Picture, Row, Section
from simulator.cases.datasets import LabelledImage
from simulator.language.populations import MALIGNANT
from twin.acquisition.acquisition import Acquisition
from twin.acquisition.shifts import SHIFTS

_TONE: Final = "III"  # of the rendered lesions that are shown: in the middle of six


def taken(
    images: Sequence[LabelledImage],
    diagnoses: Sequence[str],
    shifts: Sequence[str],
    severities: Sequence[int],
    seed: int,
) -> Section:
    """Return the section: a grid for each case, a row for each shift, a column a severity.

    The cases are a benign and a malignant one, real where there are images of what is asked for.
    """
    cases = [
        case
        for malignant in (False, True)
        if (case := _case(images, diagnoses, malignant, seed)) is not None
    ]
    return Section(
        key="shifts",
        title="Acquisition shifts by severity",
        about="One case, taken worse and worse. Severity 0 is as it comes; look for the severity "
        "at which the verdict turns.",
        grids=tuple(
            Grid(
                name=f"{_named(case)} ({case.origin})",
                about=_told(case),
                rows=tuple(
                    Row(
                        name=shift.replace("_", " "),
                        about=SHIFTS[shift].about,
                        pictures=tuple(
                            _taken(case, shift, each, seed) for each in (0, *severities)
                        ),
                    )
                    for shift in shifts
                ),
            )
            for case in cases
        ),
    )


def _case(
    images: Sequence[LabelledImage], diagnoses: Sequence[str], malignant: bool, seed: int
) -> Picture | None:
    for (truth, name), there in asked_for(images, diagnoses).items():
        if truth == malignant:
            place = int(draws_of(seed, "taken", str(malignant)).integers(len(there)))
            image = there[place]
            return real_picture(image, name)
    same = [name for name in diagnoses if (name in MALIGNANT) == malignant]
    if not same:
        return None
    return Picture(
        ref=on_tone(lesion(seed, same[0], 1), _TONE),
        column="",
        malignant=malignant,
        diagnosis=same[0],
        tone=_TONE,
    )


def _named(case: Picture) -> str:
    if case.diagnosis is not None:
        return spoken(case.diagnosis)
    return "malignant lesion" if case.malignant else "benign lesion"


def _told(case: Picture) -> str:
    word = "malignant" if case.malignant else "benign"
    return f"{word}, {case.column}" if case.column else word


def _taken(case: Picture, shift: str, severity: int, seed: int) -> Picture:
    acquisition = Acquisition(seed=seed, severity={shift: severity}) if severity else None
    return replace(
        case, ref=replace(case.ref, acquisition=acquisition), column=f"severity {severity}"
    )
