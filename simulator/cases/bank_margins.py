"""The margins that a population puts on a bank, and the weights of the entries that meet them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.bank import UNKNOWN, Bank
from simulator.cases.bank_sources import importance, sources_of
from simulator.cases.bank_wanted import Wanted, wanted_of
from simulator.cases.diagnoses import DIAGNOSES
from simulator.cases.regimes import Populations, Regime
from simulator.cases.weighting import Margin, Weights, rake
from simulator.language.classes import ClassSpec
from simulator.language.populations import MALIGNANT, AgeSpec
from simulator.language.schema import Scenario
from twin.errors import ScenarioError
from twin.groups import GROUP_OF_TONE

_BANDS: Final = 10  # 0-9 years to 90 and older
_MOST_MOVED: Final = 0.25  # share of patients whose age band may be taken from the next; assumption
_TOLD: Final = 0.01  # such a share is told; assumption
_FEWEST: Final = 5  # entries of a cell of ages; assumption: fewer carry too much weight each


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """How a population is drawn from a bank."""

    prevalence: float
    weights: Weights  # (n,); those of each truth sum to its share of the population
    notes: tuple[str, ...]  # whom the bank has not quite

    def within(self, malignant: NDArray[np.bool_]) -> Weights:
        """Return the weights of chosen entries, which sum to 1 unless there are none."""
        chosen = np.where(malignant, self.weights, 0.0)
        total = chosen.sum()
        return np.asarray(chosen / total if total > 0 else chosen)


def mixture_of(bank: Bank, scenario: Scenario, one: ClassSpec, regime: Regime) -> Mixture:
    """Return the weights with which a bank looks like the patients of a class in some shifts.

    Raises:
        ScenarioError: the population has somebody whom the bank has not, or its margins contradict
            each other in the bank.
    """
    wanted, start = wanted_of(scenario, one, regime), bank.lesion_shares
    base = scenario.population_of(one)
    if base is not None:
        spec = Populations(base, scenario.shifts).of(regime)
        start = start * importance(bank, spec, sources_of(scenario))
    prevalence = wanted.prevalence
    if prevalence is None:
        prevalence = float(start[bank.malignant].sum() / start.sum())
    for malignant, share in ((True, prevalence), (False, 1 - prevalence)):
        if share > 0 and not (bank.malignant == malignant).any():
            word = "malignant" if malignant else "benign"
            reason = f"{share:.3g} of the patients are {word}, but of the bank's {len(bank)} none"
            raise ScenarioError(scenario.name, 0, wanted.key("prevalence"), reason)
    truth = Margin(
        key=wanted.key("prevalence"),
        codes=bank.malignant.astype(np.intp),
        targets=np.array([1 - prevalence, prevalence]),
    )
    start, _ = rake(start, [truth])
    named = _Named(bank, wanted, scenario.name, (1 - prevalence, prevalence))
    weights, unmet = rake(start, [*named.margins(), truth])
    if unmet is not None:
        reason = f"no weights of the bank's {len(bank)} entries meet it together with the others"
        reason = f"{reason}; a larger bank may have whom this one lacks"
        raise ScenarioError(scenario.name, 0, unmet.key, reason)
    notes = tuple(dict.fromkeys(named.notes))
    return Mixture(prevalence=prevalence, weights=weights, notes=notes)


class _Named:
    """The margins that a population names, each checked against who is in the bank."""

    def __init__(
        self, bank: Bank, wanted: Wanted, scenario: str, of_truth: tuple[float, float]
    ) -> None:
        self._bank, self._wanted, self._scenario = bank, wanted, scenario
        self._of_truth = of_truth
        self.notes: list[str] = []

    def margins(self) -> list[Margin]:
        found: list[Margin] = []
        bank, wanted = self._bank, self._wanted
        for malignant in (False, True):
            within = bank.malignant == malignant
            if not self._of_truth[malignant]:
                continue
            shares = {
                str(name): share
                for name, share in (wanted.diagnoses or {}).items()
                if (name in MALIGNANT) == malignant
            }
            if shares:

                def fitting(name: str, malignant: bool = malignant) -> str | None:
                    # What contradicts the truth, or has no name in the language, is unknown.
                    return name if DIAGNOSES.get(name) == malignant else None

                found.append(self._words("diagnoses", bank.diagnosis, shares, within, fitting))
        # Rendered lesions: facts do not depend on the truth, so each truth has the same margins.
        # Then another prevalence leaves the weights within a truth, and with them sensitivity and
        # specificity, as they were. In a data set they do depend on it, and that is kept.
        everybody = np.ones(len(bank), dtype=np.bool_)
        parts = [everybody]
        if not bank.associated:
            parts = [
                bank.malignant == malignant
                for malignant in (False, True)
                if self._of_truth[malignant]
            ]
        for part in parts:
            if wanted.skin_tone is not None:
                tones = {str(group): share for group, share in wanted.skin_tone.items()}
                found.append(
                    self._words("skin_tone", bank.skin_tone, tones, part, GROUP_OF_TONE.get)
                )
            if wanted.sex is not None:
                found.append(self._words("sex", bank.sex, dict(wanted.sex), part))
            if wanted.site is not None:
                found.append(self._words("site", bank.site, dict(wanted.site), part))
            if wanted.age is not None:
                found.append(self._ages(wanted.age, part))
        return found

    def _words(
        self,
        field: str,
        words: Sequence[str | None],
        shares: Mapping[str, float],
        part: NDArray[np.bool_],
        group_of: Callable[[str], str | None] | None = None,
    ) -> Margin:
        places = {name: place for place, name in enumerate(shares)}
        extra = len(places)  # values that the population does not name: nobody has them
        codes = np.full(len(words), -1, dtype=np.intp)
        for place, word in enumerate(words):
            if word is None or not part[place]:
                continue
            group = group_of(word) if group_of else word
            if group is None:
                continue
            codes[place] = places.get(group, extra)
        targets = np.array([*shares.values(), 0.0])
        counts = np.bincount(codes[codes >= 0], minlength=extra + 1)
        of = int(part.sum())
        if not counts.sum():
            raise self._error(field, f"it is known of none of the bank's {of} entries concerned")
        for name, place in places.items():
            if targets[place] > 0 and not counts[place]:
                reason = f"{targets[place]:.3g} of the patients are {name!r}"
                raise self._error(field, f"{reason}, but of the bank's {of} entries concerned none")
        return Margin(key=self._wanted.key(field), codes=codes, targets=targets / targets.sum())

    def _ages(self, spec: AgeSpec, part: NDArray[np.bool_]) -> Margin:
        age = self._bank.age.astype(np.intp)
        known = part & (age != UNKNOWN)
        codes = np.where(known, np.minimum(age // 10, _BANDS - 1), -1)
        of = int(part.sum())
        if not known.any():
            raise self._error("age", f"it is known of none of the bank's {of} entries concerned")
        shares = band_shares(spec)
        counts = np.bincount(codes[known], minlength=_BANDS)
        moved = float(shares[counts == 0].sum())
        if moved > _TOLD:
            whom = f"{moved:.0%} of the patients are of an age that no entry has"
            self.notes.append(f"{whom}: they are drawn as those nearest to it")
        if moved > _MOST_MOVED:
            reason = f"{moved:.3g} of the patients have an age that none of the bank's {of} has"
            low, high = int(age[known].min()), int(age[known].max())
            raise self._error("age", f"{reason}: they are {low} to {high} years old")
        cells = _cells(counts)
        return Margin(
            key=self._wanted.key("age"),
            codes=np.where(known, cells[codes], -1),
            targets=np.bincount(cells, shares).astype(np.float64),
        )

    def _error(self, field: str, reason: str) -> ScenarioError:
        return ScenarioError(self._scenario, 0, self._wanted.key(field), reason)


def _cells(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return which cell each band of ages belongs to: neighbours with few entries share one.

    >>> _cells(np.array([2, 0, 4, 9, 6, 1, 0])).tolist()
    [0, 0, 0, 1, 2, 2, 2]
    """
    cells, cell, there = [], 0, 0
    for count in counts.tolist():
        if there >= _FEWEST:
            cell, there = cell + 1, 0
        cells.append(cell)
        there += count
    if there < _FEWEST and cell:
        cells = [min(one, cell - 1) for one in cells]  # the oldest are too few for their own
    return np.array(cells, dtype=np.intp)


def band_shares(spec: AgeSpec) -> NDArray[np.float64]:
    """Return the share of patients in each band of ten years, shape (10,).

    Ages are normal, rounded to years, and cut at both ends.
    """
    from scipy.special import ndtr

    edges = np.arange(1, _BANDS) * 10 - 0.5
    below = ndtr((edges - spec.mean) / spec.sd) if spec.sd else (edges > spec.mean).astype(float)
    # Rounded: the last bit of a maths library must not reach a digest (law 5).
    shares = np.round(np.diff(np.concatenate([[0.0], below, [1.0]])), 12)
    return np.asarray(shares / shares.sum())
