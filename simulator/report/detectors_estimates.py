"""How far estimates without labels can be trusted, by what shifts."""

from collections.abc import Mapping
from typing import Any

from simulator.analysis.wilson import wilson_interval
from simulator.experiment.detector_table import PREVALENCE
from simulator.report.sheets import NAMES, Sheet

Result = Mapping[str, Any]


def estimate_sheet(result: Result) -> Sheet:
    """Return, by figure, in how many windows an interval holds the truth, or is not valid."""
    rows = []
    for metric in dict.fromkeys(one["metric"] for one in result["estimates"]):
        for said, of in (
            ("nothing shifts", lambda shift: not shift),
            ("prevalence shifts", lambda shift: shift == PREVALENCE),
            ("images shift", lambda shift: shift not in ("", PREVALENCE)),
        ):
            some = [
                one for one in result["estimates"] if one["metric"] == metric and of(one["shift"])
            ]
            if some:
                rows.append([NAMES.get(metric, metric), said, *_cells(some, result["confidence"])])
    return Sheet(
        caption="Estimates without labels, in windows after the onset",
        head=["figure", "when", "windows", "not valid, it says", "its interval holds the truth"],
        rows=rows,
        numeric=3,
    )


def _cells(some: list[Mapping[str, Any]], confidence: float) -> list[str]:
    windows, not_valid, judged, held = (
        sum(one[key] for one in some) for key in ("windows", "not_valid", "judged", "held")
    )
    refused = f"{100 * not_valid / windows:.1f} %"
    if not judged:
        return [f"{windows:,}", refused, "no truth to hold"]
    share = wilson_interval(held, judged, confidence)
    low, high = 100 * (share.low or 0.0), 100 * (share.high or 0.0)
    return [f"{windows:,}", refused, f"{100 * held / judged:.1f} % ({low:.1f} to {high:.1f} %)"]
