"""How the mirror lays the twin's state out in Redis: fields of hashes, and back to events.

Keys, all under the prefix (`p`):

    p:case:{case_id}    hash  revision, stage; arrived, answer, closed (events as JSON;
                              answer_schema says which kind of answer); feedback (events as
                              JSON, one a line); image, p_malignant, malignant, rejected,
                              referred, label: the same facts, flat; expires
    p:component:{name}  hash  state, restarts, model_id, reason, at_unix_s; event (JSON)
    p:epochs            hash  by epoch: the line that a log file has of the event
    p:stacks            hash  by epoch: likewise, what was decided
    p:drift             hash  by epoch: likewise, what was reported
    p:orders            hash  by order: likewise, versions that somebody ordered back
    p:stack             hash  version, since_min, parent, how, threshold, model_id, digest,
                              reason: the stack in force, flat
    p:counts            hash  how many cases, verdicts, ...; see `twin.state.COUNTED`
    p:position          hash  last offset folded, by topic/partition
    p:changes           stream, capped  an entry for each record that was folded, whether it changed
                              something or not; its id is {revision}-0. place
                              (topic/partition/offset), kind, id, stage, changed, schema, event
                              (JSON; neither where the bytes were none), case_revision,
                              sent_unix_ms, folded_unix_ms, deltas (JSON: what it added to counts);
                              before_min (latest event time before it) and, of a component, before
                              (event that it replaced, JSON): what was before all that is kept
    p:attached          hash  by tag: a run that streams into this twin (JSON), which writes
                              that itself: services/attach/registry.py
    p:mirror            hash  layout: version of all this; revision: records folded; generation:
                              drawn when the mirror began from nothing, was made again, or Redis
                              went back to an earlier state; latest_min:
                              latest event time; updated_unix_s; complete_unix_s: all sent before
                              is folded; behind (JSON: records that are not, by topic);
                              cases_unix_s, verdicts_unix_s, feedback_unix_s, ...: when something
                              new of this kind was folded last
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar, cast

from redis.typing import EncodableT, FieldT

from services.bus.codec import decode, read_log
from services.bus.port import Place
from services.mirror.freshness import Freshness
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseRejected,
    ComponentChanged,
    Event,
    FeedbackReceived,
    StackEvent,
    StackPromoted,
    VerdictIssued,
)
from twin.log import SCHEMA_OF, encode
from twin.state import SHELF_OF, CaseState, Record, shelf_key

# Raise it when a program of before would misread what is written now, or the other way round.
LAYOUT: Final = 2  # mirrors of before had no version
GENERATION: Final = "generation"
LAYOUT_FIELD: Final = "layout"
CASE_FIELDS: Final = ("revision", "arrived", "answer", "answer_schema", "closed", "feedback")
UPDATED: Final = "updated"
COMPLETE: Final = "complete"
LATEST: Final = "latest_min"
UNIX_S: Final = "_unix_s"
SHELVES: Final = tuple(sorted(set(SHELF_OF.values())))
_ANSWERS: Final[dict[bytes, type[VerdictIssued] | type[CaseRejected]]] = {
    SCHEMA_OF[VerdictIssued].encode(): VerdictIssued,
    SCHEMA_OF[CaseRejected].encode(): CaseRejected,
}

Fields = dict[FieldT, EncodableT]
Known = TypeVar(
    "Known",
    CaseArrived,
    CaseClosed,
    VerdictIssued | CaseRejected,
    FeedbackReceived,
    ComponentChanged,
)


def fault_of_layout(found: Mapping[bytes, bytes]) -> str | None:
    """Return in words why a mirror is not of this layout; None where it is, or there is none.

    Parameters:
        found: the hash `p:mirror`, all of it.

    >>> fault_of_layout({b"generation": b"ab"})
    'it was laid out by an earlier version (this one reads layout 2)'
    >>> fault_of_layout({})
    """
    written = found.get(LAYOUT_FIELD.encode())
    if not found or written == str(LAYOUT).encode():
        return None
    if written is None:
        return f"it was laid out by an earlier version (this one reads layout {LAYOUT})"
    return f"it has layout {written.decode(errors='replace')} (this version reads {LAYOUT})"


def is_of_later_version(found: Mapping[bytes, bytes]) -> bool:
    """Return whether a later version laid a mirror out, which must not be taken for ours."""
    written = found.get(LAYOUT_FIELD.encode(), b"0")
    return not written.isdigit() or int(written) > LAYOUT


def event_of(kind: type[Known], raw: bytes | None) -> Known | None:
    """Return the event of a field; None where there is none.

    Raises:
        EventError: the bytes hold no such event.
    """
    # The schema decides the type.
    return None if raw is None else cast(Known, decode(SCHEMA_OF[kind], raw))


def case_of(values: Sequence[bytes | None]) -> CaseState | None:
    """Return a case from its `CASE_FIELDS`; None where there is none.

    Raises:
        EventError: a field holds no event.
    """
    revision, arrived, answer, answer_schema, closed, feedback = values
    if revision is None:
        return None
    messages = [event_of(FeedbackReceived, raw) for raw in (feedback or b"").splitlines()]
    return CaseState(
        revision=int(revision),
        arrived=event_of(CaseArrived, arrived),
        answer=event_of(_ANSWERS.get(answer_schema or b"", VerdictIssued), answer),
        closed=event_of(CaseClosed, closed),
        feedback={one.feedback_id: one for one in messages if one is not None},
    )


def case_fields(event: CaseEvent, case: CaseState) -> Fields:
    """Return the fields that an event changes in its case, which knows of it already."""
    about: Fields = {"revision": case.revision, "stage": case.stage.value}
    raw = encode(event)
    match event:
        case CaseArrived():
            return about | {"arrived": raw, "image": case.image}
        case CaseClosed():
            return about | {"closed": raw, "referred": int(event.referred)}
        case FeedbackReceived():
            return about  # see `label_fields`
        case CaseRejected():
            schema = SCHEMA_OF[CaseRejected]
            return about | {"answer": raw, "answer_schema": schema, "rejected": event.reason}
        case VerdictIssued():
            return about | {
                "answer": raw,
                "answer_schema": SCHEMA_OF[VerdictIssued],
                "p_malignant": repr(event.p_malignant),
                "malignant": int(event.malignant),
            }


def label_fields(case: CaseState) -> Fields:
    """Return the messages about a case, and what its label is; none where there are no messages.

    Once for a batch and not once for an event: a case may have very many messages.
    """
    if not case.feedback:
        return {}
    counts = case.settled().counts
    # Canonical JSON has no line breaks.
    said = b"\n".join(encode(one) for one in case.feedback.values())
    return {"feedback": said, "label": counts.label if counts else ""}


def component_fields(event: ComponentChanged) -> Fields:
    """Return the hash of a component."""
    return {
        "state": event.state,
        "restarts": event.restarts,
        "model_id": event.model_id,
        "reason": event.reason,
        "at_unix_s": repr(event.at_unix_s),
        "event": encode(event),
    }


def stack_fields(event: StackPromoted) -> Fields:
    """Return the stack in force, flat."""
    return {
        "version": event.version,
        "since_min": repr(event.at_min),
        "parent": "" if event.parent is None else event.parent,
        "how": event.how,
        "threshold": repr(event.threshold),
        "model_id": event.model_id,
        "digest": event.digest,
        "reason": event.reason,
    }


def fresh_fields(fresh: Freshness | None) -> Fields:
    """Return what the mirror says of how complete it is."""
    if fresh is None:
        return {}
    fields: Fields = {"behind": json.dumps(dict(fresh.behind), separators=(",", ":"))}
    if fresh.complete_unix_s is not None:
        fields["complete_unix_s"] = repr(fresh.complete_unix_s)
    return fields


def shelf_of(lines: Iterable[bytes | None]) -> list[StackEvent]:
    """Return the events of a shelf; fields that are empty are passed over.

    Raises:
        EventError: a field holds none.
    """
    return cast(list[StackEvent], list(read_log(one for one in lines if one is not None)))


def places_of(fields: Mapping[bytes, bytes]) -> dict[Place, int]:
    """Return positions as the fold has them."""
    places = {}
    for name, offset in fields.items():
        topic, _, partition = name.decode().rpartition("/")
        places[topic, int(partition)] = int(offset)
    return places


def place_fields(position: Mapping[Place, int]) -> Fields:
    """Return positions as Redis has them."""
    return {f"{topic}/{partition}": offset for (topic, partition), offset in position.items()}


def kind_of(event: Event) -> str:
    """Return of what an event is news: a shelf of the state, or a topic."""
    match event:
        case ComponentChanged():
            return "components"
        case VerdictIssued() | CaseRejected():
            return "verdicts"
        case FeedbackReceived():
            return "feedback"
        case CaseArrived() | CaseClosed():
            return "cases"
    return SHELF_OF[type(event)]


def times_of(fields: Mapping[bytes, bytes]) -> dict[str, float]:
    """Return Unix times, s, by what they are of.

    >>> times_of({b"updated_unix_s": b"12.5"})
    {'updated': 12.5}
    """
    return {
        name.decode().removesuffix(UNIX_S): float(at)
        for name, at in fields.items()
        if name.endswith(UNIX_S.encode())
    }


def touched(
    records: Sequence[Record],
) -> tuple[set[str], dict[str, list[int | str]], list[str]]:
    """Return the cases that records are about, keys of events of `stacks` by shelf, components."""
    case_ids: set[str] = set()
    spoken: dict[str, None] = {}
    shelves: dict[str, list[int | str]] = {}
    for record in records:
        match record.event:
            case None:
                continue
            case ComponentChanged():
                spoken[record.event.component] = None
            case event if isinstance(event, StackEvent):
                shelves.setdefault(SHELF_OF[type(event)], []).append(shelf_key(event))
            case event if isinstance(event, CaseEvent):
                case_ids.add(event.case_id)
    return case_ids, shelves, list(spoken)
