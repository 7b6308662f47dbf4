"""Cases per second on the ISIC test images, end to end over Kafka and in process, in turns.

Gates: in process at least 100 cases/s including decoding; Kafka at least 0.8 × in process.
"""

import statistics
from typing import Any

from benchmarks.processes import run_json


def measure(dermtwin: list[str], scenario: str, rounds: int) -> dict[str, Any]:
    """Run the scenario by both routes in turns; digests must be the same throughout."""
    speed: dict[str, list[float]] = {"inprocess": [], "kafka": []}
    digests = set()
    for _ in range(rounds):
        for route, speeds in speed.items():
            ran = run_json([*dermtwin, "run", scenario, "--route", route, "--json"])
            speeds.append(ran.result["cases_per_s"])
            digests.add(ran.result["digest"])
    peak_mb = {
        route: run_json(
            [*dermtwin, "run", scenario, "--route", route, "--json"], watch_memory=True
        ).peak_mb
        for route in speed
    }
    ratios = [k / i for k, i in zip(speed["kafka"], speed["inprocess"], strict=True)]
    inprocess = statistics.median(speed["inprocess"])
    return {
        "inprocess_cases_per_s": inprocess,
        "kafka_cases_per_s": statistics.median(speed["kafka"]),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "peak_memory_mb": peak_mb,
        "one_digest": len(digests) == 1,
        "gate": "ratio >= 0.8, in process >= 100 cases/s, one digest",
        "pass": statistics.median(ratios) >= 0.8 and inprocess >= 100 and len(digests) == 1,
    }
