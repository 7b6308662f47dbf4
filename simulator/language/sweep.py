"""Scenarios that differ from one another in a few keys: the points of a sweep."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from simulator.language.complaints import complaints
from simulator.language.experiment import SweepSpec
from simulator.language.keys import change, named
from simulator.language.schema import Scenario
from simulator.language.sources import Source
from simulator.language.words import cut, shown
from simulator.language.yaml_source import Path
from simulator.quantities import QuantityError
from twin.errors import ScenarioError


def vary(
    scenario_plain: Mapping[str, Any], overrides: Mapping[str, object], source_name: str
) -> Scenario:
    """Return a scenario with some keys changed, and without its sweep.

    Parameters:
        scenario_plain: plain data, as `scenario.plain` gives them; they are not changed.
        overrides: dotted key, in which list items are named by number or id, and its new value.
        source_name: of the scenario's file, for messages.

    Raises:
        ScenarioError: a key does not exist, or the changed scenario is not sound; it names the
            overrides.
    """
    data = deepcopy({key: value for key, value in scenario_plain.items() if key != "sweep"})
    try:
        for key, value in overrides.items():
            change(data, key, deepcopy(value))
        return Scenario.model_validate(data)
    except QuantityError as error:
        reason = str(error.args[1])
    except ValidationError as error:
        found = list(dict.fromkeys(complaints(error, Scenario, data)))
        told = [f"{named(data, path)}: {why}" if path else why for path, why in found[:2]]
        more = [f"and {len(found) - 2} more"] if len(found) > 2 else []
        reason = "; ".join([*told, *more])
    point = ", ".join(f"{key}={shown(value)}" for key, value in overrides.items())
    raise ScenarioError(source_name, 0, "sweep", f"with {cut(point, 200)}: {cut(reason, 600)}")


def unsound(sweep: SweepSpec, source: Source) -> Iterator[tuple[Path, str]]:
    """Yield each key of a sweep with a value that makes no sound scenario, and why.

    Each value is tried with the first values of the other keys, which is a point of the grid;
    points that only go wrong together are found when they are run.
    """
    kind = "grid" if sweep.grid is not None else "ranges"
    written = source.data["sweep"]
    axes = sweep.grid or sweep.ranges or {}
    wrong: set[str] = set()
    for number, (axis, overrides) in enumerate(_probes(axes)):
        if axis in wrong:
            continue
        try:
            vary(source.data, overrides, source.name)
        except ScenarioError as error:
            wrong.add(axis)
            first_of_many = number == 0 and len(axes) > 1
            here = () if first_of_many else (axis,) if axis in written else (kind, axis)
            yield ("sweep", *here), error.args[3]
            if number == 0:
                return  # whatever is wrong with the first point is wrong with the others, too


def _probes(
    axes: Mapping[str, tuple[Any, ...]],
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the key whose value is tried, and the point at which it is; the first point first."""
    first = {axis: values[0] for axis, values in axes.items()}
    for place, (axis, values) in enumerate(axes.items()):
        for value in values[1 if place else 0 :]:
            yield axis, first | {axis: value}
