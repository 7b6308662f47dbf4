"""The twin at a glance, now or then."""

from collections import Counter
from typing import Any

from services.api.live.cursor import cursor_of
from services.api.live.history import History, promoted
from services.api.live.moments import Moment
from services.health import health_of
from twin.events import StackPromoted

Told = dict[str, Any]


def twin_view(history: History, name: str, model_id: str | None, revision: int | None) -> Told:
    """Return the summary; see `services.api.models.twin.Twin`."""
    then = history.moments.now if revision is None else history.moments.at(revision)
    head, now = history.head, history.clock()
    state = history.state
    return {
        "name": name,
        "model_id": model_id,
        "state": state,
        "trouble": history.trouble if state in ("unreachable", "starting") else None,
        "freshness_s": _rounded(history.freshness_s),
        "heard_s_ago": _rounded(now - history.heard_unix_s) if history.heard_unix_s else None,
        "behind": sum(head.behind.values()) if head else 0,
        "lag": dict(head.behind) if head else {},
        "revision": then.revision,
        "generation": head.generation if head else None,
        "cursor": cursor_of(then.upto),
        "position": {f"{t}/{p}": at - 1 for (t, p), at in sorted(then.upto.items()) if at},
        "event_time_min": then.latest_min,
        "counts": then.counts,
        "per_s": history.flow.per_s(now),
        "latency_ms": history.flow.latency_ms(now),
        "stack": _in_force(history, revision),
        "degraded": degraded(history, then),
        "attached": list(head.attached) if head else [],
        "history": bounds(history),
        "as_of": None if revision is None else as_of(history, revision),
    }


def degraded(history: History, then: Moment | None = None) -> list[dict[str, str]]:
    """Return what is not as it should be, and why."""
    found = []
    state = history.state
    if state != "live":
        age_s = history.freshness_s
        why = {
            "stale": f"what is shown is {age_s or 0:.1f} s old: the mirror is late or gone",
            "rebuilding": "it is built again from the log and has not reached its end yet",
        }.get(state, history.trouble)
        found.append({"what": "mirror", "why": why})
    moment = history.moments.now if then is None else then
    # A part that was silent long ago would be called silent in every look at the past.
    now = history.clock() if moment is history.moments.now else _told_unix_s(moment)
    for name, event in sorted(moment.components.items()):
        health, reason = health_of(event, now)
        if health != "well":
            found.append({"what": name, "why": f"{health}: {reason}"})
    for what, why in (
        ("conflicts", "records contradict the ones of record"),
        ("invalid", "records were no events"),
    ):
        if count := moment.counts.get(what, 0):
            found.append({"what": what, "why": f"{count} {why}"})
    return found


def bounds(history: History) -> Told:
    """Return which moments can be asked for."""
    changes = history.moments.changes
    return {
        "first_revision": history.moments.first,
        "last_revision": history.revision,
        "first_unix_s": changes[0].folded_unix_ms / 1000 if changes else None,
        "last_unix_s": changes[-1].folded_unix_ms / 1000 if changes else None,
    }


def as_of(history: History, revision: int) -> Told:
    """Return what is known of a moment of the past."""
    place = history.moments.after(revision) - 1
    changes = history.moments.changes
    folded = changes[place].folded_unix_ms / 1000 if 0 <= place < len(changes) else None
    return {"revision": revision, "folded_unix_s": folded}


def difference_view(history: History, a: int, b: int) -> Told:
    """Return what lies between two revisions; see `services.api.models.twin.Difference`."""
    then, now = history.moments.at(a), history.moments.at(b)
    names = sorted({*then.counts, *now.counts})
    counts = {name: (then.counts.get(name, 0), now.counts.get(name, 0)) for name in names}
    parts = {
        name: (then.components.get(name), now.components.get(name))
        for name in sorted({*then.components, *now.components})
    }
    between = history.moments.changes[history.moments.after(a) : history.moments.after(b)]
    told = Counter(one.stage for one in between if one.kind == "case" and one.changed)
    stacks = [_version(history, revision) for revision in (a, b)]
    return {
        "from_revision": a,
        "to_revision": b,
        "counts": {name: pair for name, pair in counts.items() if pair[0] != pair[1]},
        "components": {
            name: (x and x.state, y and y.state)
            for name, (x, y) in parts.items()
            if (x and x.state) != (y and y.state)
        },
        "restarts": {
            name: y.restarts - (x.restarts if x else 0)
            for name, (x, y) in parts.items()
            if y and y.restarts != (x.restarts if x else 0)
        },
        "stack": stacks,
        "cases": dict(sorted(told.items())),
    }


def _in_force(history: History, revision: int | None) -> Told | None:
    versions = promoted(history.shelf("stacks", revision))
    if not versions:
        return None
    event: StackPromoted = versions[max(versions)]
    return {
        "version": event.version,
        "since_min": event.at_min,
        "parent": event.parent,
        "how": event.how,
        "threshold": event.threshold,
        "reason": event.reason,
    }


def _version(history: History, revision: int) -> int | None:
    return max(promoted(history.shelf("stacks", revision)), default=None)


def _told_unix_s(moment: Moment) -> float:
    return max((one.at_unix_s for one in moment.components.values()), default=0.0)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
