"""Cold start of `dermtwin run` to its first verdict, beside the bare libraries it needs.

Gate: at most 1.3 × the slower of bare `ray.init` with ten actors and bare TensorFlow import.
"""

import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.processes import run_json

_BARE_RAY = """
import ray
ray.init(num_cpus=12, include_dashboard=False, logging_level="ERROR")
@ray.remote(num_cpus=0.1)
class Actor:
    def answer(self): return 1
actors = [Actor.remote() for _ in range(10)]
assert sum(ray.get([a.answer.remote() for a in actors])) == 10
"""


def _seconds(program: str) -> float:
    started_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return time.perf_counter() - started_s


def measure(dermtwin: list[str], scenario: str, rounds: int) -> dict[str, Any]:
    """Take turns between the three, so that a slow moment hits all of them."""
    ray_s, tensorflow_s, run_s = [], [], []
    for _ in range(rounds):
        ray_s.append(_seconds(_BARE_RAY))
        tensorflow_s.append(_seconds("import tensorflow"))
        run_s.append(run_json([*dermtwin, "run", scenario, "--json"]).result["first_verdict_s"])
    bare_s = [max(pair) for pair in zip(ray_s, tensorflow_s, strict=True)]
    ratios = [ours / bare for ours, bare in zip(run_s, bare_s, strict=True)]
    return {
        "bare_ray_ten_actors_s": statistics.median(ray_s),
        "bare_tensorflow_import_s": statistics.median(tensorflow_s),
        "first_verdict_s": statistics.median(run_s),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "gate": "ratio <= 1.3",
        "pass": statistics.median(ratios) <= 1.3,
    }
