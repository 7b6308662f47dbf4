"""The report of an experiment: one HTML file that opens offline, question and answer first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from simulator.experiment.result import Curves
from simulator.language.calendar import parse_start
from simulator.report.answer import answer
from simulator.report.bank import bank_table
from simulator.report.comparison import comparison
from simulator.report.families import METHODS_TOLD, family_tables
from simulator.report.groups import group_tables
from simulator.report.loop import LOOP_SECTIONS, loop_parts, loop_together
from simulator.report.markup import Html, details, join, section, tag
from simulator.report.page import page
from simulator.report.provenance import provenance
from simulator.report.shifts import SHIFTS_TOLD, shift_tables
from simulator.report.soundness import soundness
from simulator.report.stress import stress_des
from simulator.report.sweep import is_sampled, sweep_results
from simulator.report.timeline import over_time
from simulator.report.verdicts import cautions, gates
from simulator.report.waits import distributions
from simulator.report.warmup import warmup_evidence
from simulator.report.wording import label

_DETAILED: Final = 12  # points shown in full: a page of more would be too large to open
_GROUPED: Final = 4  # points whose metrics are broken down by group on the page


def html_report(
    summary: Mapping[str, Any],
    curves: Sequence[Sequence[Curves]],
    scenarios: Sequence[str],
) -> str:
    """Return the report.

    Parameters:
        summary: as in summary.json.
        curves: by point and replication.
        scenarios: resolved YAML of each point.
    """
    plain = [yaml.safe_load(text) for text in scenarios]
    top = join(
        [
            tag("h1", summary["scenario"] if summary["kind"] != "compare" else _versus(summary)),
            tag("p", summary["about"]) if summary["about"] else "",
            tag("p", summary["question"], class_="question") if summary["question"] else "",
            tag("div", *(tag("p", one) for one in answer(summary)), class_="answer"),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    sections = {
        "gates": ("Gates", gates(summary)),
        "cautions": ("Cautions", cautions(summary, plain)),
        **loop_together(summary, plain),
        **_of_points(summary),
        **_in_detail(summary, curves, plain),
        "bank": ("Bank", section("Bank", bank_table(summary.get("bank")), key="bank")),
        "stress": ("Checklist", stress_des(summary, plain)),
        "again": ("Run it again", provenance(summary, scenarios)),
    }
    there = {key: one for key, one in sections.items() if one[1]}
    contents = [(key, title) for key, (title, _) in there.items()]
    body = join(content for _, content in there.values())
    return page(f"{summary['scenario']}: dermtwin report", top, contents, body)


def _versus(summary: Mapping[str, Any]) -> str:
    return " vs ".join(label(point) for point in summary["points"])


def _of_points(summary: Mapping[str, Any]) -> dict[str, tuple[str, Html]]:
    """Return what several points say together; it stands first, for it is what was asked."""
    points = summary["points"]
    if len(points) == 1:
        return {}
    found = {}
    sampled = False
    if summary["kind"] != "compare":
        sampled = is_sampled(points)
        shown = sweep_results(points, sampled=sampled)
        found["sweep"] = ("Sweep", section("Sweep", shown, key="sweep"))
    if not sampled:  # the first point of a Latin hypercube is no base to compare with
        shown = comparison(points, summary["differences"])
        found["differences"] = ("Differences", section("Differences", shown, key="differences"))
    return found


def _in_detail(
    summary: Mapping[str, Any],
    curves: Sequence[Sequence[Curves]],
    scenarios: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[str, Html]]:
    points = summary["points"]
    grouped = len(points) <= _GROUPED
    told: dict[str, tuple[str, str, list[Html]]] = {
        "shifts": ("Shifts", SHIFTS_TOLD, []),
        **{key: (title, note, []) for key, (title, note) in LOOP_SECTIONS.items()},
        "metrics": ("Metrics", METHODS_TOLD, []),
        "groups": ("By group", "", []),
        "time": ("Over time", "", []),
        "waits": ("How long it takes", "", []),
        "warmup": ("Warm-up", "", []),
        "checks": ("Self-checks and theory", "", []),
    }
    for point, runs, scenario in zip(points, curves, scenarios, strict=True):
        start_min = parse_start(scenario["start"])
        warmup_min = point["warmup"]["warmup_min"]
        told["shifts"][2].append(shift_tables(point, start_min, warmup_min))
        for key, part in loop_parts(point, start_min, warmup_min).items():
            told[key][2].append(part)
        told["metrics"][2].append(family_tables(point))
        if grouped:
            told["groups"][2].append(group_tables(point))
        told["time"][2].append(over_time(runs, start_min, warmup_min))
        told["waits"][2].append(distributions(runs))
        told["warmup"][2].append(warmup_evidence(point, start_min))
        told["checks"][2].append(soundness(point))
        if len(told["metrics"][2]) == _DETAILED:
            break
    return {
        key: (title, section(title, *_by_point(points, parts), key=key, note=note))
        for key, (title, note, parts) in told.items()
    }


def _by_point(points: Sequence[Mapping[str, Any]], parts: Sequence[Html]) -> list[Html]:
    if len(points) == 1:
        return list(parts)
    shown = [details(label(point), part) for point, part in zip(points, parts, strict=False)]
    left = len(points) - _DETAILED
    if any(shown) and left > 0:
        said = f"The other {left} points stand in summary.json and replications/."
        shown.append(tag("p", said, class_="note"))
    return shown
