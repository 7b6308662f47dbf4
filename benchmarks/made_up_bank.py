"""A bank whose scores are made up: three learners that agree, and a shift that most suffer from."""

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.bank import AS_THEY_COME, Bank, Entry, Scorer, Scores, Severities, bank_of
from simulator.cases.bank_entries import entries_of
from simulator.language.schema import Scenario
from twin.meta import MetaStack, fit_meta
from twin.reference import Reference

CAST: Final[Severities] = (("colour_cast", 4),)
_LEARNERS: Final = ("catboost", "svm", "knn")
_TRAINING: Final = 400  # images, 45 % malignant

Floats = NDArray[np.float64]


def made_up(scenario: Scenario, seed: int) -> Bank:
    """Return a scenario's bank with scores of normal numbers, as images come and under a cast."""
    entries = _entries(scenario)
    malignant = np.array([one.malignant for one in entries])
    scores = {}
    for way in (AS_THEY_COME, CAST):
        log_odds, sketch = _drawn(malignant, seed, shifted=bool(way))
        columns = dict(zip(_LEARNERS, log_odds.T, strict=True))
        scores[way] = Scores(
            p_malignant=_meta().probability(columns),
            log_odds=log_odds,
            learners=_LEARNERS,
            faults={},
            sketch=sketch,
        )
    bank = bank_of(entries, scores, model_id="made up", threshold=0.5, associated=False)
    images = tuple(one.image for one in entries)
    return replace(bank, scorer=Scorer(meta=_meta(), reference=_reference(), images=images))


def _drawn(malignant: NDArray[np.bool_], seed: int, *, shifted: bool) -> tuple[Floats, Floats]:
    """Return log-odds, (n, 3), and sketches, (n, 2).

    All learners look at one piece of evidence, 2.5 standard deviations apart (area under the curve
    0.96), each with an error of its own. Under the shift two of three see a third of it, and all
    are moved to the benign by 2 nats.
    """
    draws = np.random.default_rng([seed, int(shifted)])
    sign = np.where(malignant, 1.0, -1.0)
    evidence = 1.25 * sign + draws.normal(size=len(sign))
    seen = np.array([1 / 3, 1 / 3, 1.0]) if shifted else np.ones(3)
    log_odds = 2.5 * (evidence[:, None] * seen + 0.5 * draws.normal(size=(len(sign), 3)))
    sketch = draws.normal(1.0 if shifted else 0.0, 1.0, (len(sign), 2))
    return np.round(log_odds - (2.0 if shifted else 0.0), 6), np.round(sketch, 4)


@cache
def _reference() -> Reference:
    malignant = np.arange(_TRAINING) % 20 < 9
    log_odds, sketch = _drawn(malignant, 10_000, shifted=False)
    return Reference(log_odds=log_odds, malignant=malignant, sketch=sketch)


@cache
def _meta() -> MetaStack:
    return fit_meta(_reference().log_odds, _reference().malignant, _LEARNERS, 0.003)


_known: dict[str, list[Entry]] = {}


def _entries(scenario: Scenario) -> list[Entry]:
    """Return the lesions, which are the same for all clinics of one bank."""
    key = repr((scenario.seed, scenario.cases))
    if key not in _known:
        _known[key] = entries_of(scenario)
    return _known[key]
