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
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from benchmarks.fault_cases import BY_NAME, CASES, FaultCase
from benchmarks.fault_ground import Ground, Kind, ground
from benchmarks.fault_load import Load, Watcher, images
from services.background import Background
from services.bus.kafka_publisher import KafkaPublisher
from services.deployment import Deployment, deployment
from services.faults.audit import Audit, audit
from services.faults.drill import Drill, FaultOutcome
from services.faults.drill_file import DrillFile
from services.faults.injector import Injector
from services.faults.messages import Messages
from services.faults.steady import Steadiness
from services.logs import Log, open_log
from simulator.language.experiment import Gate, Gates
from twin.model import Model

RATE_PER_S: Final = 15.0
LOAD_S: Final = 12.0  # at least; longer where the steady state is not back
MOMENT_S: Final = (3.0, 7.0)  # the fault's moment is drawn from these
RECOVER_S: Final = 120.0
PER_TWIN: Final = 5  # faults that one twin goes through: its log must stay quick to read again
DRAIN_S: Final = 90.0
RESULTS: Final = Path(__file__).parent / "results" / "fault_matrix"
STEADY: Final = (
    "latency.p99_ms < 3000",
    "lag.cases < 60",
    "mirror.age_s < 3",
    "api.ready == 1",
    "parts.down == 0",
)
# A loop, so that there is a re-stacker; nothing else of it is used.
_LOOP: Final = """
name: fault-matrix
seed: 1
horizon: 70 d
cases: {source: synthetic}
arrivals: {rate_per_d: 20}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 2 min}}, then: end}
staff: {reader: 2}
decision: {reader: {sensitivity: 0.89, specificity: 0.76, weight_of_ai: 0.5}}
feedback:
  delay: {lognormal: {mean: 3 d, sd: 1 d}}
  verified: {biopsied: 100 %, discharged: 30 %}
restack: {every: 7 d, window: 28 d}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One fault, once."""

    fault: str
    seed: int
    outcome: dict[str, Any]
    audit: dict[str, Any]
    letters: int  # dead letters of this run
    letters_expected: int
    seconds: float
    words: list[str] = field(default_factory=list)  # what is wrong

    @property
    def passed(self) -> bool:
        """Nothing is wrong."""
        return not self.words


@dataclass(slots=True)
class Bench:
    """A twin that is up, and what is done to it."""

    twin: Deployment
    on: Ground
    watcher: Watcher
    orders: DrillFile
    log: Log
    pictures: list[Any]
    pump: Background
    letters: int = 0  # dead letters so far

    def run(self, case: FaultCase, seed: int) -> Run:
        """Have one fault happen, and audit."""
        begun_s = time.monotonic()
        name = f"{case.name.replace(' ', '-')}-{seed}-{int(time.time()) % 100000}"
        load = Load(self.on.kafka, self.twin.prefix, name, RATE_PER_S, self.pictures)
        with ExitStack() as stack:
            publisher = KafkaPublisher(self.on.kafka, self.twin.prefix)
            stack.callback(publisher.close)
            messages = Messages(publisher, lambda: list(load.recent), self.orders.poison)
            injector = Injector(
                self.twin,
                hands=self.on.hands,
                cables=self.on.cables,
                orders=self.orders,
                messages=messages,
                refusals=self.on.refusals,
            )
            moment_s = random.Random(f"{case.name} {seed}").uniform(*MOMENT_S)  # noqa: S311
            drill = Drill(
                [case.at(moment_s)],
                injector,
                self.watcher,
                self.log,
                conditions=_conditions(),
                recover_s=RECOVER_S,
            )
            stack.callback(drill.finish)
            self.watcher.follow(load)
            load.begin()
            stack.callback(load.stop)
            drill.begin(load.began_s)
            self._keep_on(load, drill)
            load.stop()
            outcome = drill.finish()[0]
        self._drain()
        found = audit(
            self.on.kafka,
            self.on.redis,
            self.twin.prefix,
            {*load.sent, *messages.sent},
            labelled=load.labelled | messages.labelled,
        )
        letters, self.letters = found.dead_letters - self.letters, found.dead_letters
        return Run(
            fault=case.name,
            seed=seed,
            outcome=outcome.as_dict(),
            audit=found.as_dict(),
            letters=letters,
            letters_expected=case.letters,
            seconds=round(time.monotonic() - begun_s, 1),
            words=_wrong(case, outcome, found, letters),
        )

    def await_steady(self, timeout_s: float = RECOVER_S) -> None:
        """Wait until the steady state holds before a run."""
        deadline_s = time.monotonic() + timeout_s
        steadiness = Steadiness(_conditions(), self.watcher)
        while broken := steadiness.look().broken:
            self.pump.check()
            if time.monotonic() > deadline_s:
                sys.exit(f"no steady state before the fault: {broken}, {self.watcher.down()}")
            time.sleep(0.2)

    def _keep_on(self, load: Load, drill: Drill) -> None:
        until_s = load.began_s + LOAD_S
        deadline_s = load.began_s + LOAD_S + RECOVER_S
        while time.monotonic() < until_s or not drill.over:
            self.pump.check()
            load.check()
            if time.monotonic() > deadline_s:
                return
            time.sleep(0.1)

    def _drain(self) -> None:
        deadline_s = time.monotonic() + DRAIN_S
        while self.watcher.outstanding() and time.monotonic() < deadline_s:
            self.pump.check()
            time.sleep(0.1)


def _wrong(case: FaultCase, outcome: FaultOutcome, found: Audit, letters: int) -> list[str]:
    words = list(found.words)
    if outcome.refused:
        words.append(outcome.refused)
    if not outcome.steady_after:
        words.append(f"the steady state did not come back: {outcome.broken}")
    if letters != case.letters:
        words.append(f"{letters} dead letters instead of {case.letters}")
    return words


def _conditions() -> Sequence[Gate]:
    found: tuple[Gate, ...] = TypeAdapter(Gates).validate_python(list(STEADY))
    return found


@contextmanager
def bench(kind: Kind, folder: Path, model: Model, home: Path, log: Log) -> Iterator[Bench]:
    """Bring servers and a twin up, and wait until it is steady."""
    from services.config import read_settings
    from services.embedded.programs import choose_ports

    folder.mkdir(parents=True, exist_ok=True)
    orders = DrillFile(folder / "drill.json")
    scenario = folder / "loop.yaml"
    scenario.write_text(_LOOP)
    before = os.environ.get("DERMTWIN_DRILL")
    os.environ["DERMTWIN_DRILL"] = str(orders.path)
    api = ["--host", "127.0.0.1", "--port", str(choose_ports({"api": None})["api"])]
    try:
        with ExitStack() as stack:
            on = stack.enter_context(ground(kind, folder / "servers"))
            settings = read_settings(os.environ).model_copy(
                update={
                    "home": home,
                    "kafka": on.twin_kafka,
                    "redis": on.twin_redis,
                    "name": f"faults-{os.getpid()}",
                }
            )
            twin = stack.enter_context(
                deployment(settings, model, scenario=scenario, api=api, log=log)
            )
            twin.await_serving()
            twin.await_ready()

            def check(stop: Any) -> None:
                while not stop.wait(0.1):
                    twin.check()

            pump = Background("check", check)
            stack.callback(pump.stop)
            watcher = Watcher(twin, on.kafka, on.redis)
            stack.callback(watcher.close)
            made = Bench(twin, on, watcher, orders, log, images(), pump)
            made.await_steady()
            yield made
    finally:
        orders.clear()
        if before is None:
            os.environ.pop("DERMTWIN_DRILL", None)
        else:
            os.environ["DERMTWIN_DRILL"] = before


def matrix(
    cases: Sequence[FaultCase],
    seeds: int,
    kind: Kind,
    model: Model,
    home: Path,
    keep: Path,
    log: Log,
) -> list[Run]:
    """Do what has not been done, and return all runs."""
    runs: list[Run] = []
    todo: list[tuple[FaultCase, int]] = []
    for case in cases:
        for seed in range(seeds):
            file = _file(keep, case.name, seed)
            if file.is_file():
                runs.append(Run(**json.loads(file.read_text())))
            else:
                todo.append((case, seed))
    while todo:
        faults = list(dict.fromkeys(case.name for case, _ in todo))[:PER_TWIN]
        turn = [one for one in todo if one[0].name in faults]
        todo = [one for one in todo if one[0].name not in faults]
        with (
            tempfile.TemporaryDirectory(prefix="dermtwin-faults-") as folder,
            bench(kind, Path(folder), model, home, log) as made,
        ):
            for case, seed in turn:
                made.await_steady()
                run = made.run(case, seed)
                runs.append(run)
                keep.mkdir(parents=True, exist_ok=True)
                _file(keep, case.name, seed).write_text(_json(run))
                _say(run)
    return runs


@contextmanager
def _apart(file: Path) -> Iterator[None]:
    """Have this process and its children write their logs to a file instead of the terminal."""
    terminal = os.dup(2)
    with file.open("a") as stream:
        os.dup2(stream.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _file(keep: Path, fault: str, seed: int) -> Path:
    return keep / f"{fault.replace(' ', '-')}-{seed}.json"


def _json(run: Run) -> str:
    names = ("fault", "seed", "outcome", "audit", "letters", "letters_expected", "seconds", "words")
    return json.dumps({name: getattr(run, name) for name in names}, indent=1) + "\n"


def _say(run: Run) -> None:
    recovered = run.outcome["recovered_s"]
    back = "not back" if recovered is None else f"back after {recovered:.1f} s"
    said = "; ".join(run.words) or "well"
    print(f"{run.fault} {run.seed}: {back}, {run.seconds:.0f} s: {said}", flush=True)


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
    parser.add_argument("--fresh", action="store_true", help="forget what was done")
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
    from services.commands.up_model import model_to_serve
    from services.config import read_settings

    settings = read_settings(os.environ)
    model = model_to_serve(None, None, settings)
    keep.mkdir(parents=True, exist_ok=True)
    with (keep / "twin.log").open("a") as stream:
        runs = matrix(cases, asked.seeds, asked.kafka, model, settings.home, keep, open_log(stream))
    table = rows(runs)
    print(markdown(table))
    gate = all(row["pass"] for row in table)
    result = {"servers": asked.kafka, "rows": table, "pass": gate}
    file = RESULTS / f"{asked.kafka}.json"
    file.write_text(json.dumps(result, indent=2) + "\n")
    print(f"kept in {file}", file=sys.stderr)
    sys.exit(0 if gate else 1)
