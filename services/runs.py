"""One run: a scenario, a model, a route; and the folder that keeps what happened.

scenario.yaml   resolved: every default written out; loads to the same scenario
events.jsonl    the event log in canonical order; its sha256 is the digest
patients.csv    a row per patient with waits, truth and decisions
summary.json    what the command prints
twin.jsonl      the worker's log, a line per case; telemetry, not part of the digest
"""

import json
import platform
import time
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.bootstrap import Outcome, RouteKind, open_route
from services.config import Settings
from services.console import Bars
from services.learning import model_for
from services.logs import open_log
from services.pace import Pace
from services.parts import parts_of
from simulator.analysis.metrics import summarise
from simulator.cases.datasets import load_images
from simulator.clinic.arrivals import Arrivals
from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.language.scenario import load, resolved
from simulator.language.schema import ImageCases, Scenario
from twin.errors import SettingsError
from twin.log import digest, in_order, line


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What a user asked for."""

    text: str  # of the scenario file
    source: str  # its name, for messages
    route: str  # kafka, ray or inprocess
    batch: int  # most cases scored together
    model: str | None  # id or directory; None: as the scenario says
    out: Path | None  # run folder; None: a new one below home


def run_scenario(order: RunOrder, settings: Settings, bars: Bars) -> dict[str, Any]:
    """Run a scenario to its end and keep its files; return the summary."""
    started_s = time.perf_counter()
    scenario = load(order.text, order.source)
    model = model_for(scenario, order.model, settings, bars)
    patients = _patients(scenario, settings)
    folder = _new_folder(order.out, settings.home, scenario.name)
    pace = Pace()
    with (folder / "twin.jsonl").open("w", encoding="utf-8") as stream:
        log = open_log(stream).bind(scenario=scenario.name)
        with open_route(
            RouteKind(order.route),
            settings=settings,
            parts=parts_of(model),
            threshold=scenario.operating_point,
            batch=order.batch,
            log=log,
            on_answers=pace.tick,
        ) as route:
            engine = Engine(
                scenario,
                replication=0,
                patients=patients,
                twin=route.link,
                on_progress=lambda done, total: bars("patients", done, total),
            )
            journal = engine.run()
            outcome = route.finish(journal.events)
    summary = _figures(order, scenario, folder, journal, outcome) | {
        "model_id": model.model_id,
        "cases_per_s": pace.cases_per_s(),
        "first_verdict_s": pace.cold_start_s,
        "wall_s": round(time.perf_counter() - started_s, 2),
    }
    _keep(folder, scenario, journal, outcome, summary)
    return summary


def _patients(scenario: Scenario, settings: Settings) -> Arrivals:
    if not isinstance(scenario.cases, ImageCases):
        return Arrivals(scenario, 0)
    if settings.data is None:
        raise SettingsError("DERMTWIN_DATA", "", "this scenario's cases are images")
    split = scenario.cases.images.split
    return Arrivals(
        scenario, 0, load_images(settings.data, split=None if split == "all" else split)
    )


def _new_folder(out: Path | None, home: Path, name: str) -> Path:
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise SettingsError("--out", str(out), "exists and is not an empty directory")
        folder = out
    else:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        folder = home / "runs" / f"{name}-{stamp}-{uuid.uuid4().hex[:4]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _figures(
    order: RunOrder, scenario: Scenario, folder: Path, journal: Journal, outcome: Outcome
) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "route": order.route,
        "batch": order.batch,
        "run_dir": str(folder),
        "digest": digest(outcome.log),
        **summarise(journal.records, scenario).as_dict(),
        "latency_ms": _latencies(journal),
        "mirror": outcome.mirror,
        "restarts": outcome.restarts,
        "degraded": outcome.degraded,
        "versions": {
            "dermtwin": version("dermtwin"),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "ray", "simpy", "catboost")},
        },
    }


def _latencies(journal: Journal) -> dict[str, float] | None:
    """Return percentiles of the twin's answer times; only a real clock has any."""
    if not journal.latencies:
        return None
    taken = sorted(latency.latency_ms for latency in journal.latencies)
    return {
        f"p{share}": round(taken[min(len(taken) - 1, len(taken) * share // 100)], 1)
        for share in (50, 95, 99)
    }


def _keep(
    folder: Path, scenario: Scenario, journal: Journal, outcome: Outcome, summary: dict[str, Any]
) -> None:
    (folder / "scenario.yaml").write_text(resolved(scenario), encoding="utf-8")
    with (folder / "events.jsonl").open("wb") as file:
        file.writelines(line(event) for event in in_order(outcome.log))
    (folder / "patients.csv").write_text(journal.as_csv(), encoding="utf-8", newline="")
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
