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
    rows = [list(row) for row in bank_rows(bank)]
    said = tag("p", BANK_TOLD)
    return join([said, table("The bank", ["", "value"], rows, numeric=1)])


BANK_TOLD = (
    "Patients were drawn from a bank of images that were scored once. Intervals of a run speak of "
    "the simulation given this bank: more patients or replications narrow them, and still say "
    "nothing about other images. The intervals here are of the bank itself, drawn anew by lesion."
)


def bank_rows(bank: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is told of a bank, and its figure."""
    yield "images", f"{bank['size']:,}"
    yield "lesions", f"{bank['lesions']:,}"
    yield "malignant images", f"{bank['malignant']:,}"
    yield "scored for this run", f"{bank['scored_now']:,}"
    yield "scores taken from the cache", f"{bank['cached']:,}"
    yield "could not be scored", f"{bank['unscorable']:,}"
    if bank.get("ess") is not None:
        yield "effective size after weighting", number(float(bank["ess"]))
    for key, name in _FIGURES.items():
        one = bank.get(key)
        if one is None or one["value"] is None:
            continue
        span = interval(name, one)
        between = f" ({span})" if span else ""
        yield f"{_SAID.get(key, key)} of the model on it", f"{value(name, one['value'])}{between}"
    yield "model", str(bank["model_id"])
