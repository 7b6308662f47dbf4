"""M/M/3 as people write it with SimPy: a process per patient, and nothing kept but waits."""

import random
from collections.abc import Generator
from typing import Any

import simpy

from benchmarks.ciw_models import Model


def run_simpy(model: Model, seed: int) -> list[float]:
    """Run a model of one node and one class; return the waits of those who were served."""
    [rate_per_h], [mean_min], [servers] = (
        list(values.values()) for values in (model.rate_per_h, model.mean_min, model.servers)
    )
    env, draws, waits = simpy.Environment(), random.Random(seed), []  # noqa: S311  no secret
    staff = simpy.Resource(env, servers)

    def patient() -> Generator[Any, Any, None]:
        came_min = env.now
        with staff.request() as request:
            yield request
            waits.append(env.now - came_min)
            yield env.timeout(draws.expovariate(1 / mean_min))

    def come() -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(draws.expovariate(rate_per_h / 60))
            env.process(patient())

    env.process(come())
    env.run(until=model.horizon_h * 60)
    return waits
