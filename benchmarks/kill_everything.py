"""kill -9 of all processes of a run at random moments, and then the same command again.

The first clinic with 60 patients over Kafka, in a folder of its own. At a random moment, from the
start of the process to the end of an undisturbed run, every process of the run gets SIGKILL, or
its first process alone: then guards and Ray's processes have to find that out. The same command
follows at once; in a third of the trials it is killed, too. What it gives in the end must be what
an undisturbed run gives: digest, every figure of the summary that no clock decides, the event log.
A quarter of the trials have no model yet, so that they are killed while one learns.

`python -m benchmarks kill_everything --help` has options.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.killing import Marked

SCENARIO = Path(__file__).parent.parent / "scenarios" / "first-clinic.yaml"
SMALL = ("--set", "cases.count=60", "--set", "model.cases=60")
# For processes to find out that the first one is dead: Ray's agents look for 2 s, and then try for
# 10 s to tell a head that is gone; more on a busy machine.
PATIENCE_S = 30.0
# What a clock, a place or a route decides: the rest of the summary must be equal.
FREE = (
    *("run_dir", "cases_per_s", "first_verdict_s", "latency_ms", "wall_s"),
    *("route", "batch", "mirror", "restarts"),
)


@dataclass(frozen=True, slots=True)
class End:
    """What a run gave."""

    summary: dict[str, Any]
    events_sha256: str

    def figures(self) -> dict[str, Any]:
        """Return what must be equal."""
        told = {name: value for name, value in self.summary.items() if name not in FREE}
        return told | {"events": self.events_sha256}


@dataclass(slots=True)
class Trial:
    """One run that was killed, once or twice."""

    moments_s: list[float] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)  # processes that got SIGKILL
    left_after_s: list[float | None] = field(default_factory=list)  # until none lived
    again_s: float = 0.0  # the command that came to the end
    equal: bool = False
    said: str = ""

    def row(self) -> dict[str, Any]:
        """Return the trial as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where trials are made, and how a run is started."""

    work: Path  # everything is below it
    environment: Mapping[str, str]
    route: str = "kafka"
    options: Sequence[str] = SMALL

    def start(self, name: str, *, home: Path) -> Marked:
        """Start the run of a trial, or start it again."""
        command = [
            *(sys.executable, "-m", "services.cli", "run", str(SCENARIO), *self.options),
            *("--route", self.route, "--out", str(self.work / name), "--json"),
        ]
        environment = {**self.environment, "DERMTWIN_HOME": str(home)}
        return Marked(command, environment, self.work / f"{name}.err")

    def finish(self, run: Marked, name: str) -> End:
        """Wait for a run's end.

        Raises:
            RuntimeError: it failed.
        """
        out = run.output()
        if run.process.returncode != 0:
            said = (self.work / f"{name}.err").read_text(errors="replace")
            raise RuntimeError(f"{name} ended with {run.process.returncode}:\n{said[-3000:]}")
        events = (self.work / name / "events.jsonl").read_bytes()
        return End(json.loads(out), hashlib.sha256(events).hexdigest())

    def phase(self, name: str) -> str:
        """Return how far a run has come, from what its folder holds."""
        folder = self.work / name
        if (folder / "summary.json").exists():
            return "summary"
        if any((folder / "replications").glob("*.json")):
            return "report"
        if not (folder / "experiment.json").exists():
            return "before its folder" if not folder.exists() else "plan"
        try:
            state = json.loads((folder / "progress.json").read_text())
        except (OSError, ValueError):
            return "start"
        if state["stage"] == "patients":
            return f"stream {state['done']}/{state['total']}"
        return f"training: {state['stage']}"


def disturb(
    bench: Bench, name: str, home: Path, kills: Sequence[tuple[float | str, bool]], end: End
) -> Trial:
    """Kill a run at moments after its starts, let the same command end it, and compare.

    Parameters:
        kills: seconds after the start, or the phase that is waited for; and whether all processes
            or the first one alone.
    """
    trial = Trial()
    for moment, everything in kills:
        run = bench.start(name, home=home)
        if isinstance(moment, str):
            while run.process.poll() is None and not bench.phase(name).startswith(moment):
                time.sleep(0.01)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it may be done before
                run.process.wait(max(0.0, run.started_s + moment - time.monotonic()))
        trial.moments_s.append(round(time.monotonic() - run.started_s, 2))
        trial.phases.append(bench.phase(name))
        trial.how.append("all" if everything else "first")
        trial.killed.append(run.kill(everything=everything))
        left = run.gone_after_s(PATIENCE_S)
        trial.left_after_s.append(None if left is None else round(left, 2))
        if run.process.stdout is not None:
            run.process.stdout.close()
    began_s = time.monotonic()
    try:
        again = bench.finish(bench.start(name, home=home), name)
    except RuntimeError as error:
        trial.said = str(error)
    else:
        ours, theirs = again.figures(), end.figures()
        differs = [
            key for key in dict.fromkeys((*ours, *theirs)) if ours.get(key) != theirs.get(key)
        ]
        mirror = again.summary["mirror"]
        if mirror is not None and not mirror["equal"]:
            differs.append("mirror")
        trial.equal, trial.said = not differs, ", ".join(differs)
    trial.again_s = round(time.monotonic() - began_s, 1)
    return trial


@contextlib.contextmanager
def bench(environment: Mapping[str, str] | None = None) -> Iterator[Bench]:
    """Bring a place for trials; processes there have their temporary files there, too."""
    # Short: Ray's sockets lie below it, and the name of a socket has at most 107 signs.
    with tempfile.TemporaryDirectory(prefix="ke-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "t").mkdir()
        temporary = {"TMPDIR": f"{folder}/t", "RAY_TMPDIR": f"{folder}/t"}
        yield Bench(work=Path(folder), environment={**temporary, **(environment or {})})


def measure(
    moments: int = 20, seed: int = 1, *, servers: str = "embedded", show: bool = True
) -> dict[str, Any]:
    """Make the trials; return what came of them."""
    with contextlib.ExitStack() as stack:
        environment = {}
        if servers == "real":
            environment = stack.enter_context(_real_servers())
        place = stack.enter_context(bench(environment))
        learns, knows = place.work / "learns", place.work / "knows"
        began_s = time.monotonic()
        end = place.finish(place.start("first", home=knows), "first")
        with_training_s = time.monotonic() - began_s
        began_s = time.monotonic()
        again = place.finish(place.start("second", home=knows), "second")
        undisturbed_s = time.monotonic() - began_s
        same = again.figures() == end.figures()
        draw = np.random.default_rng(seed)
        trials = []
        for number in range(moments):
            trains = number % 4 == 3
            home = learns / str(number) if trains else knows
            longest_s = with_training_s if trains else undisturbed_s
            # One in each of as many equal spans: spread over the whole run, and still random.
            first_s = longest_s * (number + draw.random()) / moments
            kills: list[tuple[float | str, bool]] = [(first_s, number % 2 == 0)]
            if number % 3 == 0:
                kills.append((draw.random() * longest_s, bool(draw.random() < 0.5)))
            name = f"trial-{number:02d}"
            trial = disturb(place, name, home, kills, end)
            trials.append(trial)
            if show:
                Console(stderr=True).print(name, trial.row())
            shutil.rmtree(learns, ignore_errors=True)
        guards = len(list((place.work / "t").glob("dermtwin-servers-*")))
        sessions = len(list((place.work / "t").glob("ray/session_2*")))
    if show:
        Console(stderr=True).print(_table(trials))
    late = [one for trial in trials for one in trial.left_after_s]
    return {
        "moments": moments,
        "servers": servers,
        "kills": len(late),
        "equal": sum(trial.equal for trial in trials),
        "left_after_s_max": None if None in late else max((one or 0.0 for one in late), default=0),
        "undisturbed_s": round(undisturbed_s, 1),
        "undisturbed_with_training_s": round(with_training_s, 1),
        "again_s_max": max(trial.again_s for trial in trials),
        "server_folders_left": guards,
        "ray_sessions_left": sessions,
        "trials": [trial.row() for trial in trials],
        "pass": same and all(trial.equal for trial in trials) and None not in late,
    }


@contextlib.contextmanager
def _real_servers() -> Iterator[dict[str, str]]:
    from benchmarks.real_servers import RealServers

    with (
        tempfile.TemporaryDirectory(prefix="ke-servers-") as folder,
        RealServers(Path(folder)) as servers,
    ):
        yield {
            "KAFKA_BOOTSTRAP_SERVERS": servers.bootstrap_servers,
            "REDIS_URL": servers.redis_url,
        }


def _table(trials: Sequence[Trial]) -> Table:
    table = Table(
        "trial", "killed after, s", "in phase", "who", "none left after, s", "again, s", "end"
    )
    shown: Callable[[Sequence[Any]], str] = lambda values: "\n".join(map(str, values))  # noqa: E731
    for number, trial in enumerate(trials):
        table.add_row(
            str(number),
            shown(trial.moments_s),
            shown(trial.phases),
            shown([f"{how} ({count})" for how, count in zip(trial.how, trial.killed, strict=True)]),
            shown(trial.left_after_s),
            str(trial.again_s),
            "equal" if trial.equal else trial.said[:200],
        )
    return table


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark with options; exit with 1 if a trial fails."""
    parser = argparse.ArgumentParser("python -m benchmarks kill_everything", description=__doc__)
    parser.add_argument("--moments", type=int, default=20, help="trials")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--servers", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--out", type=Path, help="file for the result (JSON)")
    options = parser.parse_args(arguments)
    found = measure(options.moments, options.seed, servers=options.servers)
    text = json.dumps(found, indent=2)
    if options.out is not None:
        options.out.write_text(text + "\n")
    sys.stdout.write(text + os.linesep)
    sys.exit(0 if found["pass"] else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
