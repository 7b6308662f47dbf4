"""Components, stacks, drift and performance, as plain data."""

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

from services.api.live.history import History, promoted
from services.api.live.scores import Scores
from services.health import health_of
from twin.events import ComponentChanged, StackPromoted, StackRejected
from twin.stacks import version_of

Told = dict[str, Any]
MOST_ENTRIES: Final = 500


def component_view(event: ComponentChanged, now_unix_s: float) -> Told:
    """Return a component; see `services.api.models.parts.Component`."""
    facts = event.facts
    health, reason = health_of(event, now_unix_s)
    latency = {share: facts.get(f"latency_ms_{share}") for share in ("p50", "p95", "p99")}
    return {
        "name": event.component,
        "state": event.state,
        "health": health,
        "health_reason": reason,
        "model_id": event.model_id,
        "restarts": event.restarts,
        "reason": event.reason,
        "at_unix_s": event.at_unix_s,
        "age_s": round(max(0.0, now_unix_s - event.at_unix_s), 1),
        **{name: facts.get(name) for name in ("images", "batches", "errors", "busy_s")},
        "images_per_s": facts.get("images_per_s"),
        "error_rate": facts.get("error_share"),
        "latency_ms": None if None in latency.values() else latency,
        "last_input": event.last_input,
        "last_output": event.last_output,
        "facts": facts,
    }


def entries_of(history: History, name: str) -> list[Told]:
    """Return what a component said of late, the newest first."""
    said = (
        (change.revision, change.event)
        for change in reversed(history.moments.changes)
        if change.kind == "component" and change.id == name
    )
    found: list[Told] = []
    for revision, event in said:
        if not isinstance(event, ComponentChanged):
            continue
        found.append(
            {
                "revision": revision,
                "at_unix_s": event.at_unix_s,
                "state": event.state,
                "restarts": event.restarts,
                "reason": event.reason,
                "facts": event.facts,
            }
        )
        if len(found) == MOST_ENTRIES:
            break
    return found


def stacks_view(history: History, revision: int | None) -> Told:
    """Return the lineage; see `services.api.models.parts.Stacks`."""
    shelf = history.shelf("stacks", revision)
    versions = promoted(shelf)
    last = max(versions, default=None)
    return {
        "revision": history.revision if revision is None else revision,
        "versions": [
            version_view(one, in_force=number == last) for number, one in versions.items()
        ],
        "decisions": [_decision(one) for _, one in sorted(shelf.items())],
        "orders": [asdict(one) for one in history.shelf("orders", revision).values()],
        "note": None if versions else "no version was announced: weights are not known",
    }


def version_view(event: StackPromoted, *, in_force: bool) -> Told:
    """Return a version; see `services.api.models.parts.Version`."""
    stack = version_of(event)
    weights = stack.meta.stacks[stack.meta.learners]
    return {
        "version": event.version,
        "parent": event.parent,
        "restores": event.restores,
        "how": event.how,
        "epoch": event.epoch,
        "since_min": event.at_min,
        "threshold": event.threshold,
        "intercept": weights.intercept,
        "weights": dict(weights.weights),
        "labels": event.labels,
        "malignant": event.malignant,
        "facts": event.facts,
        "gate": [asdict(row) for row in event.gate],
        "reason": event.reason,
        "in_force": in_force,
    }


def _decision(event: StackPromoted | StackRejected) -> Told:
    verdict = "promoted" if isinstance(event, StackPromoted) else event.verdict
    return {
        "epoch": event.epoch,
        "at_min": event.at_min,
        "verdict": verdict,
        "version": event.version,
        "how": event.how,
        "labels": event.labels,
        "reason": event.reason,
    }


def drift_view(history: History, revision: int | None) -> Told:
    """Return reports of drift, and the shifts that are known; see `models.parts.Drift`."""
    attached = history.head.attached if history.head else ()
    return {
        "reports": [asdict(one) for _, one in sorted(history.shelf("drift", revision).items())],
        "known_shifts": [
            {**shift, "run": run["name"]} for run in attached for shift in run.get("shifts", ())
        ],
    }


def performance_view(scores: Scores) -> Told:
    """Return verdicts against labels; see `services.api.models.parts.Performance`."""
    told: Counter[str] = Counter()
    for one in scores.by_stack.values():
        told.update(one)
    by_stack = [
        (number, one) for number, one in sorted(scores.by_stack.items()) if any(one.values())
    ]
    return {
        "labelled": sum(told.values()),
        "confusion": _confusion(told),
        "sensitivity": _share(told["tp"], told["tp"] + told["fn"]),
        "specificity": _share(told["tn"], told["tn"] + told["fp"]),
        "ppv": _share(told["tp"], told["tp"] + told["fp"]),
        "npv": _share(told["tn"], told["tn"] + told["fn"]),
        "by_stack": {str(number): _confusion(one) for number, one in by_stack},
        "note": "of cases whose truth came back: where biopsied patients are verified more often"
        " than others, sensitivity is too high and specificity too low",
    }


def _confusion(told: Counter[str]) -> dict[str, int]:
    return {name: told[name] for name in ("tp", "fp", "tn", "fn")}


def _share(part: int, whole: int) -> Told | None:
    if not whole:
        return None
    from simulator.analysis.wilson import wilson_interval

    interval = wilson_interval(part, whole)
    return {"value": interval.mean, "low": interval.low, "high": interval.high, "of": whole}
