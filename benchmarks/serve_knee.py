"""The knee of a Ray Serve application, by the search of `dermtwin stress`; a process of its own.

    python -m benchmarks.serve_knee each benchmarks/knee.yaml --model ID

Prints one JSON object. The application is that of `benchmarks/serve_app.py`.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any, Final

from benchmarks import serve_app
from benchmarks.crew import cpu_s
from benchmarks.serve_bus import ServeBus
from services.artefacts import ArtefactStore
from services.commands.scenario_files import read_scenario
from services.config import read_settings
from services.image_directory import ImageDirectory
from services.parts import parts_of
from services.stress.cases import cases_of
from services.stress.levels import levels_of
from services.stress.load import load_on
from services.stress.measured import Span
from services.stress.profiles import Ran, search
from simulator.language.scenario import load

_FIRST: Final = 64


def main() -> None:
    """Search the knee and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=serve_app.NAMES)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    options = parser.parse_args()
    if os.environ.get("RAY_SERVE_THROUGHPUT_OPTIMIZED") != "1":
        parser.error("set the switches of benchmarks/serve_switches.py before Python starts")
    found = _knee(options.name, options.scenario, options.model, options.overrides)
    print(json.dumps(found))


def _knee(name: str, source: Path, model: str, overrides: list[str]) -> dict[str, Any]:
    from ray import serve

    from actors.cluster import start_ray, stop_ray

    settings = read_settings(os.environ)
    parts = parts_of(ArtefactStore(settings.home).load(model))
    scenario = load(read_scenario(source), str(source), tuple(overrides))
    spec, levels = scenario.stress, levels_of(scenario)
    assert spec is not None
    assert spec.profile.knee is not None
    cases = cases_of(scenario, levels, ImageDirectory(settings.data), 10**9)
    stems = os.cpu_count() or 1
    start_ray(None, cpus_needed=stems + 2, cores=stems + 2)

    def bring_up() -> Any:
        serve.start(proxy_location="Disabled")
        return serve.run(serve_app.application(name, parts, stems), name=name, route_prefix=None)

    bus = ServeBus(bring_up)
    try:
        with load_on(
            bus,
            bus,
            cases=cases,
            levels=levels,
            seed=scenario.seed,
            tag=name,
            shedding=None,
            look=lambda: None,
        ) as on:
            on.first_answers()
            on.first_answers(_FIRST)
            now_s = time.monotonic()
            ran = Ran(now_s, now_s, Span(from_s=0.0, to_s=0.0))
            began_s, before = cpu_s(), on.book.answered
            search(on, spec, spec.profile.knee, ran, lambda *_: None)
            cpu_ms = 1000 * (cpu_s() - began_s) / (on.book.answered - before)
    finally:
        stop_ray()
        bus.close()
    assert ran.knee is not None
    steps = [
        {
            "rate_per_s": step.rate_per_s,
            "throughput_per_s": step.throughput_per_s,
            "p99_ms": step.p99_ms,
            "keeps_up": step.keeps_up,
        }
        for step in ran.knee.steps
    ]
    return {
        "knee_per_s": ran.knee.rate_per_s,
        "words": ran.knee.words,
        "cpu_ms_per_case": cpu_ms,
        "steps": steps,
    }


if __name__ == "__main__":
    main()
