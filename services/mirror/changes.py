"""What the mirror's stream of changes says of one record; `services.api.live.change` reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.mirror.redis_layout import Fields
from twin.events import ComponentChanged, StackEvent
from twin.log import SCHEMA_OF, encode
from twin.state import SHELF_OF, Record, TwinState, counted_as, shelf_key

_STAGES: Final = {"epochs": "reached", "orders": "ordered", "drift": "reported"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was before a record."""

    counts: Mapping[str, int]
    latest_min: float  # event time
    component: ComponentChanged | None  # what the component had said last, of which it is


def change_fields(
    state: TwinState,
    record: Record,
    before: Before,
    *,
    changed: bool,
    now_unix_s: float,
) -> Fields:
    """Return what the stream of changes says of a record that the state knows of already.

    Parameters:
        before: what was before it.
        changed: whether the record changed more than counts.
    """
    event, counts = record.event, before.counts
    deltas = {
        name: count - counts.get(name, 0)
        for name, count in state.counts.items()
        if count != counts.get(name, 0)
    }
    fields: Fields = {
        "place": f"{record.topic}/{record.partition}/{record.offset}",
        "changed": int(changed),
        "sent_unix_ms": record.sent_unix_ms,
        "folded_unix_ms": round(now_unix_s * 1000),
        "before_min": repr(before.latest_min),
        "deltas": json.dumps(deltas, separators=(",", ":")),
    }
    if event is None:
        return fields | {"kind": "invalid", "id": "", "stage": ""}
    fields |= {"schema": SCHEMA_OF[type(event)], "event": encode(event)}
    if isinstance(event, ComponentChanged):
        if before.component is not None:
            fields["before"] = encode(before.component)
        return fields | {"kind": "component", "id": event.component, "stage": event.state}
    if isinstance(event, StackEvent):
        shelf = SHELF_OF[type(event)]
        stage = _STAGES.get(shelf) or counted_as(event).removeprefix("stacks.")
        return fields | {"kind": shelf, "id": shelf_key(event), "stage": stage}
    case = state.cases[event.case_id]
    return fields | {
        "kind": "case",
        "id": event.case_id,
        "stage": case.stage.value,
        "case_revision": case.revision,
    }
