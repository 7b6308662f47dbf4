"""The STRESS-DES checklist, filled from scenario and summary; what neither says is marked.

T. Monks, C. S. M. Currie, B. S. Onggo, S. Robinson, M. Kunc, S. J. E. Taylor (2019), Strengthening
the reporting of empirical simulation studies: introducing the STRESS guidelines, Journal of
Simulation 13(1), 55-67, doi:10.1080/17477778.2018.1442155.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.report.headlines import headlines
from simulator.report.markup import Html, join, section, table, tag
from simulator.report.spoken import (
    Plain,
    arrivals,
    differing,
    does,
    on_duty,
    queued,
    routes,
    spoken,
)
from simulator.report.units import number, time_scale
from simulator.report.wording import label, per_cent, words

_SOURCE: Final = (
    "Monks, Currie, Onggo, Robinson, Kunc, Taylor (2019), Journal of Simulation 13(1), 55–67, "
    "doi:10.1080/17477778.2018.1442155"
)
_NOT: Final = tag("em", "The scenario does not say.", class_="none")

Items = list[tuple[str, object]]


def stress_des(summary: Mapping[str, Any], scenarios: Sequence[Plain]) -> Html:
    """Return the checklist as a table for each of its six sections."""
    first = scenarios[0]
    parts: dict[str, Items] = {
        "1 Objectives": _objectives(summary, first),
        "2 Logic": _logic(summary, scenarios),
        "3 Data": _data(first),
        "4 Experimentation": _experimentation(summary, first),
        "5 Implementation": _implementation(summary),
        "6 Code access": [
            (
                "6.1 Computer model sharing",
                "dermtwin is open source (Apache-2.0). This page holds the whole resolved "
                "scenario; with the version, seed and digest below anybody can run it again and "
                "see whether the same happened.",
            )
        ],
    }
    tables = [
        table(name, ["item", "as reported"], [[item, said or _NOT] for item, said in items])
        for name, items in parts.items()
    ]
    note = f"After the STRESS-DES checklist: {_SOURCE}. Filled from the scenario and the runs."
    return section("Reporting checklist (STRESS-DES)", *tables, key="stress", note=note)


def _objectives(summary: Mapping[str, Any], first: Plain) -> Items:
    purpose = join([one for one in (first["about"], first["question"]) if one], " ")
    outputs = "; ".join(words(name) for name in headlines(summary["points"]))
    gates = [tag("li", tag("code", gate)) for gate in first["gates"]]
    aims: object = tag("ul", *gates) if gates else ""
    if len(summary["points"]) > 1:
        what = "comparison" if summary["kind"] == "compare" else "sweep"
        points = "; ".join(label(point) for point in summary["points"][:12])
        more = len(summary["points"]) - 12
        points += f"; and {more} more" if more > 0 else ""
        aims = join([tag("p", f"A {what} over: {points}."), aims])
    return [
        ("1.1 Purpose of the model", purpose),
        ("1.2 Model outputs", f"{outputs}; all others under Metrics."),
        ("1.3 Experimentation aims", aims),
    ]


def _logic(summary: Mapping[str, Any], scenarios: Sequence[Plain]) -> Items:
    first = scenarios[0]
    pathway = first["pathway"]
    nodes = table(
        "Nodes of the pathway",
        ["node", "what happens", "queue", "then"],
        [[node["id"], does(node), queued(node), routes(node["then"])] for node in pathway],
    )
    changed: list[object] = []
    for point, other in zip(summary["points"][1:25], scenarios[1:25], strict=False):
        found = [
            row for row in differing(first, other) if row[0] not in ("name", "about", "question")
        ]
        told = "; ".join(f"{key}: {before} → {after}" for key, before, after in found[:12])
        changed.append(tag("li", f"{label(point)}: {told or 'no difference'}"))
    ai = _ai(first)
    return [
        ("2.1 Base model overview", _overview(pathway)),
        ("2.2 Base model logic", nodes),
        ("2.3 Scenario logic", tag("ul", *changed) if changed else "One scenario only."),
        ("2.4 Algorithms", ai),
        ("2.5.1 Entities", _entities(first)),
        ("2.5.2 Activities", "; ".join(f"{n['id']}: {does(n)}" for n in pathway)),
        (
            "2.5.3 Resources",
            "; ".join(f"{name}: {on_duty(one)}" for name, one in first["staff"].items()),
        ),
        (
            "2.5.4 Queues",
            "; ".join(f"{node['id']}: {queued(node)}" for node in pathway if "queue" in node),
        ),
        ("2.5.5 Entry and exit", _entry(first)),
    ]


def _overview(pathway: Sequence[Plain]) -> str:
    return "; ".join(f"{node['id']} → {' or '.join(node['then'])}" for node in pathway)


def _ai(first: Plain) -> str:
    decision = first["decision"]
    cases = first["cases"]
    said = []
    if cases["source"] == "nominal":
        if cases.get("ai"):
            said.append(f"AI known by its figures: {spoken(cases['ai'])}")
        elif not cases.get("population"):
            return "Patients have no lesion: no AI, no decision."
    else:
        said.append(f"The twin's model scores each image ({spoken(first['model'])})")
    said.append(f"threshold: {decision['threshold']}; reader: {spoken(decision['reader'])}")
    said.append(f"a missed malignant lesion is found {decision['missed_delay']} later")
    return "; ".join(said) + "."


def _entities(first: Plain) -> str:
    cases = first["cases"]
    said = [f"patients ({cases['source']} cases)"]
    if cases.get("population"):
        said.append(f"population: {spoken(cases['population'])}")
    if first.get("classes"):
        said.append("classes: " + ", ".join(one["id"] for one in first["classes"]))
    return "; ".join(said)


def _entry(first: Plain) -> str:
    enter = first["pathway"][0]["id"]
    own = [f"{one['id']} at {one['enter']}" for one in first.get("classes", ()) if one.get("enter")]
    entry = f"Patients enter at {enter}" + (f" ({', '.join(own)})" if own else "")
    leave = [node["id"] for node in first["pathway"] if "end" in node["then"]]
    return f"{entry} and leave after {', '.join(leave)}, or from a queue as 2.5.4 says."


def _data(first: Plain) -> Items:
    inputs = [f"arrivals: {one}" for one in arrivals(first)]
    inputs += [f"{node['id']}: {does(node)}" for node in first["pathway"] if "twin" not in node]
    return [
        ("3.1 Data sources", ""),
        ("3.2 Input data preprocessing", ""),
        ("3.3 Input parameters", tag("ul", *(tag("li", one) for one in inputs))),
        (
            "3.4 Assumptions",
            "Weeks have no dates or holidays. Service times, arrivals, decisions and patience are "
            "drawn independently of each other, unless the scenario says otherwise. Defaults of "
            "the scenario language are written out in the resolved scenario below.",
        ),
    ]


def _experimentation(summary: Mapping[str, Any], first: Plain) -> Items:
    points = summary["points"]
    warm_min = points[0]["warmup"]["warmup_min"]
    factor, unit = time_scale(warm_min)
    warm = f"{number(warm_min * factor)}{unit} ({points[0]['warmup']['how']})"
    runs = sorted({point["replications"] for point in points})
    horizon = first.get("horizon", "none: the run ends with the last patient")
    ending = {"empty": "then the clinic works until all have left", "stop": "then the run stops"}
    spec = first["replications"]
    asked = (
        f", until {spec['precision'] * 100:g} % precision of {', '.join(spec['of'])}"
        if spec.get("precision")
        else ""
    )
    level = per_cent(points[0]["confidence"])
    shared = "; points share their random numbers" if len(points) > 1 else ""
    return [
        ("4.1 Initialisation", f"Starts empty at {first['start']}; warm-up left out: {warm}."),
        ("4.2 Run length", f"Horizon {horizon}; {ending[first['ending']]}."),
        (
            "4.3 Estimation approach",
            f"{' to '.join(map(str, [runs[0], runs[-1]][: len(runs)]))} independent replications"
            f"{asked}; {level} intervals over replications{shared}.",
        ),
    ]


def _implementation(summary: Mapping[str, Any]) -> Items:
    versions = ", ".join(f"{name} {one}" for name, one in summary["versions"].items())
    route = f"; twin over {summary['route']}" if summary["route"] else ""
    return [
        ("5.1 Software", versions),
        (
            "5.2 Random sampling",
            f"A Philox stream for each purpose and patient, keyed by seed {summary['seed']}, "
            "replication, purpose and patient (Salmon et al. 2011, doi:10.1145/2063384.2063405).",
        ),
        (
            "5.3 Model execution",
            "Event scheduling on SimPy; ties by time, priority, then order of scheduling" + route,
        ),
        (
            "5.4 System specification",
            f"{summary['wall_s']:g} s in all on the machine of the run, "
            f"{summary['cases_per_s'] or 0:,.0f} patients per second; hardware is not recorded.",
        ),
    ]
