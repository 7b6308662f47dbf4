"""The summary of an experiment for a pull request: short GitHub Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.report.answer import answer, clear
from simulator.report.headlines import asked, headlines, value_of
from simulator.report.units import change, interval, remark, value
from simulator.report.verdicts import VERDICTS, counted
from simulator.report.wording import label, per_cent, words

Summary = Mapping[str, Any]

_SIGNS: Final = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "❔ inconclusive"}
_MOST: Final = 12  # rows of a table: all stand in report.html


def markdown_report(summary: Summary) -> str:
    """Return the summary, below 60 lines."""
    points = summary["points"]
    lines = [f"## {_safe(summary['scenario'])}", ""]
    if summary["question"]:
        lines += [f"*{_safe(summary['question'])}*", ""]
    lines += [_safe(" ".join(answer(summary))), ""]
    if len(points) == 1:
        lines += [*_gates(points), *_metrics(points[0])]
    elif summary["kind"] == "compare":
        lines += [*_gates(points), *_differences(summary)]
    else:
        lines += [*_counted(points), *_by_point(points)]
    lines += [*_checks(summary), "", f"Digest `{summary['digest']}`, seed {summary['seed']}"]
    return "\n".join(lines) + "\n"


def _safe(text: object) -> str:
    """Return text that cannot become markup, a table's column, or a mention.

    >>> _safe("a | <b> @all")
    'a \\\\| &lt;b&gt; @\\u200ball'
    """
    said = " ".join(str(text).split())
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b")):
        said = said.replace(sign, safe)
    for sign in "\\|*_`[]#":
        said = said.replace(sign, f"\\{sign}")
    return said


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(_safe(cell) for cell in cells)} |"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    if not rows:
        return []
    cut = [_row(row) for row in rows[:_MOST]]
    left = len(rows) - _MOST
    more = [f"\n{left} more stand in report.html."] if left > 0 else []
    return [_row(head), "|" + " --- |" * len(head), *cut, *more, ""]


def _gates(points: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    # What does not pass is seen even where the table is cut.
    order = {"fail": 0, "inconclusive": 1, "pass": 2}
    both = [(point, gate) for point in points for gate in point["gates"]]
    for point, gate in sorted(both, key=lambda one: order[one[1]["verdict"]]):
        where = [label(point)] if len(points) > 1 else []
        found = value(gate["metric"], gate["value"])
        span = interval(gate["metric"], gate) or "–"
        rows.append([gate["text"], *where, _SIGNS[gate["verdict"]], found, span, gate["words"]])
    level = per_cent(points[0]["confidence"])
    where = ["at"] if len(points) > 1 else []
    return _table(["gate", *where, "verdict", "found", f"{level} interval", "why"], rows)


def _metrics(point: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in headlines([point]):
        one = point["metrics"][name]
        rows.append([words(name), value(name, one["value"]), remark(name, one) or "none"])
    return _table(["metric", "value", f"{per_cent(point['confidence'])} interval"], rows)


def _counted(points: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        [text, *(found[verdict] for verdict in VERDICTS)] for text, found in counted(points).items()
    ]
    return _table(["gate, at so many points", *(_SIGNS[verdict] for verdict in VERDICTS)], rows)


def _by_point(points: Sequence[Mapping[str, Any]]) -> list[str]:
    names = asked(points)
    rows = []
    for point in points:
        cells = []
        for name in names:
            span = interval(name, point["metrics"][name])
            figure = value(name, value_of(point, name))
            cells.append(f"{figure} ({span})" if span else figure)
        rows.append([label(point), _SIGNS.get(point["gate"], "–"), *cells])
    return _table(["point", "gates", *map(words, names)], rows)


def _differences(summary: Summary) -> list[str]:
    points = summary["points"]
    rows = []
    for point, found in zip(points[1:], summary["differences"], strict=True):
        for name in headlines(points):
            one = found.get(name)
            if one is None or not clear(one, points[0], name):
                continue
            rows.append([label(point), words(name), *change(name, value_of(points[0], name), one)])
    base = label(points[0])
    if not rows:
        return [f"No headline figure differs from {_safe(base)} beyond chance.", ""]
    level = per_cent(points[0]["confidence"])
    head = ["point", "metric", f"difference from {base}", f"{level} interval"]
    return _table(head, rows)


def _checks(summary: Summary) -> Iterator[str]:
    points = summary["points"]
    said = "hold" if summary["checks_hold"] else "**do not hold**"
    runs = sum(point["replications"] for point in points)
    times = "1 replication" if runs == 1 else f"{runs} replications"
    yield f"Self-checks {said}; {times}, {summary['cases']:,} patients."
    for point in points:
        rows = point["exact"]["rows"]
        if rows:
            agree = sum(row["holds"] is True for row in rows)
            model = _safe(point["exact"]["model"])
            yield f"Theory ({model}): {agree} of {len(rows)} figures agree."
    for one in summary["degraded"]:
        yield f"Degraded: {_safe(one)}"
