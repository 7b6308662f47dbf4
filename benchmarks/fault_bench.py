"""A twin that is up for the fault matrix, and one run of it: load, fault, recovery, audit."""

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from benchmarks.fault_cases import FaultCase
from benchmarks.fault_ground import Ground, Kind, ground
from benchmarks.fault_load import Load, Watcher, images
from services.background import Background
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.reading import read_or_none
from services.deployment import Deployment, deployment
from services.faults.audit import Audit, audit
from services.faults.drill import Drill, FaultOutcome
from services.faults.drill_file import DrillFile
from services.faults.injector import Injector
from services.faults.messages import Messages
from services.faults.steady import Steadiness
from services.logs import Log
from simulator.language.experiment import Gate, Gates
from twin.events import EpochReached, StackPromoted, StackRejected
from twin.model import Model

RATE_PER_S: Final = 15.0
LOAD_S: Final = 8.0  # at least; longer where the steady state is not back
MOMENT_S: Final = (2.0, 5.0)  # the fault's moment is drawn from these
RECOVER_S: Final = 120.0
DRAIN_S: Final = 90.0
_EPOCH_MIN: Final = 1000.0  # event time between two epochs; no run lasts so long
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
    rate_per_s: float = RATE_PER_S
    letters: int = 0  # dead letters so far
    epochs: int = 0  # that were decided

    def run(self, case: FaultCase, seed: int) -> Run:
        """Have one fault happen, and audit."""
        begun_s = time.monotonic()
        name = f"{case.name.replace(' ', '-')}-{seed}-{int(time.time()) % 100000}"
        load = Load(self.on.kafka, self.twin.prefix, name, self.rate_per_s, self.pictures)
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
        decided = self._decide(found)
        letters, self.letters = found.dead_letters - self.letters, found.dead_letters
        return Run(
            fault=case.name,
            seed=seed,
            outcome=outcome.as_dict(),
            audit=found.as_dict(),
            letters=letters,
            letters_expected=case.letters,
            seconds=round(time.monotonic() - begun_s, 1),
            words=[*_wrong(case, outcome, found, letters), *decided],
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

    def _decide(self, found: Audit) -> list[str]:
        """Have the re-stacker decide on all that is there; return what is wrong with it."""
        self.epochs += 1
        counts = found.counts
        epoch = EpochReached(
            at_min=self.epochs * _EPOCH_MIN,
            epoch=self.epochs,
            cases=counts.get("cases", 0),
            feedback=counts.get("feedback", 0),
            closed=counts.get("closed", 0),
        )
        deadline_s = time.monotonic() + DRAIN_S
        told: list[StackPromoted | StackRejected] = []
        with ExitStack() as stack:
            publisher = KafkaPublisher(self.on.kafka, self.twin.prefix)
            stack.callback(publisher.close)
            group = f"decisions-{self.epochs}"
            log = KafkaSubscriber(self.on.kafka, self.twin.prefix, ("stacks",), group)
            stack.callback(log.close)
            publisher.publish(epoch)
            publisher.flush()
            while not told and time.monotonic() < deadline_s:
                events = [read_or_none(message) for message in log.poll(100, 0.2)]
                told += [
                    one
                    for one in events
                    if isinstance(one, StackPromoted | StackRejected) and one.epoch == self.epochs
                ]
        if not told:
            return [f"the re-stacker did not decide on epoch {self.epochs}"]
        if told[0].labels > found.labels:
            return [f"the re-stacker counts {told[0].labels} labels, there are {found.labels}"]
        return []

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
def bench(
    kind: Kind,
    folder: Path,
    model: Model,
    home: Path,
    log: Log,
    rate_per_s: float = RATE_PER_S,
) -> Iterator[Bench]:
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
            made = Bench(twin, on, watcher, orders, log, images(), pump, rate_per_s)
            made.await_steady()
            yield made
    finally:
        orders.clear()
        if before is None:
            os.environ.pop("DERMTWIN_DRILL", None)
        else:
            os.environ["DERMTWIN_DRILL"] = before
