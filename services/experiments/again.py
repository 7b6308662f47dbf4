"""The same order a second time: what was begun in its folder is carried on, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from services.experiments.plan import Point
from services.experiments.store import PLAN, Store
from simulator.language.scenario import plain
from twin.errors import SettingsError

# Of an order, what decides nothing that is kept: names of files, and how many at once.
_FREE: Final = ("source", "workers")
_TOLD: Final = 3  # differences that are named; more would hide the telling one: assumption


def begun_before(
    out: Path | None, points: Sequence[Point], order: Mapping[str, Any]
) -> Store | None:
    """Return the folder where these points were begun with this order; None to begin them there.

    Parameters:
        out: folder that was asked for; None for a new one.
        order: what `Store.begin` would keep.

    Raises:
        SettingsError: another experiment was begun there; it says what differs.
        DataError: what is there was written by another version, or altered.
    """
    if out is None or not (out / PLAN).is_file():
        return None
    store = Store.open(out)
    there, order_there = store.plan()
    differences = [
        *_differences(_decisive(order_there), _decisive(order)),
        *_differences(_data(there), _data(points)),
    ]
    if differences:
        more = len(differences) - _TOLD
        told = "; ".join(differences[:_TOLD]) + (f"; and {more} more" if more > 0 else "")
        reason = f"holds another run: {told}. Choose another folder, or remove this one"
        raise SettingsError("--out", str(out), reason)
    return store


def _decisive(order: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in order.items() if name not in _FREE}


def _data(points: Sequence[Point]) -> Any:  # noqa: ANN401  plain data
    told = [
        {"label": dict(point.label), **plain(point.scenario)}
        if point.label
        else dict(plain(point.scenario))
        for point in points
    ]
    return told[0] if len(told) == 1 else {"points": told}


def _differences(there: Any, here: Any, key: str = "") -> Iterator[str]:  # noqa: ANN401  plain data
    """Yield in words what differs between plain data, by the key as `--set` has it."""
    if there == here:
        return
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in dict.fromkeys((*there, *here)):
            below = f"{key}.{name}" if key else str(name)
            yield from _differences(there.get(name), here.get(name), below)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for place, (old, new) in enumerate(zip(there, here, strict=True)):
            yield from _differences(old, new, f"{key}.{place}")
    else:
        yield f"{key} is {_shown(there)} there and {_shown(here)} here"


def _shown(value: object) -> str:
    if value is None:
        return "not given"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
