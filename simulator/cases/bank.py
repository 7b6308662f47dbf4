"""A bank of cases: lesions that are scored once and drawn from again and again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.images import ImageRef
from twin.meta import MetaStack
from twin.reference import Reference

# How images are taken: kinds of acquisition shift and their severities, by name; empty: as they
# come. The key under which a bank keeps the scores of its images taken so.
Severities = tuple[tuple[str, int], ...]
AS_THEY_COME: Final[Severities] = ()
UNKNOWN: Final = -1  # an age that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One lesion's image and all that is known about it, before it is scored."""

    image: ImageRef
    malignant: bool  # the truth
    lesion: str  # images of one lesion share it
    diagnosis: str | None = None  # as the source names it
    age: int | None = None  # years
    sex: str | None = None
    site: str | None = None
    skin_tone: str | None = None  # Fitzpatrick type


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the stack says of all images of a bank, taken in one way."""

    p_malignant: NDArray[np.float64]  # (n,); not-a-number where an image could not be scored
    log_odds: NDArray[np.float64]  # (n, learners), in nats; likewise, or if a learner is missing
    learners: tuple[str, ...]  # of the columns
    faults: Mapping[int, str]  # entry -> why it could not be scored
    # (n, columns); of what the stem saw (twin/sketch.py); not-a-number where p_malignant is
    sketch: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scorer:
    """What answers for a twin where patients are drawn from a bank: plain data, to be sent."""

    meta: MetaStack  # of the bank's model
    reference: Reference  # what its training images looked like
    images: tuple[ImageRef, ...]  # of the entries, as they come


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bank:
    """Facts, truth and scores by entry: plain columns, without images, so that it can be sent.

    Where `associated`, facts go with the truth as they do in a data set: those who have a
    melanoma are older. Rendered lesions come of a population in which they do not.
    """

    model_id: str  # whose scores these are
    threshold: float  # that model's own operating point
    associated: bool
    malignant: NDArray[np.bool_]  # (n,)
    lesion: NDArray[np.int32]  # (n,); number of the lesion
    age: NDArray[np.int16]  # (n,); years, or UNKNOWN
    diagnosis: tuple[str | None, ...]  # of n, as are the others
    sex: tuple[str | None, ...]
    site: tuple[str | None, ...]
    skin_tone: tuple[str | None, ...]
    scores: Mapping[Severities, Scores]
    scorer: Scorer | None = None  # where a run answers each case from base scores

    def __len__(self) -> int:
        return len(self.malignant)

    @property
    def lesion_shares(self) -> NDArray[np.float64]:
        """Weight of each entry before anything is asked: each lesion counts as one, shape (n,)."""
        # With the truth: images of one content under two labels are one group with two truths.
        pairs = np.stack([self.lesion, self.malignant], axis=1)
        _, place, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / counts[place.reshape(-1)])


def bank_of(
    entries: Sequence[Entry],
    scores: Mapping[Severities, Scores],
    *,
    model_id: str,
    threshold: float,
    associated: bool,
) -> Bank:
    """Return entries and their scores as columns."""
    lesions: dict[str, int] = {}
    return Bank(
        model_id=model_id,
        threshold=threshold,
        associated=associated,
        malignant=np.array([one.malignant for one in entries], dtype=np.bool_),
        lesion=np.array(
            [lesions.setdefault(one.lesion, len(lesions)) for one in entries], dtype=np.int32
        ),
        age=np.array([UNKNOWN if one.age is None else one.age for one in entries], dtype=np.int16),
        diagnosis=tuple(one.diagnosis for one in entries),
        sex=tuple(one.sex for one in entries),
        site=tuple(one.site for one in entries),
        skin_tone=tuple(one.skin_tone for one in entries),
        scores=scores,
    )
