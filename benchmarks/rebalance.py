"""Workers that join and die while cases stream: nothing is lost, and how long the log stands still.

One worker of a consumer group answers a steady stream on Apache Kafka. A second one joins, and
later the first is ended by SIGKILL. Repeats are what was answered and not committed; the fold
counts them and keeps one verdict of record per case. Standstill is the longest time without a
verdict from an event on.

Gate: every case has its verdict, nothing conflicts, both workers have answered.
"""

import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from actors.cluster import start_ray, stop_ray
from benchmarks.crew import Crew, rendered
from benchmarks.real_servers import RealServers
from services.artefacts import ArtefactStore
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.config import read_settings
from services.mirror.records import record_of
from twin.events import CaseArrived
from twin.state import TwinState, fold

RATE_PER_S: Final = 20.0  # well below what one worker of one core does
PART_S: Final = 10.0  # of the stream: alone, together, and alone again
_WARM: Final = 16


def measure(rate_per_s: float = RATE_PER_S, part_s: float = PART_S) -> dict[str, Any]:
    """Let the second worker join and the first one die."""
    settings = read_settings(os.environ)
    model = ArtefactStore(settings.home).load_or_latest(None)
    with (
        tempfile.TemporaryDirectory() as folder,
        RealServers(Path(folder), redis=False) as servers,
    ):
        ray = start_ray(None, cpus_needed=4, cores=4)
        try:
            crew = Crew(
                servers.bootstrap_servers,
                ray,
                "rebalance",
                model.model_id,
                settings.home.resolve(),
                grouped=True,
            )
            with crew:
                return _measured(crew, rate_per_s, part_s)
        finally:
            stop_ray()


def _measured(crew: Crew, rate_per_s: float, part_s: float) -> dict[str, Any]:
    warm = rendered(_WARM, "warm")
    crew.start("first")
    crew.await_ready()
    crew.put(warm)
    crew.await_answers(warm)
    stream = _Stream(crew, rate_per_s)
    with stream:
        time.sleep(part_s)
        started_ms = round(time.time() * 1000)
        crew.start("second")
        crew.await_ready()
        time.sleep(part_s)
        crew.state("first")
        crew.kill("first")
        killed_ms = round(time.time() * 1000)
        time.sleep(part_s)
    crew.await_answers(stream.sent)
    crew.state("second")
    cases = {case.case_id for case in stream.sent}
    answers = [one for one in crew.answers if one.key in cases]
    given = Counter(str(one.key) for one in answers)
    state = _folded(crew)
    lost = sum(case_id not in given for case_id in cases)
    of_record = sum(state.cases[case_id].answer is not None for case_id in cases)
    stamps = sorted(one.sent_unix_ms for one in answers)
    second = crew.answered_by("second")
    return {
        "cases": len(cases),
        "lost": lost,
        "of_record": of_record,
        "repeats": len(answers) - len(given),
        "conflicts": state.counts["conflicts"],
        "by_the_second": second,
        "standstill_alone_s": _standstill_s(stamps, stamps[0], started_ms),
        "standstill_join_s": _standstill_s(stamps, started_ms, killed_ms),
        "standstill_kill_s": _standstill_s(stamps, killed_ms, stamps[-1]),
        "gate": "0 lost, one verdict of record for each, no conflicts, both have answered",
        "pass": lost == 0
        and of_record == len(cases)
        and state.counts["conflicts"] == 0
        and 0 < second < len(answers),
    }


class _Stream:
    """Sends cases at a steady rate from a thread, while the block lasts."""

    def __init__(self, crew: Crew, rate_per_s: float) -> None:
        self._crew, self._rate_per_s = crew, rate_per_s
        self.sent: list[CaseArrived] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "_Stream":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        publisher = KafkaPublisher(self._crew.kafka, self._crew.prefix)
        began_s = time.monotonic()
        try:
            while not self._over.wait(
                max(0.0, began_s + len(self.sent) / self._rate_per_s - time.monotonic())
            ):
                case = rendered(1, f"stream-{len(self.sent):06d}")[0]
                publisher.publish(case)
                self.sent.append(case)
            publisher.flush()
        finally:
            publisher.close()


def _folded(crew: Crew) -> TwinState:
    reader = KafkaSubscriber(crew.kafka, crew.prefix, ("cases", "verdicts"), "rebalance-fold")
    try:
        records = []
        while sum(reader.lag().values()) > 0:
            records += [record_of(message) for message in reader.poll(1000, 0.5)]
        return fold(records)
    finally:
        reader.close()


def _standstill_s(stamps_ms: Sequence[int], from_ms: int, to_ms: int) -> float:
    """Return the longest gap between verdicts that is not over before `from_ms`, up to `to_ms`."""
    gaps = [end - begin for begin, end in pairwise(stamps_ms) if end >= from_ms and begin <= to_ms]
    return max(gaps, default=0) / 1000
