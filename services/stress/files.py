"""The files of a stress run; plain tables that anybody can compute the figures from again."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from services.atomic import write_bytes, write_text
from services.stress.measured import Series
from services.stress.running import Evidence


def keep(folder: Path, evidence: Evidence, summary: Mapping[str, Any], series: Series) -> None:
    """Write all tables and the summary; reports are written by `services.stress.report`."""
    write_text(folder / "stress.csv", _table(series.rows()))
    write_bytes(folder / "latencies.csv.gz", gzip.compress(_cases(evidence).encode(), 6, mtime=0))
    write_text(folder / "processes.csv", _table(_processes(evidence)))
    if summary["knee"] is not None:
        steps = [{**one, "why": "; ".join(one["why"])} for one in summary["knee"]["steps"]]
        write_text(folder / "steps.csv", _table(steps))
    text = json.dumps(summary, indent=2, allow_nan=False) + "\n"
    write_text(folder / "summary.json", text)


def _cases(evidence: Evidence) -> str:
    """Return a row for each case; seconds from the begin of the load, negative before it."""
    entries, since_s = evidence.load.book.entries(), evidence.ran.began_s
    columns = [entries.due_s - since_s, entries.sent_s - since_s, entries.answered_s - since_s]
    lines = ["number,level,due_s,sent_s,answered_s,what\n"]
    names = evidence.levels.names
    for number, (level, shed, rejected) in enumerate(
        zip(entries.level, entries.shed, entries.rejected, strict=True)
    ):
        times = ",".join(
            "" if np.isnan(column[number]) else f"{column[number]:.6f}" for column in columns
        )
        answered = not np.isnan(entries.answered_s[number])
        what = "shed" if shed else "rejected" if rejected else "answered" if answered else "open"
        lines.append(f"{number},{names[level]},{times},{what}\n")
    return "".join(lines)


def _processes(evidence: Evidence) -> list[dict[str, Any]]:
    since_s = evidence.ran.began_s
    return [
        {
            "at_s": round(look.at_s - since_s, 2),
            "component": name,
            "memory_mb": round(mb, 2),
            "cpu_share": round(look.cpu_share.get(name, 0.0), 4),
            "processes": look.pids.get(name, 0),
        }
        for look in evidence.processes.looks
        for name, mb in sorted(look.memory_mb.items())
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
