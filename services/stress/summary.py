"""What a stress run says in the end, as plain data."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from math import inf
from typing import Any, Final

from services.stress.gating import fault_rows, judge, overall
from services.stress.knee import Knee
from services.stress.measured import (
    Series,
    by_level,
    finite,
    memory_of,
    metrics_of,
    series_of,
)
from services.stress.running import Evidence

# A sender that is later than this has not sent what was asked for: assumption.
LATE_MS: Final = 100.0
_VERSIONS: Final = ("ray", "kafka-python", "redis", "tensorflow-cpu")


def summarise(evidence: Evidence) -> tuple[dict[str, Any], Series]:
    """Return the summary of a run, as summary.json has it, and its series."""
    asked, ran = evidence.asked, evidence.ran
    scenario = asked.scenario
    entries = evidence.load.book.entries()
    span = ran.span
    memory = memory_of(evidence.processes.looks, span)
    outcomes = [one.as_dict() for one in evidence.outcomes]
    metrics = metrics_of(entries, span)
    metrics |= _of_audit(evidence) | _of_memory(memory)
    metrics["restarts.count"] = float(sum(evidence.restarts.values()))
    if scenario.disturbances:
        metrics["recovery_s.max"] = _slowest(outcomes)
    if ran.knee is not None and ran.knee.rate_per_s is not None:
        metrics["knee.rate_per_s"] = ran.knee.rate_per_s
    rows = judge(scenario.gates, metrics) + fault_rows(outcomes)
    since_s = ran.began_s
    summary = {
        "kind": "stress",
        "scenario": scenario.name,
        "about": scenario.about,
        "question": scenario.question,
        "seed": scenario.seed,
        "profile": asked.stress.profile.kind,
        "workers": asked.stress.workers,
        "batch": asked.order.batch,
        "model_id": evidence.model_id,
        "prefix": evidence.prefix,
        "servers": evidence.servers,
        "began_unix_s": round(evidence.began_unix_s, 3),
        "load_s": finite(ran.ended_s - since_s),
        "warmup_s": finite(span.from_s - since_s),
        "figures_to_s": finite(span.to_s - since_s),
        "first_answer_s": finite(evidence.first_answer_s),
        "interrupted": evidence.interrupted,
        "cases": {
            "due": len(entries.due_s),
            "sent": evidence.load.book.sent,
            "answered": evidence.load.book.answered,
            "shed": evidence.load.book.shed.total(),
            "sent_again": evidence.load.sure.resent,
            "answers_repeated": evidence.load.book.again,
        },
        "objective": asked.stress.objective.limits_ms(),
        "shed_above_s": None if asked.stress.shed is None else asked.stress.shed.above_s,
        "metrics": {name: finite(value) for name, value in metrics.items()},
        "unbounded": sorted(name for name, value in metrics.items() if value == inf),
        "levels": by_level(entries, span, evidence.levels),
        "knee": None if ran.knee is None else _knee(ran.knee),
        "faults": outcomes,
        "steady_state": [one.text for one in scenario.steady_state],
        "audit": None if evidence.audit is None else evidence.audit.as_dict(),
        "memory": memory,
        "restarts": evidence.restarts,
        "restarted": [
            {"at_s": round(at_s - since_s, 2), "what": name} for at_s, name in evidence.restarted
        ],
        "gates": overall(rows),
        "gate_results": rows,
        "degraded": _complaints(evidence, metrics),
        "versions": {
            "dermtwin": version("dermtwin"),
            "python": platform.python_version(),
            **{name: version(name) for name in _VERSIONS},
        },
        "machine": {"cores": _cores(), "system": platform.platform(terse=True)},
    }
    return summary, series_of(entries, since_s, max(evidence.ended_s, ran.ended_s))


def _of_audit(evidence: Evidence) -> dict[str, float]:
    audit = evidence.audit
    if audit is None:
        return {}
    return {
        "verdicts.lost": float(audit.lost),
        "verdicts.doubled": float(audit.doubled),
        "labels.twice": float(audit.labels_twice),
        "mirror.equal": float(audit.mirror_equal),
        "dead_letters.count": float(audit.dead_letters),
    }


def _of_memory(memory: Mapping[str, Any]) -> dict[str, float]:
    twin = memory["twin"]
    if twin is None:
        return {}
    return {"memory_mb.max": twin["max_mb"], "memory.growth": twin["growth"]}


def _slowest(outcomes: list[dict[str, Any]]) -> float:
    """Return the longest recovery from the begin of a fault; infinite where one did not recover."""
    times = [one["recovered_s"] for one in outcomes if not one["refused"]]
    return inf if None in times else max(times, default=0.0)


def _knee(knee: Knee) -> dict[str, Any]:
    names = Knee.__dataclass_fields__.keys() - {"steps"}
    told: dict[str, Any] = {name: getattr(knee, name) for name in sorted(names)}
    told["steps"] = [
        {
            **{
                name: finite(value) if isinstance(value, float) else value
                for name, value in ((n, getattr(step, n)) for n in step.__dataclass_fields__)
                if name != "why"
            },
            "keeps_up": step.keeps_up,
            "why": list(step.why),
        }
        for step in knee.steps
    ]
    return told


def _complaints(evidence: Evidence, metrics: Mapping[str, float]) -> list[str]:
    found = list(evidence.complaints)
    late_ms = metrics["send.late_p99_ms"]
    if late_ms > LATE_MS:
        found.append(
            f"the sender was late: 1 % of the cases by more than {late_ms:.0f} ms, so the load was "
            "not quite the one that was asked for; latencies count from when a case was due"
        )
    if evidence.interrupted:
        found.append("the run was interrupted: figures are of the part that was run")
    elif not evidence.ran.drained:
        found.append("not all cases were answered in time after the load")
    names = evidence.levels.names
    if evidence.asked.stress.shed is not None and len(names) == 1:
        found.append(
            "all cases are of one priority, so nothing is shed before the hard limit: give classes "
            "with priorities"
        )
    if evidence.audit is not None:
        found += evidence.audit.words
    return found


def _cores() -> int:
    from actors.tasks import cores

    return cores()
