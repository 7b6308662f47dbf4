"""What `dermtwin robustness` found, as a table for the terminal and as a page."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from services.console import two_columns
from simulator.report.figures import Choice, Figure, axis, chosen, series, whiskers
from simulator.report.markup import Html, join, mark, section, small, table, tag
from simulator.report.page import page
from twin.acquisition.acquisition import SEVERITIES
from twin.acquisition.shifts import SHIFTS

Result = Mapping[str, Any]


def result_table(result: Result) -> Group:
    """Return shift by severity: AUC, and the interval of the paired difference below it."""
    plain = result["auc"]
    shown = Table("shift", "0", *map(str, SEVERITIES), "falls", show_lines=True)
    for name, found in result["shifts"].items():
        cells = [
            f"{one['auc']:.3f}\n{one['low']:+.3f} {one['high']:+.3f}" for one in found["severities"]
        ]
        shown.add_row(name, f"{plain['value']:.3f}", *cells, said(found))
    rows = {
        "model": result["model_id"],
        "images": f"{result['images']} ({result['malignant']} malignant) of {result['lesions']} "
        f"lesions, split {result['split']}"
        + (", limited" if result["limited"] else "")
        + (f"; {len(result['unscorable'])} not scorable" if result["unscorable"] else ""),
        "AUC as they come": f"{plain['value']:.4f} [{plain['low']:.4f}, {plain['high']:.4f}]",
        "intervals": f"{result['confidence']:.0%} of the paired difference to severity 0, "
        f"{result['resamples']} resamples of lesions",
        "time": f"{result['wall_s']:g} s",
    }
    return Group(shown, two_columns("", rows))


def said(found: Result) -> str:
    """Return in words whether the AUC falls with severity."""
    if not found["monotone"]:
        return "rises at " + ", ".join(map(str, found["rises_at"]))
    return "yes" if found["lowers_auc"] else "not proven"


def result_page(result: Result) -> str:
    """Return an HTML page that opens offline: a figure by shift, and the table."""
    plain = result["auc"]
    held = [one for one in result["shifts"].values() if one["monotone"] and one["lowers_auc"]]
    top = join(
        [
            tag("h1", "Robustness to acquisition shifts"),
            tag(
                "p",
                f"AUC of model {result['model_id']} on {result['images']} images of "
                f"{result['lesions']} lesions (split {result['split']}"
                f"{', limited' if result['limited'] else ''}), {result['malignant']} malignant.",
            ),
            tag(
                "div",
                tag(
                    "p",
                    f"As they come: {plain['value']:.3f} [{plain['low']:.3f}, "
                    f"{plain['high']:.3f}]. {len(held)} of {len(result['shifts'])} shifts lower "
                    "it monotonically within noise.",
                ),
                class_="answer",
            ),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    choice = Choice(
        asks="Shift",
        figures={name: _figure(name, found, plain) for name, found in result["shifts"].items()},
    )
    figure = section("AUC by severity", chosen(choice), key="figure")
    numbers = section(
        "Table",
        _table(result),
        key="table",
        note="Below each AUC stands the interval of the paired difference to severity 0.",
    )
    listed = section("What the shifts are", _levels(result), key="levels")
    contents = [("figure", "AUC by severity"), ("table", "Table"), ("levels", "Shifts")]
    return page("Robustness: dermtwin", top, contents, join([figure, numbers, listed]))


def _figure(name: str, found: Result, plain: Result) -> Figure:
    severities = found["severities"]
    auc = [plain["value"], *(one["auc"] for one in severities)]
    lows = [None, *(plain["value"] + one["low"] for one in severities)]
    highs = [None, *(plain["value"] + one["high"] for one in severities)]
    line = {
        **series(0, name),
        "mode": "lines+markers",
        "x": [0, *SEVERITIES],
        "y": auc,
        "error_y": whiskers(auc, lows, highs),
    }
    return Figure(
        title=name.replace("_", " "),
        caption=f"{SHIFTS[name].about} Bars are 95 % intervals of the paired difference to "
        "severity 0.",
        data=[line],
        layout={
            "xaxis": axis("severity", dtick=1),
            "yaxis": axis("AUC", range=[min(0.45, *auc) - 0.02, 1.0]),
        },
        height=380,
    )


def _table(result: Result) -> Html:
    rows = [
        [
            name,
            mark("pass" if found["monotone"] else "fail", said(found)),
            f"{result['auc']['value']:.3f}",
            *(
                join([f"{one['auc']:.3f} ", small(f"{one['low']:+.3f} to {one['high']:+.3f}")])
                for one in found["severities"]
            ),
        ]
        for name, found in result["shifts"].items()
    ]
    head = ["shift", "falls", "0", *SEVERITIES]
    return table("AUC by shift and severity", head, rows, numeric=6)


def _levels(result: Result) -> Html:
    rows = []
    for name in result["shifts"]:
        shift = SHIFTS[name]
        levels = "; ".join(
            f"{parameter}: {', '.join(f'{value:g}' for value in values)}"
            for parameter, values in shift.levels.items()
        )
        rows.append([name, shift.about, levels, shift.source])
    return table("Parameters by severity", ["shift", "what", "levels 1 to 5", "source"], rows)
