"""A clinic whose base scores are drawn from normal distributions: the loop without any model.

Scores of six learners share a part (what a lesion looks like) and have a part of their own. The
training images are as often malignant as the patients, so that the stack that the model came with
has nothing to gain: whatever a re-stack changes, it changes because of the labels.
"""

import json
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.bank import AS_THEY_COME, Bank, Entry, Scorer, Scores, bank_of
from simulator.language.scenario import load
from simulator.language.schema import Scenario
from twin.images import BlobRef
from twin.meta import MetaStack, fit_meta
from twin.reference import Reference

LEARNERS: Final = ("catboost", "xgboost", "svm", "random_forest", "gradient_boosting", "knn")
PREVALENCE: Final = 0.2
_TRAINING: Final = 2000  # images
_ENTRIES: Final = 4000  # of a bank: patients hardly ever share a picture
_PENALTY: Final = 0.003
_TONES: Final = ("I", "II", "III", "IV", "V", "VI")


def scores(malignant: NDArray[np.bool_], draws: np.random.Generator) -> NDArray[np.float64]:
    """Return log-odds, shape (n, 6); their mean has an AUC of about 0.9."""
    shared = draws.normal(0, 1.2, (len(malignant), 1))
    own = draws.normal(0, 1.2, (len(malignant), len(LEARNERS)))
    middle = np.where(malignant, 1.2, -1.2)[:, None]
    return np.round(middle + shared + own, 6)


@cache
def trained() -> tuple[MetaStack, Reference]:
    """Return the stack that the model came with, and its training images."""
    draws = np.random.default_rng(0)
    malignant = draws.random(_TRAINING) < PREVALENCE
    log_odds = scores(malignant, draws)
    sketch = np.round(draws.normal(size=(_TRAINING, 2)), 4)
    found = fit_meta(log_odds, malignant, LEARNERS, _PENALTY)
    return found, Reference(log_odds=log_odds, malignant=malignant, sketch=sketch)


def bank(seed: int) -> Bank:
    """Return lesions of a bank of its own for each seed."""
    meta, reference = trained()
    draws = np.random.default_rng((1, seed))
    malignant = draws.random(_ENTRIES) < PREVALENCE
    log_odds = scores(malignant, draws)
    entries = [
        Entry(
            image=BlobRef(sha256=f"{seed:032d}{place:032d}"),
            malignant=bool(malignant[place]),
            lesion=str(place),
            age=int(draws.integers(20, 90)),
            sex="male" if draws.random() < 0.5 else "female",
            skin_tone=_TONES[int(draws.integers(len(_TONES)))],
        )
        for place in range(_ENTRIES)
    ]
    known = Scores(
        p_malignant=meta.probability(dict(zip(LEARNERS, log_odds.T, strict=True))),
        log_odds=log_odds,
        learners=LEARNERS,
        faults={},
        sketch=np.round(draws.normal(size=(_ENTRIES, 2)), 4),
    )
    found = bank_of(
        entries, {AS_THEY_COME: known}, model_id="g" * 12, threshold=PREVALENCE, associated=False
    )
    images = tuple(one.image for one in entries)
    return Bank(
        **{name: getattr(found, name) for name in Bank.__dataclass_fields__ if name != "scorer"},
        scorer=Scorer(meta=meta, reference=reference, images=images),
    )


def clinic(seed: int, **fields: Any) -> Scenario:
    """Return a clinic with 100 patients a day and readers who follow the AI half of the time."""
    told = {
        "name": "gaussian-clinic",
        "seed": seed,
        "horizon": "56 d",
        "cases": {
            "source": "synthetic",
            "bank": _ENTRIES,
            "population": {"prevalence": PREVALENCE},
        },
        "arrivals": {"rate_per_d": 100},
        "pathway": [
            {"id": "ai", "twin": "score", "then": "read"},
            {"id": "read", "staff": "reader", "service": "4 min", "then": "end"},
        ],
        "staff": {"reader": 1},
        "decision": {"reader": {"sensitivity": 0.89, "specificity": 0.76, "weight_of_ai": 0.5}},
    }
    return load(json.dumps(told | fields), "gaussian-clinic")
