"""Dotted keys, as overrides and sweeps write them: `staff.nurse`, `pathway.read.queue.order`."""

from typing import Any, Final

from simulator.language.nearest import nearest
from simulator.language.staff import staff_group
from simulator.language.words import cut, listed, shown
from simulator.language.yaml_source import Path, dotted
from simulator.quantities import QuantityError

MOST_KEY: Final = 120  # characters of a key in a message
_NAMED: Final = frozenset({("staff",)})  # where a new key would be a new thing, not a setting


def named(data: object, path: Path) -> str:
    """Return a path as overrides and sweeps write it: items by their id where they have one.

    >>> named({"pathway": [{"id": "read"}]}, ("pathway", 0, "staff"))
    'pathway.read.staff'
    """
    steps: list[str | int] = []
    here: Any = data
    for step in path:
        name: str | None = None
        if isinstance(here, list) and isinstance(step, int) and step < len(here):
            items, here = here, here[step]
            name = here.get("id") if isinstance(here, dict) else None
            if not (isinstance(name, str) and name.isprintable() and _item(items, name) == step):
                name = None
        else:
            here = here.get(step) if isinstance(here, dict) else None
        steps.append(step if name is None else name)
    shown = dotted(tuple(steps))
    return cut(shown if shown.isprintable() else repr(shown), MOST_KEY)


def change(data: dict[str, Any], key: str, value: object) -> Path:
    """Set the value of a dotted key in place; list items are named by number or id.

    Raises:
        QuantityError: with the path that does not exist.

    >>> data = {"pathway": [{"id": "read", "staff": "a"}]}
    >>> change(data, "pathway.read.staff", "b")
    ('pathway', 0, 'staff')
    """
    here: Any = data
    path: Path = ()
    steps = key.split(".")
    for place, step in enumerate(steps):
        last = place == len(steps) - 1
        if isinstance(here, list):
            index = _item(here, step)
            if index is None:
                ids = [str(item["id"]) for item in here if isinstance(item, dict) and "id" in item]
                of = nearest(step, ids)
                raise QuantityError((), f"{dotted(path)} has no item {step!r}{of}")
            path = (*path, index)
            if last:
                here[index] = value
            else:
                here = here[index]
            continue
        if not isinstance(here, dict):
            raise QuantityError((), f"{dotted(path)} is {shown(here)} and has no key {step!r}")
        if path in _NAMED and step not in here:
            close = f"{nearest(step, here)} (known: {listed(here)})"
            raise QuantityError((), f"{dotted(path)} has no {step!r}{close}")
        path = (*path, step)
        if last:
            here[step] = value
        else:
            here[step] = spelt_out(path, here.get(step))
            here = here[step]
    return path


def spelt_out(path: Path, value: object) -> object:
    """Return the keys that a short form stands for, so that one of them can be set."""
    if value is None:
        return {}
    if path[0] == "staff" and len(path) == 2:
        return staff_group(value)
    if path == ("replications",) and isinstance(value, int):
        return {"min": value, "max": value}
    if path[-1] == "queue" and isinstance(value, str):
        return {"order": value}
    return value


def _item(items: list[Any], step: str) -> int | None:
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    if step in ids:
        return ids.index(step)
    number = int(step) if step.isascii() and step.isdigit() else len(items)
    return number if number < len(items) else None
