"""The knee of the twin beside that of a Ray Serve deployment of the same components, in one run.

Both have the same hosts from the same artefact, a stem of one thread on each core, the same cases
at the same times, and the same search: `dermtwin stress` for the twin, with its log, mirror and
audit; `benchmarks/serve_knee.py` for Serve, called by handle, with neither HTTP nor a log. Serve
comes in two ways (`benchmarks/serve_app.py`): `each` batches in every deployment, as its
documentation composes models, and `whole` hands whole batches down the graph. The twin's turn is
before and after them, as machines change their pace.

Gate: the twin's knee at least 1.5 × that of `each`.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import run_json
from benchmarks.serve_switches import SWITCHES
from services.artefacts import ArtefactStore
from services.config import read_settings

GATE: Final = 1.5
SCENARIO: Final = Path(__file__).with_name("knee.yaml")
# Packages of ray[serve] that Ray itself does not bring, by the names they are imported by.
_NEEDED: Final = ("aiohttp", "watchfiles", "opencensus", "starlette", "fastapi")


def missing() -> str | None:
    """Return what is to be installed before Ray Serve runs here; None if nothing is."""
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not absent:
        return None
    return f"Ray Serve lacks {', '.join(absent)}: pip install --group bench-serve"


def measure(overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    """Search the knees in turns: twin, each, whole, twin."""
    lacks = missing()
    if lacks is not None:
        sys.exit(lacks)
    home = read_settings(os.environ).home
    told = [argument for one in overrides for argument in ("--set", one)]
    before = _twin(told, None)
    model = before["model_id"]
    ArtefactStore(home).load(model)
    serve = {name: _serve(name, model, told) for name in ("each", "whole")}
    after = _twin(told, model)
    knees = [one["knee"]["rate_per_s"] or 0.0 for one in (before, after)]
    twin = sum(knees) / len(knees)
    each, whole = (serve[name]["knee_per_s"] or 0.0 for name in ("each", "whole"))
    ratio = twin / each if each else float("inf")
    return {
        "twin_per_s": twin,
        "twin_turns_per_s": knees,
        "serve_each_per_s": each,
        "serve_whole_per_s": whole,
        "ratio_to_each": ratio,
        "ratio_to_whole": twin / whole if whole else float("inf"),
        "serve_each_cpu_ms_per_case": serve["each"]["cpu_ms_per_case"],
        "serve_whole_cpu_ms_per_case": serve["whole"]["cpu_ms_per_case"],
        "steps": {
            "twin": [_step(step) for one in (before, after) for step in one["knee"]["steps"]],
            **{name: [_step(step) for step in one["steps"]] for name, one in serve.items()},
        },
        "gate": f"twin >= {GATE:g} x serve each, at p99 <= 2 s",
        "pass": ratio >= GATE,
    }


def _twin(told: list[str], model: str | None) -> dict[str, Any]:
    chosen = [] if model is None else ["--model", model]
    command = [sys.executable, "-m", "services.cli", "stress", str(SCENARIO), "--json"]
    return run_json([*command, *chosen, *told]).result


def _serve(name: str, model: str, told: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.serve_knee", name, str(SCENARIO)]
    done = subprocess.run(
        [*command, "--model", model, *told],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **SWITCHES},
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # Serve greets there, too
    return found


def _step(step: dict[str, Any]) -> str:
    """Return a step in words: what was asked, what was done, and whether it kept up."""
    p99 = step["p99_ms"]
    said = "no p99" if p99 is None or p99 == float("inf") else f"p99 {p99:.0f} ms"
    kept = "kept up" if step["keeps_up"] else "not kept up"
    return f"{step['rate_per_s']:.1f}/s: {step['throughput_per_s']:.1f}/s, {said}, {kept}"
