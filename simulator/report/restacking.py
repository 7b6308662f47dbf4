"""Decisions about the stack: sentences, tables, and the weights through versions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.experiment.restacking import REASONS
from simulator.report.figures import (
    COLOURS,
    DASHES,
    SYMBOLS,
    Figure,
    axis,
    drawn,
    rounded,
    series,
)
from simulator.report.markup import Html
from simulator.report.sheets import Sheet
from simulator.report.shift_words import when
from simulator.report.units import number

Point = Mapping[str, Any]

RESTACKING_TOLD: Final = (
    "Lineage, weights and gates are those of the first replication; events.jsonl has every "
    "decision of all, with its gate. A gate's bounds are one-sided, at the scenario's confidence."
)
_DIGEST: Final = 12


def restacking_told(point: Point) -> Iterator[str]:
    """Yield how often what was decided, over all replications."""
    found = (point.get("loop") or {}).get("restacking")
    if not found:
        return
    counts = {one["verdict"]: one["times"] for one in found["verdicts"]}
    said = ", ".join(f"{verdict} {times}" for verdict, times in counts.items() if times)
    runs = point["replications"]
    over = "1 replication" if runs == 1 else f"{runs} replications"
    yield f"{found['epochs']} decisions about the stack in {over}: {said}."
    last = found["last_version"]
    if min(last) < max(last):
        yield f"At the end versions {min(last)} to {max(last)} are in force."
    else:
        yield f"At the end version {last[0]} is in force."


def restacking_sheets(point: Point) -> list[Sheet]:
    """Return decisions by verdict, lineage, and the gates."""
    found = (point.get("loop") or {}).get("restacking")
    if not found:
        return []
    return [decision_sheet(point), _lineage(found["lineage"]), *map(_gate, found["gates"])]


def decision_sheet(point: Point, most: int = REASONS) -> Sheet:
    """Return how often each verdict was given, and why most often.

    Parameters:
        most: reasons of each verdict.
    """
    found = point["loop"]["restacking"]
    rows = []
    for one in found["verdicts"]:
        if not one["times"]:
            continue
        remedies = ", ".join(f"{how} {times}" for how, times in one["remedies"].items())
        reasons = "; ".join(f"{why['times']} × {why['example']}" for why in one["reasons"][:most])
        rows.append([one["verdict"], remedies, reasons, f"{one['times']:,}"])
    caption = f"{found['epochs']:,} decisions, all replications together"
    head = ["verdict", "remedy", "most frequent reasons, each with an example", "times"]
    return Sheet(caption=caption, head=head, rows=rows, numeric=1)


def _lineage(lineage: Sequence[Mapping[str, Any]]) -> Sheet:
    rows = [
        [
            f"{one['version']}",
            "–" if one["parent"] is None else f"{one['parent']}",
            one["how"] if one["restores"] is None else f"{one['how']} to {one['restores']}",
            when(one["at_min"]),
            one["reason"],
            str(one["digest"])[:_DIGEST],
            f"{one['malignant']:,} / {one['labels']:,}" if one["labels"] else "–",
            f"{one['threshold']:.3f}",
        ]
        for one in lineage
    ]
    head = ["version", "parent", "how", "from", "why", "digest", "malignant / labels", "threshold"]
    return Sheet(caption="Lineage of the first replication", head=head, rows=rows, numeric=2)


def _gate(one: Mapping[str, Any]) -> Sheet:
    rows = [
        [
            line["metric"].replace("_", " "),
            line["group"] or "all",
            {"pass": "✓ pass", "fail": "✗ fail"}.get(line["verdict"], "? too few labels"),
            f"{line['malignant']:,} / {line['labels']:,}",
            _number(line["champion"]),
            _number(line["challenger"]),
            _change(line),
            number(line["margin"]),
        ]
        for line in one["gate"]
    ]
    what = f"{one['verdict']} at epoch {one['epoch']}, {when(one['at_min'])}"
    which = f"version {one['version']}, {one['how']}, {what}"
    if one["verdict"] not in {"promoted", "rolled back"}:
        which = f"{one['how'] or 'no remedy'}, {what}; version {one['version']} stays"
    caption = f"Gate: {which}. {one['reason']}"
    head = ["metric", "group", "verdict", "malignant / labels", "champion", "challenger"]
    head += ["change (bounds)", "margin"]
    return Sheet(caption=caption, head=head, rows=rows, numeric=5)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _change(line: Mapping[str, Any]) -> str:
    if line["change"] is None:
        return "–"
    bounds = [f"{line[key]:+.3f}" for key in ("low", "high") if line[key] is not None]
    shown = f"{line['change']:+.3f}"
    shown = f"{shown} ({' to '.join(bounds)})" if bounds else shown
    return shown.replace("-", "−")


def _look(place: int) -> dict[str, Any]:
    """Return colour, dash and marker of a column: no two of 49 have all three in common."""
    colour, other = place % COLOURS, (place + place // COLOURS) % COLOURS
    return {
        "line": {"color": f"@{colour}", "dash": DASHES[other], "width": 2},
        "marker": {"color": f"@{colour}", "symbol": SYMBOLS[other], "size": 8},
    }


def weights_figure(point: Point) -> Html:
    """Return the weights of the first replication's stacks through versions; empty without any."""
    found = (point.get("loop") or {}).get("restacking")
    if not found or len(found["weights"]) < 2:
        return Html("")
    versions = found["weights"]
    columns = dict.fromkeys(name for one in versions for name in one["weights"])
    x = [f"{one['version']}" for one in versions]
    data = [
        series(
            place,
            name,
            mode="lines+markers",
            x=x,
            y=[
                None if name not in one["weights"] else rounded(one["weights"][name])
                for one in versions
            ],
            hovertemplate="%{y:.4g}<extra>%{fullData.name}, version %{x}</extra>",
            **_look(place),
        )
        for place, name in enumerate(columns)
    ]
    layout = {
        "xaxis": axis("version of the stack", type="category"),
        "yaxis": axis("weight, nats for each nat of log-odds"),
    }
    caption = (
        "Stack of all learners, first replication. The intercept is in nats; columns input.0 and "
        "on are those of the sketch, in training standard deviations."
    )
    return drawn(
        Figure(title="Weights through versions", caption=caption, data=data, layout=layout)
    )
