"""The summary of an experiment for a pull request: short GitHub Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.report.answer import answer, clear
from simulator.report.bank import bank_rows, bank_words
from simulator.report.group_rows import accuracy, group_rows
from simulator.report.headlines import asked, headlines, value_of
from simulator.report.markdown_cells import safe, table_of
from simulator.report.markdown_loop import loop_lines, recovery_lines
from simulator.report.shift_words import (
    PERIOD_METRICS,
    SHIFT_HEAD,
    SHORT,
    answer_of,
    share,
    shift_row,
    told,
)
from simulator.report.units import change, interval, remark, short, value
from simulator.report.verdicts import VERDICTS, counted
from simulator.report.wording import KEYS, label, per_cent, words

Summary = Mapping[str, Any]

_SIGNS: Final = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "❔ inconclusive"}
_GROUPS: Final = ("skin_tone", "sex", "age_band", "site", "class", "diagnosis")
_FOLDED: Final = "</details>"


def markdown_report(summary: Summary) -> str:
    """Return the summary, below 60 lines; where there are groups or shifts, these come on top."""
    points = summary["points"]
    lines = [f"## {safe(summary['scenario'])}", ""]
    if summary["question"]:
        lines += [f"*{safe(summary['question'])}*", ""]
    lines += [safe(" ".join(answer(summary))), ""]
    if len(points) == 1:
        lines += [*_gates(points), *_metrics(points[0])]
        lines += [*_shifts(points[0]), *loop_lines(points[0]), *_groups(points[0])]
    elif summary["kind"] == "compare":
        lines += [*_gates(points), *recovery_lines(summary), *_differences(summary)]
    else:
        lines += [*_counted(points), *_by_point(points)]
    lines += [
        *_bank(summary),
        *_checks(summary),
        "",
        f"Digest `{summary['digest']}`, seed {summary['seed']}",
    ]
    return "\n".join(lines) + "\n"


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
    return table_of(["gate", *where, "verdict", "found", f"{level} interval", "why"], rows)


def _metrics(point: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in headlines([point]):
        one = point["metrics"][name]
        rows.append([words(name), value(name, one["value"]), remark(name, one) or "none"])
    return table_of(["metric", "value", f"{per_cent(point['confidence'])} interval"], rows)


def _shifts(point: Mapping[str, Any]) -> list[str]:
    found = point.get("shifts")
    if not found:
        return []
    lines = ["### Shifts", "", *(f"- {safe(one)}" for one in told(point)), ""]
    lines += table_of(SHIFT_HEAD, [shift_row(shift) for shift in found["shifts"]])
    names = [name for of in PERIOD_METRICS.values() for name in of]
    names = [name for name in names if name in point["metrics"]]
    rows = []
    for period in found["periods"]:
        true = period["true_prevalence"]
        prevalence = _cell("prevalence", answer_of(point, "prevalence", period["name"]))
        rows.append(
            [
                period["name"],
                f"{period['malignant'] or 0:,} / {period['patients'] or 0:,}",
                prevalence + ("" if true is None else f", true {share(true)}"),
                *(_cell(name, answer_of(point, name, period["name"])) for name in names),
            ]
        )
    head = ["period", "malignant / all", "prevalence", *(SHORT[name] for name in names)]
    return [*lines, *table_of(head, rows if names else [])]


def _groups(point: Mapping[str, Any]) -> list[str]:
    """Return what decisions and the AI are worth in each group, folded."""
    names = [name for name in accuracy(point) if name != "auc"]
    rows = [
        [
            f"{KEYS.get(row.key, row.key)} {row.value}",
            f"{row.malignant:,} / {row.benign:,}",
            *(_cell(name, row.answers.get(name)) for name in names),
        ]
        for key in _GROUPS
        for row in group_rows(point, key, names)
    ]
    if not rows:
        return []
    head = ["group", "malignant / benign", *(SHORT[name] for name in names)]
    table = table_of(head, rows, most=len(rows))
    level = per_cent(point["confidence"])
    return [
        f"<details><summary>By group, with {level} intervals</summary>",
        "",
        *table,
        _FOLDED,
        "",
    ]


def _cell(name: str, answer: Mapping[str, Any] | None) -> str:
    if answer is None:
        return "not measured"
    if answer["value"] is None:
        return short(str(answer["reason"]))
    said = remark(name, answer)
    return f"{value(name, answer['value'])} ({said})" if said else value(name, answer["value"])


def _bank(summary: Summary) -> list[str]:
    bank = summary.get("bank")
    if not bank:
        return []
    said = safe(" ".join(bank_words(bank)))
    return [said, "", *table_of(["bank", "value"], list(bank_rows(bank)), most=20)]


def _counted(points: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        [text, *(found[verdict] for verdict in VERDICTS)] for text, found in counted(points).items()
    ]
    return table_of(["gate, at so many points", *(_SIGNS[verdict] for verdict in VERDICTS)], rows)


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
    return table_of(["point", "gates", *map(words, names)], rows)


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
        return [f"No headline figure differs from {safe(base)} beyond chance.", ""]
    level = per_cent(points[0]["confidence"])
    head = ["point", "metric", f"difference from {base}", f"{level} interval"]
    return table_of(head, rows)


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
            model = safe(point["exact"]["model"])
            yield f"Theory ({model}): {agree} of {len(rows)} figures agree."
    for one in summary["degraded"]:
        yield f"Degraded: {safe(one)}"
