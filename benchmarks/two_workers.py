"""Two workers against one on two cores, drained backlogs in turns.

A backlog of rendered cases is drained by one worker and by two. Each has a stem of one thread, so
that it is worth one core; the log is Apache Kafka's where the machine has Java, and the embedded
one otherwise. Time runs from the first verdict of the backlog to its last, by the stamps that the
log keeps; the workers have answered other cases before.

Gate: two at least 1.5 × one.
"""

import os
import statistics
from typing import Any, Final

from actors.cluster import start_ray, stop_ray
from benchmarks.brokers import broker_up
from benchmarks.crew import Crew, cpu_s, rendered
from services.artefacts import ArtefactStore
from services.config import read_settings

BACKLOG: Final = 1500
WARM: Final = 128
GATE: Final = 1.5


def measure(rounds: int, cases: int = BACKLOG) -> dict[str, Any]:
    """Drain backlogs in turns."""
    settings = read_settings(os.environ)
    model = ArtefactStore(settings.home).load_or_latest(None)
    speed: dict[int, list[float]] = {1: [], 2: []}
    cost: dict[int, list[float]] = {1: [], 2: []}
    with broker_up() as (kafka, kind):
        ray = start_ray(None, cpus_needed=4, cores=4)
        try:
            for number in range(rounds):
                for workers, speeds in speed.items():
                    prefix = f"bench-{number}-{workers}"
                    crew = Crew(kafka, ray, prefix, model.model_id, settings.home.resolve())
                    per_s, cpu_ms = _drained(crew, workers, cases)
                    speeds.append(per_s)
                    cost[workers].append(cpu_ms)
        finally:
            stop_ray()
    ratios = [two / one for one, two in zip(speed[1], speed[2], strict=True)]
    return {
        "broker": kind,
        "one_cases_per_s": statistics.median(speed[1]),
        "two_cases_per_s": statistics.median(speed[2]),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "one_cpu_ms_per_case": statistics.median(cost[1]),
        "two_cpu_ms_per_case": statistics.median(cost[2]),
        "gate": f"ratio >= {GATE:g}",
        "pass": statistics.median(ratios) >= GATE,
    }


def _drained(crew: Crew, workers: int, cases: int) -> tuple[float, float]:
    """Return cases per second, and CPU milliseconds per case of all processes but Kafka's."""
    backlog, warm = rendered(cases, "case"), rendered(WARM, "warm")
    with crew:
        for number in range(workers):
            crew.start(f"worker-{number + 1}", share=f"{number + 1}/{workers}")
        crew.await_ready()
        crew.put(warm)
        crew.await_answers(warm)
        began_s = cpu_s()
        crew.put(backlog)
        crew.await_answers(backlog)
        used_s = cpu_s() - began_s
    stamps = sorted(one.sent_unix_ms for one in crew.answers if str(one.key).startswith("case"))
    assert len(stamps) == cases, "a case was answered twice, and nobody died"
    return (cases - 1) / (stamps[-1] - stamps[0]) * 1000, used_s / cases * 1000
