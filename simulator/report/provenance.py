"""What it takes to run an experiment again: scenario, versions, seed, digests, files, command."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.report.markup import Html, details, join, section, table, tag
from simulator.report.wording import label

_FILES: Final = (
    ("scenario.yaml", "the resolved scenario: every default written out"),
    ("experiment.json", "points and order: what dermtwin resume needs"),
    ("replications/", "figures, curves, checks and digest of each replication"),
    ("patients.csv, visits.csv", "a row for each patient and visit of the first replication"),
    ("summary.json", "every number of this page"),
    ("summary.md", "the same in short, for a pull request"),
    ("report.html", "this page"),
)
_OF_POINTS: Final = ("points/", "the scenario of each point")
_OF_TWIN: Final = (
    ("events.jsonl", "the twin's event log of the first replication; its sha256 is the digest"),
    ("twin.jsonl", "the worker's log, a line for each case; not part of the digest"),
)


def provenance(summary: Mapping[str, Any], scenarios: Sequence[str]) -> Html:
    """Return how to run it again, and everything that this rests on."""
    points = summary["points"]
    several = len(points) > 1
    files = [*_FILES[:2], *([_OF_POINTS] if several else []), *_FILES[2:]]
    attached = "attached" in summary  # then the worker's log is the live twin's
    files += _OF_TWIN[: 1 if attached else 2] if summary["route"] else ()
    facts = [
        ["digest", tag("code", summary["digest"], class_="digest")],
        ["seed", str(summary["seed"])],
        ["patients", f"{summary['cases']:,}"],
        *([["model", summary["model_id"]]] if summary["model_id"] else []),
        *([["route", _route(summary)]] if summary["route"] else []),
        *([["answer times", _latency(summary["latency_ms"])]] if summary["latency_ms"] else []),
        *[[name, version] for name, version in summary["versions"].items()],
    ]
    digests = [
        [label(point) or summary["scenario"], f"{number}", tag("code", digest, class_="digest")]
        for point in points
        for number, digest in enumerate(point["digests"])
    ]
    head = ["point", "replication", "sha256 of all that happened"]
    return section(
        "Run it again",
        tag("p", "In the run folder, with the version below:"),
        tag("pre", "\n".join(_commands(summary))),
        tag("p", "The digest then is the same if, and only if, the same happened.", class_="note"),
        table("What this rests on", ["fact", "value"], facts),
        table("Files of the run folder", ["file", "holds"], files),
        details("Digest of each replication", table("Digests", head, digests)),
        _texts(summary, scenarios),
        key="again",
    )


def _route(summary: Mapping[str, Any]) -> str:
    if "attached" not in summary:
        return f"{summary['route']}, batches of {summary['batch']}"
    tags = ", ".join(one["tag"] for one in summary["attached"])
    return f"attached to the twin that was up, as {tags}"


def _latency(latency_ms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g} ms" for name, value in latency_ms.items())


def _commands(summary: Mapping[str, Any]) -> list[str]:
    route = f" --route {summary['route']} --batch {summary['batch']}" if summary["route"] else ""
    if summary["kind"] == "compare":
        names = " ".join(f"points/{at:03d}.yaml" for at in range(len(summary["points"])))
        return [f"dermtwin compare {names}{route}"]
    if "attached" in summary:  # no twin needs to be up for it, but its model has to be there
        route = f" --route inprocess --model {summary['model_id']}"
    return [f"dermtwin run scenario.yaml{route}"]


_SHOWN: Final = 12  # scenarios of points printed in full: the run folder has them all


def _texts(summary: Mapping[str, Any], scenarios: Sequence[str]) -> Html:
    shown = list(zip(summary["points"], scenarios, strict=True))[:_SHOWN]
    left = len(scenarios) - len(shown)
    rest = tag("p", f"{left} more stand in the run folder, in points/.") if left else ""
    return join(
        [
            *(
                details(
                    f"Resolved scenario{': ' + label(point) if label(point) else ''}",
                    tag("pre", text),
                )
                for point, text in shown
            ),
            rest,
        ]
    )
