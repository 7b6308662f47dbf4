"""`dermtwin validate`: is a scenario sound, and what is to be expected of it?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Json, Set

if TYPE_CHECKING:  # rich is imported where a table is made
    from rich.console import Group

    from simulator.analysis.forecast import Forecast, GroupForecast
    from simulator.language.scenario import Scenario


def validate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Check a scenario; print its load, what theory says of its waits, and how often it is run.

    Of a stress scenario: the load on the twin, what goes wrong, and what has no meaning there.

    Nothing is simulated and nothing is written. Exit codes: 0 the scenario is sound, 2 it is not.

    Example: dermtwin validate scenarios/first-clinic.yaml --set staff.nurse=2
    """
    from services.commands.scenario_files import read_scenario
    from services.console import emit
    from simulator.analysis.forecast import forecast
    from simulator.language.scenario import load

    sound = load(read_scenario(scenario), str(scenario), tuple(overrides or ()))
    if sound.stress is not None:
        from services.commands.validate_stress import load_facts, load_table

        facts = load_facts(sound, sound.stress)
        emit(facts, as_json=as_json, table=load_table(facts))
        return
    found = _summary(sound, forecast(sound))
    emit(found, as_json=as_json, table=_tables(found))


def _summary(scenario: "Scenario", found: "Forecast") -> dict[str, Any]:
    from simulator.language.metrics import unit_of

    return {
        "scenario": scenario.name,
        "sound": True,
        "patients_expected": found.patients,
        "staff": {name: _of_group(group) for name, group in found.groups.items()},
        "allow_unstable": scenario.allow_unstable,
        "growing": [name for name, group in found.groups.items() if group.load.grows],
        "replications": {"min": scenario.replications.min, "max": scenario.replications.max},
        "sweep_points": found.points,
        "runs": {"min": found.least_runs, "max": found.most_runs},
        "gates": [
            {"text": gate.text, "metric": gate.metric, "unit": unit_of(gate.metric)}
            for gate in scenario.gates
        ],
    }


def _of_group(group: "GroupForecast") -> dict[str, Any]:
    load = group.load
    return {
        "offered_load": load.share,
        "standard_error": load.error,
        "mean_on_duty": load.capacity,
        "most_on_duty": group.peak,
        "nodes": list(group.nodes),
        "bounded_queues": list(group.bounded),
        "wait_mean_min": group.wait_min,
        "wait_is": "approximation (Allen-Cunneen)" if group.wait_min is not None else None,
        "no_estimate_because": group.why_none or None,
    }


def _tables(found: Mapping[str, Any]) -> "Group":
    from rich.console import Group
    from rich.table import Table

    from services.console import two_columns

    staff = Table("staff group", "offered load", "on duty", "mean wait, roughly", "queues")
    for name, group in found["staff"].items():
        staff.add_row(name, *_cells(group))
    parts = [two_columns("", _facts(found))]
    return Group(*([staff] if found["staff"] else []), *parts)


def _cells(group: Mapping[str, Any]) -> list[str]:
    error = f" ± {group['standard_error']:.2g}" if group["standard_error"] else ""
    mean, most = group["mean_on_duty"], group["most_on_duty"]
    wait_min = group["wait_mean_min"]
    queues = [f"{n} (bounded)" if n in group["bounded_queues"] else n for n in group["nodes"]]
    return [
        f"{group['offered_load']:.2f}{error}",
        f"{most}" if mean == most else f"{mean:.2f} on average, {most} at most",
        f"no estimate for {group['no_estimate_because']}"
        if wait_min is None
        else f"{wait_min:.3g} min, by the Allen-Cunneen approximation",
        ", ".join(queues) or "nobody asks for it",
    ]


def _facts(found: Mapping[str, Any]) -> dict[str, str]:
    patients, runs = found["patients_expected"], found["runs"]
    replications = found["replications"]
    span = "{min}" if replications["min"] == replications["max"] else "{min} to {max}"
    points = found["sweep_points"]
    many = "replication" if replications["max"] == 1 else "replications"
    rows = {
        "scenario": f"{found['scenario']} is sound",
        "patients expected": "each image once" if patients is None else f"{patients:.0f}",
        "runs": f"{span.format(**replications)} {many}"
        + (f" at each of {points} sweep points: {span.format(**runs)} runs" if points > 1 else ""),
        "gates": "; ".join(gate["text"] for gate in found["gates"]) or "none",
    }
    if not found["staff"]:
        rows["offered load"] = "no estimate: the images bring their own facts"
    if found["growing"] and found["allow_unstable"]:
        rows["unstable"] = f"{', '.join(found['growing'])}: queues grow; allow_unstable: true"
    elif found["growing"]:
        rows["unstable"] = f"{', '.join(found['growing'])}: queues grow until the last has come"
    return rows
