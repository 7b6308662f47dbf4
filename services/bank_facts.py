"""What is told of a bank: who is in it, and how sure it is of the model's worth."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from services.console import say
from simulator.cases.bank import AS_THEY_COME, UNKNOWN, Bank
from simulator.cases.bank_margins import Mixture
from simulator.cases.bank_quality import quality
from simulator.cases.weighting import effective_size
from simulator.language.schema import Scenario
from twin.groups import AGE_BAND_STARTS, AGE_BANDS, GROUP_OF_TONE

# Lesions of either truth, by Kish. Below it, a sensitivity of 0.9 has a 95 % interval wider than
# 0.8 to 1: sqrt(0.9 * 0.1 / 35) * 1.96 = 0.1.
FEWEST: Final = 35


def facts_of(scenario: Scenario, bank: Bank, mixture: Mixture) -> dict[str, Any]:
    """Return what is told of a bank: who is in it, and how sure it is of the model's worth.

    The mixture is that of the first class's patients before any shift.
    """
    scores = bank.scores[AS_THEY_COME]
    threshold = scenario.operating_point
    threshold = bank.threshold if threshold is None else threshold
    sizes = {
        name: effective_size(mixture.weights[mask], bank.lesion[mask])
        for name, mask in (
            ("all", np.ones(len(bank), dtype=np.bool_)),
            ("malignant", bank.malignant),
            ("benign", ~bank.malignant),
        )
    }
    figures = quality(bank, scores, mixture, threshold)
    names, counts = np.unique([name or "unknown" for name in bank.diagnosis], return_counts=True)
    few = [name for name in ("malignant", "benign") if sizes[name] < FEWEST]
    return {
        "model_id": bank.model_id,
        "size": len(bank),
        "lesions": len(np.unique(bank.lesion)),
        "malignant": int(bank.malignant.sum()),
        "by_diagnosis": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "lesions_by_group": _by_group(bank),
        "ways_taken": [dict(way) for way in bank.scores],
        "unscorable": sum(len(one.faults) for one in bank.scores.values()),
        "effective_size": {name: round(size, 1) for name, size in sizes.items()},
        "threshold": threshold,
        **{name: asdict(figure) for name, figure in figures.items()},
        "warnings": [
            *mixture.notes,
            *(
                f"{name} patients stand on about {sizes[name]:.0f} lesions (effective sample "
                f"size); with fewer than {FEWEST} the bank itself says little of them"
                for name in few
            ),
        ],
        "words": _words(sizes, figures["sensitivity"].low, figures["sensitivity"].high),
    }


def line_of(facts: Mapping[str, Any]) -> str:
    """Return a bank in one line for people."""
    sizes = facts["effective_size"]
    figures = ", ".join(
        f"{name} {one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
        for name in ("auc", "sensitivity", "specificity")
        for one in [facts[name]]
        if one["value"] is not None
    )
    return (
        f"bank of {facts['size']:,} images of {facts['lesions']:,} lesions, "
        f"{facts['malignant']:,} malignant; scored now {facts['scored_now']:,}, before "
        f"{facts['cached']:,}; effective sample size {sizes['malignant']:.0f} malignant, "
        f"{sizes['benign']:.0f} benign; {figures}"
    )


def tell(facts: Mapping[str, Any]) -> None:
    """Say what a bank is, and what is wrong with it."""
    say(line_of(facts))
    for warning in facts["warnings"]:
        say(f"bank: {warning}")


def _by_group(bank: Bank) -> dict[str, dict[str, dict[str, int]]]:
    """Return how many lesions of each truth a group's figures stand on, however many patients."""
    bands = [
        None
        if age == UNKNOWN
        else AGE_BANDS[int(np.searchsorted(AGE_BAND_STARTS, age, "right")) - 1]
        for age in bank.age.tolist()
    ]
    columns: dict[str, Sequence[str | None]] = {
        "skin_tone": [None if one is None else GROUP_OF_TONE.get(one) for one in bank.skin_tone],
        "sex": bank.sex,
        "age_band": bands,
        "site": bank.site,
    }
    found: dict[str, dict[str, dict[str, int]]] = {}
    for key, column in columns.items():
        found[key] = {
            value: {
                truth: len(np.unique(bank.lesion[mask & (bank.malignant == malignant)]))
                for truth, malignant in (("malignant", True), ("benign", False))
            }
            for value in sorted({one for one in column if one is not None})
            for mask in [np.array([one == value for one in column])]
        }
    return found


def _words(sizes: Mapping[str, float], low: float | None, high: float | None) -> str:
    start = (
        "Intervals of this run hold for patients drawn from this bank; more patients do not make "
        "the bank surer"
    )
    if low is None or high is None:
        return f"{start}, and it has no malignant lesion that was scored."
    return (
        f"{start}: its {sizes['malignant']:.0f} malignant lesions (effective) place the model's "
        f"sensitivity between {low:.3f} and {high:.3f} (95 %, bootstrap over lesions)."
    )
