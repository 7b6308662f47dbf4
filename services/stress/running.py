"""One stress run: a twin is brought up, loaded, audited and taken down; its folder holds the rest.

scenario.yaml      resolved: every default written out
stress.csv         a row per second from the begin of the load
latencies.csv.gz   a row per case: when it was due, sent and answered
processes.csv      memory and processor time by component, every two seconds
steps.csv          a row per step, of a knee
drill.json         what faults tell the twin's processes, while the run lasts
twin.jsonl         what the twin's processes and faults say
summary.json       what the command prints
summary.md         the same for a pull request
report.html        the same for people: opens offline
"""

import os
import signal
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from services.background import Background
from services.config import Settings
from services.console import say
from services.deployment import Deployment, deployment
from services.experiments.store import is_free
from services.image_directory import ImageDirectory
from services.logs import open_log
from services.stress.cases import cases_of
from services.stress.drilling import drill_on, ground_for, orders_to_twin
from services.stress.levels import Levels, levels_of
from services.stress.live import probe_of
from services.stress.load import Load, load_on
from services.stress.measured import Span
from services.stress.order import Asked
from services.stress.processes import Processes
from services.stress.profiles import SOON_S, Ran, course, planned, search
from services.stress.watching import Show, Watching, names_of
from simulator.language.scenario import resolved
from simulator.language.schema import Scenario
from simulator.language.stress import StressSpec
from twin.errors import SettingsError
from twin.shedding import Shedding

if TYPE_CHECKING:
    from services.faults.audit import Audit
    from services.faults.drill import Drill, FaultOutcome
    from services.faults.messages import Messages
    from twin.model import Model

SETTLE_S: Final = 60.0  # for mirror and answers to be there; what an interrupted run waits is less
_INTERRUPTED_S: Final = 10.0
_NOTHING: Final = Span(from_s=0.0, to_s=0.0)
_FIRST: Final = (
    64  # cases that a twin answers before the load begins: each batch size is built then
)


@dataclass(slots=True, kw_only=True)
class Evidence:
    """All that a run has left behind, whether or not it came to its end."""

    asked: Asked
    levels: Levels
    model_id: str
    prefix: str
    servers: dict[str, str]  # "embedded" or "external", by name
    load: Load
    processes: Processes
    ran: Ran = field(default_factory=lambda: Ran(0.0, 0.0, _NOTHING))
    began_unix_s: float = 0.0
    ended_s: float = 0.0  # all is over; of the clock
    first_answer_s: float = 0.0
    interrupted: bool = False
    outcomes: list["FaultOutcome"] = field(default_factory=list)
    audit: "Audit | None" = None
    restarts: dict[str, int] = field(default_factory=dict)
    restarted: list[tuple[float, str]] = field(default_factory=list)  # when, and what
    complaints: list[str] = field(default_factory=list)


def folder_for(asked: Asked, settings: Settings) -> Path:
    """Make the run's folder.

    Raises:
        SettingsError: `--out` exists and is not an empty directory.
    """
    out = asked.order.out
    if out is not None:
        if not is_free(out):
            raise SettingsError("--out", str(out), "exists and is not an empty directory")
        folder = out
    else:
        stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:4]}"
        folder = settings.home / "runs" / f"{asked.scenario.name}-{stamp}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yaml").write_text(resolved(asked.scenario), encoding="utf-8")
    return folder


def run_stress(
    asked: Asked,
    artefact: "Model",
    images: ImageDirectory,
    folder: Path,
    settings: Settings,
    show: Show,
) -> Evidence:
    """Bring a twin up, put the load on it, and audit what is left.

    Ctrl-C ends the load; what was measured until then is returned.

    Raises:
        DependencyError: the twin does not come up, or a server of ours ended.
    """
    scenario, spec = asked.scenario, asked.stress
    levels = levels_of(scenario)
    show("cases are made", 0.0, 1.0, {})
    most = 10**9 if spec.profile.knee else spec.profile.curve().cases
    cases = cases_of(scenario, levels, images, most)
    # Runs on servers that stay never mix; a tag of its own keeps the cases of two loads apart.
    tag = f"{time.strftime('%H%M%S')}{uuid.uuid4().hex[:4]}"
    settings = settings.model_copy(update={"name": f"{settings.name}-stress-{tag}"})
    loops = scenario.restack is not None or scenario.drift is not None
    with ExitStack() as stack:
        # By appending: the twin's processes write to it, too.
        words = stack.enter_context((folder / "twin.jsonl").open("a", encoding="utf-8"))
        log = open_log(words)
        orders = stack.enter_context(orders_to_twin(scenario, folder))
        ground = stack.enter_context(ground_for(scenario, settings))
        show("the twin comes up", 0.0, 1.0, {})
        twin = stack.enter_context(
            deployment(
                ground.settings,
                artefact,
                scenario=folder / "scenario.yaml" if loops else None,
                batch=asked.order.batch,
                workers=spec.workers,
                api=_api(scenario),
                log=log,
                words=words,
            )
        )
        # Set now: Ray puts a handler of its own in place when it starts.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        twin.await_serving()
        twin.await_ready()
        watching = Watching(twin, show)
        load = stack.enter_context(
            load_on(
                twin.publisher(),
                twin.subscriber("verdicts"),
                cases=cases,
                levels=levels,
                seed=scenario.seed,
                tag=tag,
                shedding=_shedding(spec, levels),
                look=watching.look,
            )
        )
        watching.probe = probe_of(load.book)
        evidence = Evidence(
            asked=asked,
            levels=levels,
            model_id=artefact.model_id,
            prefix=twin.prefix,
            servers={
                "kafka": "external" if twin.broker is None else "embedded",
                "redis": "embedded" if twin.store or ground.store else "external",
            },
            load=load,
            processes=Processes(os.getpid(), names_of(twin)),
        )
        drill, messages = None, None
        if orders is not None:
            recent = load.sure.recent
            drill, messages = drill_on(twin, scenario, ground, orders, recent, watching.probe, log)
        _load_it(evidence, watching, drill)
        watching.say("audit", 1.0)
        evidence.ended_s = time.monotonic()
        if drill is not None:
            evidence.outcomes = _finished(drill, twin)
        load.sure.confirm_all()
        load.await_answers(_INTERRUPTED_S if evidence.interrupted else SETTLE_S)
        evidence.ended_s = max(evidence.ended_s, _last_answer_s(load))
        evidence.restarts, evidence.restarted = watching.restarts(), watching.restarted
        evidence.audit = _audited(evidence, twin, messages)
        evidence.complaints += images.complaints()
    return evidence


def _load_it(evidence: Evidence, watching: Watching, drill: "Drill | None") -> None:
    """Put the load on the twin, with its faults; Ctrl-C ends it early."""
    spec, load = evidence.asked.stress, evidence.load
    knee = spec.profile.knee
    watching.say("first answers", 1.0)
    evidence.first_answer_s = load.first_answers()
    load.first_answers(_FIRST)
    sampler = Background("stress-processes", evidence.processes.loop)
    began_s = time.monotonic() + SOON_S
    evidence.began_unix_s = time.time() + SOON_S
    try:
        if knee is not None:
            evidence.ran = Ran(began_s, began_s, _NOTHING)
            search(load, spec, knee, evidence.ran, watching.say)
        else:
            evidence.ran = planned(spec, began_s)
            if drill is not None:
                drill.begin(began_s)
            watching.say("load", spec.profile.length_s)
            course(load, spec, evidence.ran)
    except KeyboardInterrupt:
        evidence.interrupted = True
        _cut_short(evidence)
        say("interrupted: what was measured is being written; Ctrl-C again leaves it")
    finally:
        sampler.stop()


def _shedding(spec: StressSpec, levels: Levels) -> Shedding | None:
    if spec.shed is None:
        return None
    return Shedding(levels=len(levels.names), above_s=spec.shed.above_s, keep=spec.shed.keep)


def _api(scenario: Scenario) -> list[str] | None:
    """Return the API's options where a fault is of it; other runs do without one."""
    if not any(one.target == "api" for one in scenario.disturbances):
        return None
    from services.api.address import bind

    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    return ["--host", "127.0.0.1", "--port", str(port)]


def _cut_short(evidence: Evidence) -> None:
    """Let the figures end where the load did."""
    now_s, ran = time.monotonic(), evidence.ran
    ran.ended_s = min(ran.ended_s, now_s) if ran.ended_s > ran.began_s else now_s
    from_s = ran.span.from_s or ran.began_s
    ran.span = Span(from_s=min(from_s, ran.ended_s), to_s=ran.ended_s)


def _finished(drill: "Drill", twin: Deployment) -> "list[FaultOutcome]":
    """Wait for the recovery from faults, and look after the twin meanwhile: it has to recover."""
    found: list[FaultOutcome] = []
    finisher = Background("stress-drill-end", lambda _: found.extend(drill.finish()))
    while finisher.is_alive:
        twin.check()
        time.sleep(0.1)
    finisher.check()
    return found


def _last_answer_s(load: Load) -> float:
    answered_s = load.book.entries().answered_s
    return float(np.nanmax(answered_s)) if not np.isnan(answered_s).all() else 0.0


def _audited(evidence: Evidence, twin: Deployment, messages: "Messages | None") -> "Audit":
    """Read the whole log back; the twin is looked after meanwhile."""
    from services.faults.audit import audit

    sent = set(evidence.load.book.sent_ids()) | (messages.sent if messages else set())
    labelled = messages.labelled if messages else set()
    found: list[Audit] = []
    settle_s = _INTERRUPTED_S if evidence.interrupted else SETTLE_S

    def run(_: object) -> None:
        found.append(
            audit(twin.kafka, twin.redis, twin.prefix, sent, labelled=labelled, settle_s=settle_s)
        )

    auditor = Background("stress-audit", run)
    while auditor.is_alive:
        twin.check()
        time.sleep(0.1)
    auditor.check()
    return found[0]
