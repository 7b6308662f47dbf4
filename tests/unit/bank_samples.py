"""Small banks for the tests, with scores made up: no model is asked."""

import json
from typing import Any

import numpy as np

from simulator.cases.bank import AS_THEY_COME, Bank, Entry, Scores, Severities, bank_of
from simulator.language.scenario import Scenario, load
from twin.images import BlobRef

LEARNERS = ("svm", "knn")


def entry(place: int, **facts: Any) -> Entry:
    known = {"malignant": place % 2 == 0, "lesion": f"l{place}"} | facts
    return Entry(image=BlobRef(sha256=f"{place:064d}"), **known)


def scores_of(malignant: np.ndarray, seed: int = 0, faults: dict[int, str] | None = None) -> Scores:
    """Normal scores that overlap, one standard deviation and a half apart."""
    draws = np.random.default_rng(seed)
    logits = draws.normal(np.where(malignant, 1.0, -1.0), 1.3)
    p = np.round(1 / (1 + np.exp(-logits)), 6)
    for place in faults or {}:
        p[place] = np.nan
    return Scores(
        p_malignant=p,
        log_odds=np.stack([logits, logits / 2], axis=1),
        learners=LEARNERS,
        faults=faults or {},
    )


def bank(
    entries: list[Entry],
    *,
    associated: bool = False,
    ways: tuple[Severities, ...] = (AS_THEY_COME,),
    faults: dict[int, str] | None = None,
) -> Bank:
    malignant = np.array([one.malignant for one in entries])
    return bank_of(
        entries,
        {way: scores_of(malignant, seed, faults) for seed, way in enumerate(ways)},
        model_id="m" * 12,
        threshold=0.5,
        associated=associated,
    )


def people(count: int, seed: int = 0) -> list[Entry]:
    """Entries with facts that go with the truth: those with a malignant lesion are older men."""
    draws = np.random.default_rng(seed)
    found = []
    for place in range(count):
        malignant = place % 2 == 0
        found.append(
            entry(
                place,
                malignant=malignant,
                age=int(np.clip(draws.normal(62 if malignant else 48, 15), 1, 95)),
                sex="male" if draws.random() < (0.65 if malignant else 0.45) else "female",
                site=("back", "face", "hand")[int(draws.integers(3))],
                skin_tone=("I", "II", "III", "IV", "V", "VI")[place // 2 % 6],
                diagnosis=(
                    ("melanoma", "basal_cell_carcinoma")[int(draws.random() < 0.3)]
                    if malignant
                    else ("nevus", "seborrheic_keratosis")[int(draws.random() < 0.2)]
                ),
            )
        )
    return found


CLINIC = {
    "name": "banked",
    "seed": 5,
    "horizon": "4 d",
    "arrivals": {"rate_per_h": 12},
    "pathway": [
        {"id": "ai", "twin": "score", "then": "read"},
        {"id": "read", "staff": "reader", "service": "4 min", "then": "end"},
    ],
    "staff": {"reader": 2},
}


def banked(cases: dict[str, Any] | None = None, **fields: Any) -> Scenario:
    """A clinic with a bank of rendered lesions, unless told otherwise."""
    told = {"source": "synthetic", "bank": 60, "population": {"prevalence": 0.2}} | (cases or {})
    return load(json.dumps(CLINIC | {"cases": told} | fields), "x.json")


def of_images(**cases: Any) -> Scenario:
    told = {"source": "images", "bank": "all"} | cases
    return load(json.dumps(CLINIC | {"cases": told, "model": {"id": "m"}}), "x.json")
