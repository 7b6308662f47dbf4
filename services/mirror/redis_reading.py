"""Reads the state that a mirror holds, or a part of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.mirror.redis_layout import (
    CASE_FIELDS,
    SHELVES,
    case_of,
    event_of,
    places_of,
    shelf_of,
)
from twin.events import ComponentChanged
from twin.state import TwinState, shelf_key


class _Key(Protocol):
    def __call__(self, *parts: str) -> str: ...


def load_state(
    client: Any,  # noqa: ANN401  a client of Redis; its annotations cannot tell bytes from text
    key: _Key,
    case_ids: Sequence[str],
    shelves: Mapping[str, Sequence[int | str]] | None = None,
    spoken: Sequence[str] = (),
    *,
    of_one_moment: bool = False,
) -> TwinState:
    """Return the state with these cases and components.

    Parameters:
        key: makes a key of its parts.
        spoken: components that are wanted.
        shelves: keys of the events of `stacks` that are wanted, by shelf; None for all.
        of_one_moment: whether nothing may be written while it is read; it holds others up.
    """
    wanted = dict.fromkeys(SHELVES, ()) if shelves is None else shelves
    with client.pipeline(transaction=of_one_moment) as pipe:
        pipe.hgetall(key("counts"))
        pipe.hgetall(key("position"))
        for name, keys in wanted.items():
            if shelves is None:
                pipe.hgetall(key(name))
            else:
                pipe.hmget(key(name), keys)
        for case_id in case_ids:
            pipe.hmget(key("case", case_id), CASE_FIELDS)
        for name in spoken:
            pipe.hget(key("component", name), "event")
        counts, position, *rest = pipe.execute()
    state = TwinState(position=places_of(position))
    state.counts.update({name.decode(): int(count) for name, count in counts.items()})
    for name, found in zip(wanted, rest[: len(wanted)], strict=True):
        lines = found.values() if shelves is None else found
        shelf = getattr(state, name)
        shelf.update((shelf_key(event), event) for event in shelf_of(lines))
    components = len(wanted) + len(case_ids)
    for case_id, values in zip(case_ids, rest[len(wanted) : components], strict=True):
        case = case_of(values)
        if case is not None:
            state.cases[case_id] = case
    for name, raw in zip(spoken, rest[components:], strict=True):
        said = event_of(ComponentChanged, raw)
        if said is not None:
            state.components[name] = said
    return state
