"""Nominal patients: facts and truth without an image, and an AI known by its figures alone."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cache
from itertools import accumulate, pairwise
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.cases.population import diagnoses_of, sexes_of, sites_of, tones_of
from simulator.cases.regimes import Populations, Regime
from simulator.draws.uniforms import Blocks, Uniforms
from simulator.language.cases import NominalAi
from simulator.language.populations import PopulationSpec

_OLDEST: Final = 100  # years; assumption


class _Patient(Protocol):
    key: int
    regime: Regime
    malignant: bool | None
    diagnosis: str | None
    age: int | None
    sex: str | None
    site: str | None
    skin_tone: str | None
    score: float | None
    score_flags: bool | None


class _Ages(Blocks):
    """Ages in whole years, normally distributed and cut to 1 to 100."""

    __slots__ = ("_mean", "_sd", "_uniforms")

    def __init__(self, uniforms: Uniforms, mean: float, sd: float) -> None:
        super().__init__()
        self._uniforms, self._mean, self._sd = uniforms, mean, sd

    def block(self, first: int, count: int) -> NDArray[np.float64]:
        from scipy.special import ndtri  # a quarter of a second that runs with images need not wait

        years = self._mean + self._sd * ndtri(self._uniforms.block(first, count))
        return np.asarray(np.clip(np.round(years), 1, _OLDEST))


class _Picks(Blocks):
    """One of several words for each patient, as its place among them."""

    __slots__ = ("_edges", "_uniforms", "words")

    def __init__(self, uniforms: Uniforms, weights: Mapping[str, float]) -> None:
        super().__init__()
        total = sum(weights.values())
        self.words = [word for word, share in weights.items() if share > 0]
        # The last edge is left out: rounding may put it below 1, and nobody falls through the gap.
        shares = (weights[word] / total for word in self.words)
        self._edges = list(accumulate(shares))[:-1]
        self._uniforms = uniforms

    def block(self, first: int, count: int) -> NDArray[np.float64]:
        places = np.searchsorted(self._edges, self._uniforms.block(first, count), side="right")
        return np.asarray(places, dtype=np.float64)


class Streams:
    """The draws of a class's patients; each fact has a stream of its own (law 9).

    Populations that agree in a fact share its draws, so that each is computed once.
    """

    def __init__(self, seed: int, replication: int, patient_class: str) -> None:
        self._key = (seed, replication)
        self._class = patient_class
        self.uniforms = cache(self._uniforms)
        self.ages = cache(self._ages)
        self._known: dict[tuple[object, ...], _Picks] = {}

    def picks(self, fact: str, weights: Mapping[str, float]) -> _Picks:
        """Return which of several words holds for each patient."""
        key = (fact, *weights.items())
        if key not in self._known:
            self._known[key] = _Picks(self.uniforms(fact), weights)
        return self._known[key]

    def _uniforms(self, fact: str) -> Uniforms:
        return Uniforms(*self._key, f"population.{fact}.{self._class}")

    def _ages(self, mean: float, sd: float) -> _Ages:
        return _Ages(self.uniforms("age"), mean, sd)


class Facts:
    """Facts and truth of the patients of one population; `fill` gives a patient its own.

    Parameters:
        streams: of the patients' class.
        diagnosed: whether they have a diagnosis, too; queues do not ask for one.
    """

    def __init__(self, spec: PopulationSpec, streams: Streams, *, diagnosed: bool = False) -> None:
        self._prevalence = spec.prevalence
        self._truth = streams.uniforms("truth")
        self._age = streams.ages(spec.age.mean, spec.age.sd)
        self._picks = [
            ("sex", streams.picks("sex", sexes_of(spec))),
            ("site", streams.picks("site", sites_of(spec))),
            ("skin_tone", streams.picks("skin_tone", tones_of(spec))),
        ]
        self._diagnoses = {
            malignant: streams.picks("diagnosis", weights)
            for malignant, weights in diagnoses_of(spec).items()
        }
        self.fill = self._with_diagnosis if diagnosed else self._without

    def _without(self, patient: _Patient) -> None:
        key = patient.key
        patient.malignant = self._truth[key] < self._prevalence
        patient.age = int(self._age[key])
        for name, picks in self._picks:
            setattr(patient, name, picks.words[int(picks[key])])

    def _with_diagnosis(self, patient: _Patient) -> None:
        self._without(patient)
        picks = self._diagnoses[bool(patient.malignant)]
        patient.diagnosis = picks.words[int(picks[patient.key])]


def facts_by_regime(
    populations: Populations, streams: Streams, *, diagnosed: bool
) -> Callable[[_Patient], None]:
    """Return what gives each patient the facts of the population of its regime."""
    known: dict[Regime, Callable[[_Patient], None]] = {}

    def fill(patient: _Patient) -> None:
        regime = patient.regime
        if regime not in known:
            known[regime] = Facts(populations.of(regime), streams, diagnosed=diagnosed).fill
        known[regime](patient)

    return fill


class Verdicts:
    """What a nominal AI will say of each patient.

    A patient falls into one of the segments of the ROC, malignant ones by its true-positive
    rates and benign ones by its false-positive rates. The AI's probability is the posterior of
    that segment at the class's prevalence (Bayes), so it is calibrated. It stays so only until the
    patients change: a model does not know of a shift, so its posterior keeps the prevalence that
    it was made for.

    Parameters:
        threshold: a probability at or above it is flagged. None: the AI's own operating point,
            which is its one point, or on a ROC the one furthest above the diagonal (Youden 1950,
            doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).
    """

    def __init__(
        self, spec: NominalAi, prevalence: float, threshold: float | None, uniforms: Uniforms
    ) -> None:
        corners = spec.corners()
        pairs = list(pairwise(corners))
        self._of_malignant = [tpr for _, (_, tpr) in pairs]
        self._of_benign = [fpr for _, (fpr, _) in pairs]
        self._p = [
            _posterior(prevalence, tpr - tpr0, fpr - fpr0) for (fpr0, tpr0), (fpr, tpr) in pairs
        ]
        if threshold is None:
            best = max(range(len(corners)), key=lambda i: corners[i][1] - corners[i][0])
            self._flags = [place < best for place in range(len(pairs))]
        else:
            self._flags = [p >= threshold for p in self._p]
        self._uniforms = uniforms

    def segments(self) -> list[tuple[float, float, float, bool]]:
        """Return each segment: its share of malignant and of benign patients, p, and the flag."""
        starts = ([0.0, *edges] for edges in (self._of_malignant, self._of_benign))
        malignant, benign = ([b - a for a, b in pairwise(edges)] for edges in starts)
        return list(zip(malignant, benign, self._p, self._flags, strict=True))

    def fill(self, patient: _Patient) -> None:
        """Give a patient the score and the verdict that the AI will give."""
        edges = self._of_malignant if patient.malignant else self._of_benign
        place = min(bisect_right(edges, self._uniforms[patient.key]), len(edges) - 1)
        patient.score, patient.score_flags = self._p[place], self._flags[place]


def _posterior(prevalence: float, malignant: float, benign: float) -> float:
    positive = prevalence * malignant
    total = positive + (1 - prevalence) * benign
    # Rounded as the twin's probabilities are; an empty segment is nobody's.
    return round(positive / total, 6) if total else 0.0
