"""What the page says of explanations: the surrogate's fidelity, and every explainer's worth."""

from collections.abc import Mapping
from typing import Final

from services.reproduce.job import Found
from simulator.report.markup import Html, join, small, table, tag
from twin.explain.fidelity import LEAST_RANK_CORRELATION
from twin.explain.methods import METHODS

_SHARES: Final = ("deletion_beats_random", "insertion_beats_random")
_AREAS: Final = ("deletion_less_random", "insertion_less_random")
_NOTE: Final = (
    "Deletion blurs the most important pixels first; a good map makes the log-odds fall sooner "
    "than random maps that are as smooth do (a negative difference of areas). Insertion puts them "
    "back first (positive)."
)


def explanation_part(found: Found) -> list[Html]:
    """Return fidelity in words and the table of explainers; empty without test images."""
    judged, fidelity = found.explanations, found.fidelity
    if judged is None or fidelity is None:
        return []
    low = (
        f"below {LEAST_RANK_CORRELATION:g}: maps by gradients are marked low fidelity"
        if fidelity.is_low
        else f"at least {LEAST_RANK_CORRELATION:g}, as maps by gradients must have"
    )
    said = (
        f"Gradients are those of a surrogate whose log-odds on {fidelity.images} test images have "
        f"rank correlation {fidelity.rank_correlation:.3f} with the stack's ({low})."
    )
    rows: list[list[object]] = []
    for name, one in judged["methods"].items():
        gradient = METHODS[name].ask is None
        rows.append(
            [
                METHODS[name].title,
                "the surrogate's gradient" if gradient else "the stack itself",
                *(_mean(one[key], 100) for key in _SHARES),
                *(_mean(one[key], 1) for key in _AREAS),
            ]
        )
    head = [
        "explainer",
        "asks",
        "deletion beats random maps, %",
        "insertion beats random maps, %",
        "deletion less random, nats",
        "insertion less random, nats",
    ]
    caption = f"Maps of {judged['images']} test images, {judged['malignant']} malignant"
    return [tag("p", said), table(caption, head, rows, numeric=4), tag("p", _NOTE, class_="note")]


def _mean(found: Mapping[str, float], factor: float) -> Html:
    digits = 0 if factor > 1 else 2
    value, low, high = (f"{factor * found[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return join([value, Html("<br>"), small(f"{low} to {high}")])
