"""The bank that patients were drawn from, and what a run's intervals leave out because of it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.report.markup import Html, join, table, tag
from simulator.report.units import interval, number, value

# The bank's figures, and the metrics that are shown alike.
_FIGURES: Final = {
    "auc": "auc",
    "sensitivity": "ai.sensitivity",
    "specificity": "ai.specificity",
}
_SAID: Final = {"auc": "AUC"}


def bank_table(bank: Mapping[str, Any] | None) -> Html:
    """Return what stands in summary.json of the bank; empty where there is none."""
    if not bank:
        return Html("")
    said = [tag("p", one) for one in bank_words(bank)]
    rows = [list(row) for row in bank_rows(bank)]
    return join([*said, table("The bank", ["", "value"], rows, numeric=1)])


def bank_words(bank: Mapping[str, Any]) -> Iterator[str]:
    """Yield what limits figures that rest on a bank, a sentence or two each."""
    yield (
        "Patients were drawn from a bank of images that were scored once. Intervals of a run speak "
        "of the simulation given this bank."
    )
    if bank.get("words"):
        yield str(bank["words"])
    yield from (str(one) for one in bank.get("warnings", ()))
    if bank.get("others"):
        yield f"Of {len(bank['others'])} other points the bank differs: see summary.json."


def bank_rows(bank: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is told of a bank, and its figure."""
    yield "images", f"{bank['size']:,}"
    yield "lesions", f"{bank['lesions']:,}"
    yield "malignant images", f"{bank['malignant']:,}"
    yield "scored for this run", f"{bank['scored_now']:,}"
    yield "scores known from before", f"{bank['cached']:,}"
    yield "could not be scored", f"{bank['unscorable']:,}"
    for who, size in (bank.get("effective_size") or {}).items():
        yield f"lesions after weighting, effectively: {who}", number(float(size))
    for key, name in _FIGURES.items():
        one = bank.get(key)
        if one is None or one["value"] is None:
            continue
        span = interval(name, one)
        between = f" ({span})" if span else ""
        yield f"{_SAID.get(key, key)} of the model on it", f"{value(name, one['value'])}{between}"
    yield "model", str(bank["model_id"])
