"""The bank of a run as CSV: who `bank_entry` of patients.csv is, with which weight and score."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from services.experiments.store import Store
from simulator.cases.bank import AS_THEY_COME, Bank, Entry, Severities
from simulator.cases.bank_margins import Mixture
from twin.errors import DataError
from twin.images import name_of
from twin.meta import INPUT


def keep_bank(
    store: Store, name: str, bank: Bank, entries: Sequence[Entry], mixture: Mixture
) -> None:
    """Write a bank into a run's folder, or hold it against the one that is there.

    Raises:
        DataError: the run was begun with another bank: an image has another score, or none.
    """
    text = bank_csv(bank, entries, mixture)
    file = store.folder / name
    if file.is_file() and file.read_text(encoding="utf-8") != text:
        reason = "the run was begun with another bank: images, model or program have changed"
        raise DataError(file, f"{reason}; run the scenario anew")
    store.write(name, text)


def bank_csv(bank: Bank, entries: Sequence[Entry], mixture: Mixture) -> str:
    """Return a row for each entry; the weight is that of the first class before any shift."""
    file = io.StringIO(newline="")
    rows = csv.writer(file, lineterminator="\n")
    facts = ("malignant", "diagnosis", "age", "sex", "site", "skin_tone")
    ways = [_way(way) for way in bank.scores]
    faults = ["fault" if not way else f"fault[{way}]" for way in ways]
    scored = ["p_malignant" if not way else f"p_malignant[{way}]" for way in ways]
    base, base_scores = _base_scores(bank)
    rows.writerow(["bank_entry", "image", "lesion", *facts, "weight", *scored, *faults, *base])
    weights = np.round(mixture.weights, 12).tolist()
    for place, entry in enumerate(entries):
        known = [getattr(entry, name) for name in facts[1:]]
        p = [float(one.p_malignant[place]) for one in bank.scores.values()]
        rows.writerow(
            [
                place,
                name_of(entry.image),
                entry.lesion,
                int(entry.malignant),
                *("" if value is None else value for value in known),
                weights[place],
                *("" if np.isnan(value) else value for value in p),
                *(one.faults.get(place, "") for one in bank.scores.values()),
                *("" if np.isnan(value) else value for value in base_scores[place]),
            ]
        )
    return file.getvalue()


def _base_scores(bank: Bank) -> tuple[list[str], list[list[float]]]:
    """Return names and rows of what each case is answered from; none where nothing changes."""
    if bank.scorer is None:
        return [], [[]] * len(bank)
    names, columns = [], []
    for way, scores in bank.scores.items():
        of = f"[{_way(way)}]" if way else ""
        names += [f"log_odds.{name}{of}" for name in scores.learners]
        names += [f"{INPUT}{place}{of}" for place in range(scores.sketch.shape[1])]
        columns += [scores.log_odds, scores.sketch]
    return names, np.concatenate(columns, axis=1).tolist()


def _way(way: Severities) -> str:
    return "" if way == AS_THEY_COME else " ".join(f"{kind}={level}" for kind, level in way)
