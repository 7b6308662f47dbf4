"""Workers as processes of their own on one log: started, waited for, killed; and what they said."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from services.bus.codec import decode
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.port import Message
from services.bus.topics import TOPICS
from simulator.cases.population import Population
from twin.events import CaseArrived, ComponentChanged, VerdictIssued
from twin.lifecycle import ComponentState

READY_S: Final = 240.0  # TensorFlow on a busy core: assumption
_LOOK_S: Final = 0.05
_MOST: Final = 2000
# That of scenarios/first-clinic.yaml.
CLINIC: Final = Population(
    prevalence=0.2,
    skin_tone={"I-II": 0.5, "III-IV": 0.35, "V-VI": 0.15},
    age_mean=52.0,
    age_sd=17.0,
)


def rendered(count: int, tag: str) -> list[CaseArrived]:
    """Return so many cases with lesions that are rendered, no two alike."""
    drawn = (CLINIC.draw(20250901, 0, f"{tag}-{number:06d}") for number in range(count))
    return [
        CaseArrived(case_id=case.case_id, at_min=float(number), image=case.image)
        for number, case in enumerate(drawn)
    ]


@dataclass(slots=True)
class Crew:
    """Workers on one log.

    Parameters:
        kafka, ray: addresses.
        prefix: of the topics.
        environment: more variables of the workers.
        grouped: they join a consumer group; otherwise each is told its share.
    """

    kafka: str
    ray: str
    prefix: str
    model_id: str
    home: Path
    grouped: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    answers: list[Message] = field(default_factory=list)  # all that was heard, also repeats
    _states: dict[str, str] = field(default_factory=dict)
    _facts: dict[str, dict[str, float]] = field(default_factory=dict)
    _news: Any = None
    _verdicts: Any = None

    def __enter__(self) -> "Crew":
        ensure_topics(self.kafka, self.prefix, TOPICS)
        self._news = KafkaSubscriber(self.kafka, self.prefix, ("components",), "crew-news")
        self._verdicts = KafkaSubscriber(self.kafka, self.prefix, ("verdicts",), "crew-verdicts")
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._news.close()
        self._verdicts.close()

    def start(self, name: str, share: str | None = None) -> None:
        """Start a worker."""
        told = ["--name", name] if self.grouped else ["--name", name, "--share", str(share)]
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "DERMTWIN_NAME": self.prefix,
            "DERMTWIN_HOME": str(self.home),
            "DERMTWIN_REPLICAS": "stem=1",
            **({"RAY_ADDRESS": self.ray} if self.ray else {}),
            **self.environment,
        }
        command = [sys.executable, "-m", "services.cli", "worker", "--model", self.model_id, *told]
        with Path(os.devnull).open("w") as nowhere:
            self.processes[name] = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stderr=nowhere,
            )

    def kill(self, name: str) -> None:
        """End a worker at once."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def await_ready(self) -> None:
        """Wait until all workers take cases."""
        self.wait(lambda: all(self.state(name) == "ready" for name in self.processes), READY_S)

    def state(self, name: str) -> str:
        """Return what a worker said last of itself."""
        for message in self._news.poll(_MOST, 0.0):
            event = decode(message.schema, message.value)
            if isinstance(event, ComponentChanged):
                self._states[event.component] = event.state
                self._facts[event.component] = dict(event.facts)
        return self._states.get(name, ComponentState.STARTING.value)

    def answered_by(self, name: str) -> int:
        """Return how many answers a worker has told of; it tells every few seconds."""
        self.state(name)
        return int(self._facts[name]["cases"])

    def put(self, cases: Sequence[CaseArrived]) -> None:
        """Put cases on the log, and wait until it has them."""
        publisher = KafkaPublisher(self.kafka, self.prefix)
        try:
            for case in cases:
                publisher.publish(case)
            publisher.flush()
        finally:
            publisher.close()

    def listen(self) -> None:
        """Take in the answers that are there."""
        while messages := self._verdicts.poll(_MOST, 0.0):
            self.answers += messages

    def answered(self) -> set[str]:
        """Return the cases that were answered, as far as was heard."""
        kind = f"{VerdictIssued.__name__}/"
        return {str(one.key) for one in self.answers if one.schema.startswith(kind)}

    def await_answers(self, cases: Sequence[CaseArrived], timeout_s: float = 600.0) -> None:
        """Wait until all of these cases are answered."""
        wanted = {case.case_id for case in cases}

        def all_there() -> bool:
            self.listen()
            return wanted <= self.answered()

        self.wait(all_there, timeout_s)

    def wait(self, is_so: Callable[[], bool], timeout_s: float) -> None:
        """Wait for something, and for no worker that has ended."""
        deadline_s = time.monotonic() + timeout_s
        while not is_so():
            for name, process in self.processes.items():
                # One that was killed was meant to be.
                if process.poll() not in (None, -signal.SIGKILL):
                    raise RuntimeError(f"{name} ended with {process.returncode}")
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"it took longer than {timeout_s:g} s; {self._states}")
            time.sleep(_LOOK_S)


def cpu_s() -> float:
    """Return the CPU seconds of this process and of all its living descendants."""
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
