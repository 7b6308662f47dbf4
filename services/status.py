"""What a mirror says of the twin that is up, as plain data: stack, labels, drift, how fresh."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from services.health import health_of
from services.mirror.overview import Overview
from services.stack_words import word
from twin.events import DriftReported, DriftSignal, StackOrdered
from twin.labels import REASONS, TOO_EARLY
from twin.restacking.orders import ROLLBACK
from twin.state import APART, TwinState

Told = dict[str, Any]


def status_of(overview: Overview, now_unix_s: float) -> Told:
    """Return the status; durations in seconds, times of the twin in minutes.

    Parameters:
        overview: of a mirror that has written at least once.
        now_unix_s: what freshness is counted to.
    """
    state = overview.state
    # When the mirror folded the latest news of each kind; what it was about may be older.
    news_s_ago = {
        kind: round(now_unix_s - at, 1) for kind, at in sorted(overview.news_unix_s.items())
    }
    updated = overview.updated_unix_s
    return {
        "age_s": None if updated is None else round(now_unix_s - updated, 1),
        "news_s_ago": news_s_ago,
        "counts": state.counts,
        "position": {f"{topic}/{part}": at for (topic, part), at in state.position.items()},
        "stack": _stack(state),
        "epochs": _epochs(state),
        "labels": _labels(state),
        "drift": _drift(state),
        "components": {
            name: {
                "state": event.state,
                "restarts": event.restarts,
                "model_id": event.model_id,
                "reason": event.reason,
                "seen_s_ago": round(now_unix_s - event.at_unix_s, 1),
                "last_input": event.last_input,
                "last_output": event.last_output,
                **dict(zip(("health", "because"), health_of(event, now_unix_s), strict=True)),
                **event.facts,
            }
            for name, event in sorted(state.components.items())
        },
    }


def _stack(state: TwinState) -> Told | None:
    """Return the stack in force; None where no version was announced, as without re-stacking."""
    event = state.in_force
    if event is None:
        return None
    return {
        "version": event.version,
        "how": event.how,
        "since_min": event.at_min,
        "epoch": event.epoch,
        "parent": event.parent,
        "restores": event.restores,
        "model_id": event.model_id,
        "threshold": event.threshold,
        "labels": event.labels,
        "malignant": event.malignant,
        "digest": event.digest,
        "reason": event.reason,
    }


def _epochs(state: TwinState) -> Told:
    """Return how far decisions have come, what the last one was, and which orders stand."""
    reached = max(state.epochs.values(), key=lambda one: one.epoch, default=None)
    decided = max(state.stacks.values(), key=lambda one: one.epoch, default=None)
    done = set(state.stacks) | set(state.drift)
    return {
        "reached": None if reached is None else reached.epoch,
        "reached_min": None if reached is None else reached.at_min,
        "undecided": sorted(set(state.epochs) - done),
        "last_decision": None
        if decided is None
        else {
            "epoch": decided.epoch,
            "at_min": decided.at_min,
            "decision": word(decided),
            "how": decided.how,
            "reason": decided.reason,
        },
        "orders": [
            {**asdict(one), "carried_out_at_epoch": _carried_out(state, one)}
            for one in sorted(state.orders.values(), key=lambda one: (one.at_min, one.order_id))
        ],
    }


def _carried_out(state: TwinState, order: StackOrdered) -> int | None:
    """Return the epoch that answered an order; None while it stands."""
    return min(
        (
            one.epoch
            for one in state.stacks.values()
            if one.how == ROLLBACK and one.at_min > order.at_min
        ),
        default=None,
    )


def _labels(state: TwinState) -> Told:
    """Return what became of the messages, and why those that do not count are kept apart."""
    apart = {reason: state.counts[f"{APART}{reason}"] for reason in REASONS}
    return {
        "messages": state.counts["feedback"],
        "counted": state.counts["labels"],
        # They may count yet, unless they are older than their case.
        "waiting_for_verdict": apart[TOO_EARLY],
        "apart": {reason: count for reason, count in apart.items() if count},
        # One message delivered again, of any kind: it counts once and changes nothing.
        "delivered_again": state.counts["duplicates"],
        "not_readable": state.counts["invalid"],
    }


def _drift(state: TwinState) -> Told | None:
    """Return the last report; None where nothing watches, or no epoch has come."""
    report = max(state.drift.values(), key=lambda one: one.epoch, default=None)
    if report is None:
        return None
    return {
        "epoch": report.epoch,
        "at_min": report.at_min,
        "cases": report.cases,
        "families": _families(report),
        "alarms_before": sum(
            len(signal.alarms)
            for one in state.drift.values()
            if one.epoch < report.epoch
            for signal in one.signals
        ),
        "estimates": [asdict(one) for one in report.estimates],
    }


def _families(report: DriftReported) -> Told:
    """Return alarms by family of streams: inputs, base scores, disagreement, loss, and tests."""
    found: defaultdict[str, list[DriftSignal]] = defaultdict(list)
    for signal in report.signals:
        found[signal.stream.partition(".")[0]].append(signal)
    return {
        family: {
            "streams": len({one.stream for one in signals}),
            "alarms": sum(len(one.alarms) for one in signals),
            "raised_by": [
                {"detector": one.detector, "stream": one.stream, "last_min": max(one.alarms)}
                for one in signals
                if one.alarms
            ],
            "p_value": min(
                (one.p_value for one in signals if one.p_value is not None), default=None
            ),
        }
        for family, signals in sorted(found.items())
    }
