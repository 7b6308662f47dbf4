"""Replications on two cores beside the same ones on one, in turns.

Gate: two cores at least 1.7 × one, after Ray's workers have started.
"""

import statistics
import time
from typing import Any

import ray

from actors.cluster import start_ray, stop_ray
from actors.tasks import spread
from services.experiments.work import Piece, do
from simulator.language.scenario import load, resolved

PIECES = 12
CLINIC = """\
name: replications
horizon: 26 w
cases: {source: nominal, population: {prevalence: 8 %}, ai: {sensitivity: 0.91, specificity: 0.91}}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: {lognormal: {mean: 6 min, sd: 2 min}}, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: dermatologist
    service: {lognormal: {mean: 8 min, sd: 4 min}}
    queue: ai
    then: end
staff: {nurse: 1, dermatologist: 1}
"""


def measure(rounds: int) -> dict[str, Any]:
    """Run the same pieces here, one after another, and as tasks on two cores."""
    text = resolved(load(CLINIC, "replications"))
    pieces = [Piece(scenario=text, replication=i, warmup_min=0.0) for i in range(PIECES)]
    start_ray(None, cpus_needed=2, cores=2)
    try:
        dict(spread(do, pieces[:4], workers=2, address=None))  # workers start and import
        do(pieces[0])
        one_s, two_s, same = [], [], True
        for _ in range(rounds):
            started_s = time.perf_counter()
            alone = [do(piece).result for piece in pieces]
            one_s.append(time.perf_counter() - started_s)
            started_s = time.perf_counter()
            found = dict(spread(do, pieces, workers=2, address=None))
            two_s.append(time.perf_counter() - started_s)
            same = same and alone == [found[place].result for place in range(PIECES)]
        assert ray.is_initialized()
    finally:
        stop_ray()
    ratios = [one / two for one, two in zip(one_s, two_s, strict=True)]
    return {
        "one_core_s": statistics.median(one_s),
        "two_cores_s": statistics.median(two_s),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "same_results": same,
        "gate": "ratio >= 1.7, same results",
        "pass": statistics.median(ratios) >= 1.7 and same,
    }
