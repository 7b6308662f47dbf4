"""The fault matrix: every fault several times at random moments, and an audit after each.

    python -m benchmarks fault_matrix [--seeds 5] [--faults "kill worker,flush redis"]
                                      [--kafka real|embedded] [--list]

A twin is up on servers of ours, 15 cases a second come with closings and labels, and one fault
happens at a moment that the seed draws. The load goes on until the steady state is back; then the
whole log is read, and the mirror held against its fold. What is done is kept, a file a run, so the
command goes on where it was interrupted; `--fresh` begins anew.

Gates: nothing lost, no answer doubled, no label counted twice, the mirror equal to the fold of the
log, dead letters as expected, and the steady state back within two minutes, in every run.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from benchmarks.fault_bench import RATE_PER_S, Run, bench
from benchmarks.fault_cases import BY_NAME, CASES, FaultCase
from benchmarks.fault_ground import Kind
from services.logs import Log, open_log
from twin.model import Model

PER_TWIN: Final = 5  # faults that one twin goes through: its log must stay quick to read again
RESULTS: Final = Path(__file__).parent / "results" / "fault_matrix"


def matrix(
    cases: Sequence[FaultCase],
    seeds: int,
    kind: Kind,
    model: Model,
    home: Path,
    keep: Path,
    log: Log,
    terminal: TextIO,
    rate_per_s: float = RATE_PER_S,
) -> list[Run]:
    """Do what has not been done, and return all runs."""
    runs, todo = _kept(cases, seeds, keep)
    while todo:
        faults = list(dict.fromkeys(case.name for case, _ in todo))[:PER_TWIN]
        turn = [one for one in todo if one[0].name in faults]
        todo = [one for one in todo if one[0].name not in faults]
        with (
            tempfile.TemporaryDirectory(prefix="dermtwin-faults-") as folder,
            bench(kind, Path(folder), model, home, log, rate_per_s) as made,
        ):
            for case, seed in turn:
                made.await_steady()
                run = made.run(case, seed)
                runs.append(run)
                keep.mkdir(parents=True, exist_ok=True)
                _file(keep, case.name, seed).write_text(_json(run))
                _say(run, terminal)
    return runs


def _kept(
    cases: Sequence[FaultCase], seeds: int, keep: Path
) -> tuple[list[Run], list[tuple[FaultCase, int]]]:
    """Return the runs that were done, and what is to be done."""
    runs: list[Run] = []
    todo: list[tuple[FaultCase, int]] = []
    for case in cases:
        for seed in range(seeds):
            file = _file(keep, case.name, seed)
            if file.is_file():
                runs.append(Run(**json.loads(file.read_text())))
            else:
                todo.append((case, seed))
    return runs, todo


@contextmanager
def _apart(file: Path) -> Iterator[TextIO]:
    """Have this process and its children write their logs to a file instead of the terminal."""
    terminal = {number: os.dup(number) for number in (1, 2)}
    with file.open("a") as stream:
        for number in terminal:
            os.dup2(stream.fileno(), number)
    try:
        with os.fdopen(os.dup(terminal[2]), "w") as shown:
            yield shown
    finally:
        for number, kept in terminal.items():
            os.dup2(kept, number)
            os.close(kept)


def _file(keep: Path, fault: str, seed: int) -> Path:
    return keep / f"{fault.replace(' ', '-')}-{seed}.json"


def _json(run: Run) -> str:
    names = ("fault", "seed", "outcome", "audit", "letters", "letters_expected", "seconds", "words")
    return json.dumps({name: getattr(run, name) for name in names}, indent=1) + "\n"


def _say(run: Run, terminal: TextIO) -> None:
    recovered = run.outcome["recovered_s"]
    back = "not back" if recovered is None else f"back after {recovered:.1f} s"
    said = "; ".join(run.words) or "well"
    print(f"{run.fault} {run.seed}: {back}, {run.seconds:.0f} s: {said}", file=terminal, flush=True)


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the table, a row a fault."""
    found = []
    for name in dict.fromkeys(run.fault for run in runs):
        of = [run for run in runs if run.fault == name]
        back = [run.outcome["recovered_s"] for run in of]
        times = [one for one in back if one is not None]
        after = [run.outcome["recovered_from_end_s"] for run in of]
        ended = [one for one in after if one is not None]
        found.append(
            {
                "fault": name,
                "runs": len(of),
                "cases": sum(run.audit["sent"] for run in of),
                "lost": sum(run.audit["lost"] for run in of),
                "doubled": sum(run.audit["doubled"] for run in of),
                "labels_twice": sum(run.audit["labels_twice"] for run in of),
                "labels_lost": sum(run.audit["labels_lost"] for run in of),
                "mirror_equal": sum(run.audit["mirror_equal"] for run in of),
                "repeats": max(run.audit["repeats"] for run in of),
                "letters": sum(run.letters for run in of),
                "letters_expected": sum(run.letters_expected for run in of),
                "recovered": len(times),
                "median_s": statistics.median(times) if times else None,
                "max_s": max(times) if times else None,
                "after_end_s": statistics.median(ended) if ended else None,
                "seen": BY_NAME[name].seen,
                "pass": all(run.passed for run in of),
            }
        )
    return found


def markdown(table: Sequence[dict[str, Any]]) -> str:
    """Return the table as it stands in docs/faults.md."""
    lines = [
        "| fault | runs | cases | lost | doubled | labels twice | mirror equal | dead letters "
        "| back after, median (longest) | from its end | people see |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table:
        back = "not back" if row["median_s"] is None else f"{row['median_s']:.1f} s"
        longest = "" if row["max_s"] is None else f" ({row['max_s']:.1f} s)"
        end = "" if row["after_end_s"] is None else f"{row['after_end_s']:.1f} s"
        equal = f"{row['mirror_equal']} of {row['runs']}"
        letters = f"{row['letters']} of {row['letters_expected']}"
        cells = [row["fault"], row["runs"], row["cases"], row["lost"], row["doubled"]]
        cells += [row["labels_twice"], equal, letters, back + longest, end, row["seen"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Print the table; exit with 1 if a gate is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks fault_matrix",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=5, help="runs of each fault")
    parser.add_argument("--faults", default="", help="names, with commas between; default: all")
    parser.add_argument("--kafka", choices=("real", "embedded"), default="real")
    parser.add_argument(
        "--rate", type=float, default=RATE_PER_S, help="cases a second; default: 15"
    )
    parser.add_argument("--fresh", action="store_true", help="forget what was done")
    parser.add_argument("--kept", action="store_true", help="only the table of what was done")
    parser.add_argument("--list", action="store_true", help="the faults, and nothing else")
    asked = parser.parse_args(arguments)
    names = [name.strip() for name in asked.faults.split(",") if name.strip()]
    if unknown := [name for name in names if name not in BY_NAME]:
        parser.error(f"{', '.join(unknown)}: no fault; there are {', '.join(BY_NAME)}")
    cases = [BY_NAME[name] for name in names] or list(CASES)
    if asked.kafka == "embedded":
        cases = [one for one in cases if not one.real_only]
    if asked.list:
        for one in cases:
            lasts = "" if one.for_s is None else f" for {one.for_s:g} s"
            print(f"{one.name}{lasts}: {one.seen}")
        return
    keep = RESULTS / asked.kafka
    if asked.fresh:
        shutil.rmtree(keep, ignore_errors=True)
    if asked.kept:
        runs, todo = _kept(cases, asked.seeds, keep)
        print(markdown(rows(runs)))
        sys.exit(1 if todo or not all(run.passed for run in runs) else 0)
    from services.commands.up_model import model_to_serve
    from services.config import read_settings

    settings = read_settings(os.environ)
    model = model_to_serve(None, None, settings)
    keep.mkdir(parents=True, exist_ok=True)
    with _apart(keep / "twin.log") as terminal:
        log = open_log(sys.stderr)
        where = (asked.kafka, model, settings.home, keep, log, terminal, asked.rate)
        runs = matrix(cases, asked.seeds, *where)
    table = rows(runs)
    print(markdown(table))
    gate = all(row["pass"] for row in table)
    result = {"servers": asked.kafka, "rows": table, "pass": gate}
    file = RESULTS / f"{asked.kafka}.json"
    file.write_text(json.dumps(result, indent=2) + "\n")
    print(f"kept in {file}", file=sys.stderr)
    sys.exit(0 if gate else 1)
