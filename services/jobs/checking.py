"""Looks a posted scenario over, in a process of its own that may not take long or much memory.

Run as `python -m services.jobs.checking` in the folder of scenarios, which is all that it reaches.
Standard input is a JSON object: `text`, `name`, `overrides`, `bounds`, `use`, `cpu_s`,
`memory_bytes`. `use` is {"kind": "run"}, {"kind": "attach"}, or {"kind": "forecast", "horizon_min",
"futures"}: the bounds hold of what is run, not of what the scenario would be.
Standard output is one, too: `errors` (a list of objects with `source`, `line`, `key`, `value`,
`message`), or the scenario: `text` with every default and file written out, so that it stands
alone, and `facts` of it.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.language.reach import POSTED_BYTES, POSTED_VALUES, Reach
from simulator.language.yaml_source import MAX_BYTES, parse
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from services.experiments.plan import Point


def look_over(order: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wrong with a posted scenario, or the scenario.

    Parameters:
        order: see the module.
    """
    text, name = str(order["text"]), str(order["name"])
    try:
        # Before anything is imported that takes its time: most that is made to harm ends here.
        parse(text, name, POSTED_BYTES, POSTED_VALUES)
        return _checked(text, name, order)
    except ScenarioError as error:
        source, line, key, reason = error.args
        return _wrong(name, source=source, line=line, key=key, message=reason)
    except RecursionError:
        return _wrong(name, message="is nested too deep")
    except MemoryError:
        return _wrong(name, message="needs too much memory")


def _checked(text: str, name: str, order: Mapping[str, Any]) -> dict[str, Any]:
    from dataclasses import asdict

    from services.experiments.clinic_only import ensure_clinic
    from services.experiments.plan import points_of
    from services.jobs.bounds import Bounds
    from simulator.analysis.forecast import expected_patients, sweep_points
    from simulator.language.scenario import look_over as look
    from simulator.language.scenario import resolved

    overrides = tuple(map(str, order["overrides"]))
    scenario, found = look(text, name, overrides, Reach(Path()))
    if scenario is None:
        return {"errors": [asdict(one) for one in found]}
    ensure_clinic(scenario, name)
    bounds = Bounds(**order["bounds"])
    use = order["use"]
    points = sweep_points(scenario)
    if points > 1 and use["kind"] != "run":
        return _wrong(name, key="sweep", message="only a run varies what it is about: leave it out")
    if points > bounds.runs:
        reason = f"{points} points; this server takes at most {bounds.runs} runs"
        return _wrong(name, key="sweep", message=reason)
    asked = [_as_used(point, use) for point in points_of(scenario, name)]
    exceeded = list(bounds.exceeded(asked, scored=use["kind"] == "attach"))
    if exceeded:
        return {"errors": [_error(name, key=key, message=why) for key, why in exceeded]}
    alone = resolved(scenario)
    size = len(alone.encode())
    if size > MAX_BYTES:
        reason = f"with the files that it names, {size} bytes; at most {MAX_BYTES} are accepted"
        return _wrong(name, message=reason)
    spec = asked[0].scenario.replications
    facts = {
        "scenario": scenario.name,
        "about": scenario.about,
        "question": scenario.question,
        "patients_expected": expected_patients(asked[0].scenario),
        "runs_least": points * spec.min,
        "runs_most": points * spec.max,
        "asks_twin": scenario.asks_twin,
    }
    return {"text": alone, "facts": facts}


def _as_used(point: "Point", use: Mapping[str, Any]) -> "Point":
    """Return a point with as many replications, and as long, as it is run."""
    from services.experiments.plan import Point
    from simulator.language.experiment import ReplicationSpec

    if use["kind"] == "run":
        return point
    count = int(use.get("futures", 1))
    changed: dict[str, object] = {"replications": ReplicationSpec(min=count, max=count)}
    if use["kind"] == "forecast":
        changed["horizon_min"] = float(use["horizon_min"])
    return Point(point.label, point.scenario.model_copy(update=changed))


def _wrong(name: str, **known: object) -> dict[str, Any]:
    return {"errors": [_error(name, **known)]}


def _error(name: str, **known: object) -> dict[str, Any]:
    return {"source": name, "line": 0, "key": "", "value": None} | known


def _limit(order: Mapping[str, Any]) -> None:
    """Have the kernel end what takes too long, and refuse memory; where it can."""
    if sys.platform == "win32":
        return
    import resource

    for kind, most in (
        (resource.RLIMIT_CPU, int(order["cpu_s"])),
        (resource.RLIMIT_AS, int(order["memory_bytes"])),
    ):
        with suppress(ValueError, OSError):  # less is allowed already
            resource.setrlimit(kind, (most, most))


def main() -> None:
    """Answer one order."""
    order = json.load(sys.stdin)
    _limit(order)
    json.dump(look_over(order), sys.stdout)


if __name__ == "__main__":
    main()
