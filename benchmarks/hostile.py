"""A hundred thousand messages of which one in a hundred is hostile, in twelve ways.

    python -m benchmarks hostile [--messages 100000] [--kafka HOST:PORT --redis URL]

The worker and the mirror are processes of their own. Each image is scored once, so the worker's own
work is what is measured, not the stack's. All good cases have to be served, all hostile messages
have to be in the dead letters for their own fault, each once, and the memory of both processes must
not grow by 5 % after the first fifth. It needs a model in DERMTWIN_HOME.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.hostile_messages import WAYS, Sent, complaints, flood, kept_by_way
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.port import Subscriber
from services.bus.reading import read_or_none
from services.bus.topics import TOPICS
from services.commands.options import environment_settings
from services.dead_letters.letter import TOPIC
from services.dead_letters.reading import read_letters
from services.embedded.servers import EmbeddedServers
from simulator.cases.cases import case_id_of, population_of
from simulator.language.populations import PopulationSpec
from twin.events import CaseRejected, VerdictIssued
from twin.images import ImageRef

MESSAGES: Final = 100_000
IMAGES: Final = 24  # distinct ones
MOST_AHEAD: Final = 4_000  # messages that are sent before the worker has answered: assumption
MOST_GROWTH: Final = 0.05
PATIENCE_S: Final = 900.0
_PARTS: Final = {
    "worker": [sys.executable, "-m", "benchmarks.hostile_worker"],
    "mirror": [sys.executable, "-m", "services.cli", "mirror", "--with-parent"],
}


@dataclass(slots=True)
class Memory:
    """Resident memory of processes, MB, as the messages went by."""

    processes: dict[str, psutil.Process]
    at: list[tuple[int, dict[str, float]]] = field(default_factory=list)

    def look(self, done: int) -> None:
        """Note the memory when so many messages were read by both."""
        now = {name: one.memory_info().rss / 2**20 for name, one in self.processes.items()}
        self.at.append((done, now))

    def growth(self, name: str, count: int) -> tuple[float, float, float]:
        """Return memory after the first fifth, and at the end, MB, and the growth as a share."""
        first = [mb[name] for done, mb in self.at if 0.2 * count <= done <= 0.35 * count]
        last = [mb[name] for done, mb in self.at if done >= 0.85 * count]
        before, after = statistics.median(first), statistics.median(last)
        return before, after, after / before - 1


def main(arguments: list[str]) -> None:
    """Run it; exit with 1 if a gate is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks hostile", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--kafka", help="host:port of a broker; an embedded one if not given")
    parser.add_argument("--redis", help="URL; an embedded one if not given")
    options = parser.parse_args(arguments)
    figures = measure(options.messages, options.kafka, options.redis)
    _print(figures)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    file = results / f"hostile-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(0 if figures["pass"] else 1)


def measure(count: int, kafka: str | None, redis: str | None) -> dict[str, Any]:
    """Return the figures of one run."""
    prefix = f"hostile-{uuid.uuid4().hex[:8]}"
    with ExitStack() as stack:
        if kafka is None or redis is None:
            ours = stack.enter_context(EmbeddedServers(kafka=kafka is None, redis=redis is None))
            kafka, redis = kafka or ours.bootstrap_servers, redis or ours.redis_url
        ensure_topics(kafka, prefix, TOPICS)
        processes = _start(stack, kafka, redis, prefix)
        publisher = KafkaPublisher(kafka, prefix)
        stack.callback(publisher.close)
        positions = [
            _reader(stack, kafka, prefix, ("cases",), group) for group in ("worker", "mirror")
        ]
        memory = Memory(processes)

        def breathe(sent: int) -> None:
            _await(positions, sent - MOST_AHEAD, processes)
            memory.look(sent)

        began_s = time.monotonic()
        sent = flood(publisher, count, _images(), breathe)
        _await(positions, count, processes)
        took_s = time.monotonic() - began_s
        memory.look(count)
        # What waits for its case holds the mirror's position, so by now all is judged.
        letters = read_letters(_reader(stack, kafka, prefix, (TOPIC,), "letters"))
        answered, rejected = _answers(_reader(stack, kafka, prefix, ("verdicts",), "answers"))
        figures = _figures(count, took_s, memory, sent)
        figures["complaints"] = complaints(sent, letters, answered, rejected)
        kept = kept_by_way(letters)
        figures["ways"] = {
            way: {"sent": sent.ways[way], "kind": kind, "kept": dict(kept[way])}
            for way, (_, kind) in WAYS.items()
        }
        flat = all(one["growth"] < MOST_GROWTH for one in figures["memory"].values())
        figures["pass"] = flat and not figures["complaints"]
        return figures


def _figures(count: int, took_s: float, memory: Memory, sent: Sent) -> dict[str, Any]:
    found = {name: memory.growth(name, count) for name in memory.processes}
    return {
        "messages": count,
        "good": len(sent.good),
        "hostile": sum(sent.ways.values()),
        "took_s": round(took_s, 1),
        "messages_per_s": round(count / took_s, 1),
        "memory": {
            name: {
                "after_a_fifth_mb": round(before, 1),
                "at_the_end_mb": round(after, 1),
                "growth": round(growth, 4),
            }
            for name, (before, after, growth) in found.items()
        },
    }


def _start(stack: ExitStack, kafka: str, redis: str, prefix: str) -> dict[str, psutil.Process]:
    settings = environment_settings()
    environment = {
        **os.environ,
        "DERMTWIN_HOME": str(settings.home.resolve()),
        "DERMTWIN_NAME": prefix,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "REDIS_URL": redis,
    }
    found = {}
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for name, command in _PARTS.items():
        words = stack.enter_context((folder / name).open("wb"))
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=words, stderr=words
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        found[name] = psutil.Process(process.pid)
    return found


def _await(positions: list[Subscriber], least: int, processes: dict[str, psutil.Process]) -> None:
    """Wait until both have committed so many messages of `cases`."""
    deadline_s = time.monotonic() + PATIENCE_S
    while min(sum(one.committed().values()) for one in positions) < least:
        for name, process in processes.items():
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"the {name} has ended")
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{least} messages were not read in {PATIENCE_S:g} s")
        time.sleep(0.1)


def _reader(
    stack: ExitStack, kafka: str, prefix: str, topics: tuple[str, ...], group: str
) -> KafkaSubscriber:
    reader = KafkaSubscriber(kafka, prefix, topics, group)
    stack.callback(reader.close)
    return reader


def _answers(reader: Subscriber) -> tuple[list[str], list[str]]:
    answered, rejected = [], []
    while sum(reader.lag().values()) > 0:
        for message in reader.poll(1000, 0.5):
            event = read_or_none(message)
            if isinstance(event, VerdictIssued | CaseRejected):
                answered.append(event.case_id)
            if isinstance(event, CaseRejected):
                rejected.append(event.case_id)
    return answered, rejected


def _images() -> list[ImageRef]:
    population = population_of(PopulationSpec())
    return [population.draw(1, 0, case_id_of(0, number)).image for number in range(IMAGES)]


def _print(figures: dict[str, Any]) -> None:
    table = Table("way", "sent", "in the dead letters", "for")
    for way, one in figures["ways"].items():
        table.add_row(way, str(one["sent"]), str(sum(one["kept"].values())), ", ".join(one["kept"]))
    console = Console()
    console.print(table)
    for name in ("messages", "good", "hostile", "took_s", "messages_per_s"):
        console.print(f"{name.replace('_', ' ')}: {figures[name]}")
    for name, one in figures["memory"].items():
        mb = f"{one['after_a_fifth_mb']} MB after a fifth, {one['at_the_end_mb']} MB at the end"
        console.print(f"memory of the {name}: {mb}, {one['growth']:+.1%}")
    for words in figures["complaints"]:
        console.print(f"missed: {words}")
    console.print("passed" if figures["pass"] else "MISSED")
