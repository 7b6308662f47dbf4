"""What `dermtwin validate` says of a stress scenario: the load, what goes wrong, what is asked."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.analysis.forecast import sweep_points
from simulator.language.metrics import unit_of
from simulator.language.stress import StressSpec
from simulator.language.stress_checks import set_aside
from simulator.language.urgency import levels, mix
from simulator.quantities import seconds

if TYPE_CHECKING:  # rich is imported where a table is made
    from rich.table import Table

    from simulator.language.scenario import Scenario


def load_facts(scenario: "Scenario", spec: StressSpec) -> dict[str, Any]:
    """Return what is to be expected of a stress run, as plain data."""
    return {
        "scenario": scenario.name,
        "sound": True,
        "stress": {
            "profile": spec.profile.kind,
            **_load(spec),
            "warmup_s": spec.warmup_s,
            "workers": spec.workers,
            "objective_ms": spec.objective.limits_ms(),
            "shed": None
            if spec.shed is None
            else {"above_s": spec.shed.above_s, "keep": spec.shed.keep},
        },
        "classes": {
            name: {"share": share, "priority": levels(scenario)[name]}
            for name, share in mix(scenario).items()
        }
        if scenario.classes
        else {},
        "faults": _faults(scenario),
        "steady_state": [one.text for one in scenario.steady_state],
        "gates": [
            {"text": gate.text, "metric": gate.metric, "unit": unit_of(gate.metric)}
            for gate in scenario.gates
        ],
        "sweep_points": sweep_points(scenario),
        "set_aside": list(set_aside(scenario)),
    }


def _load(spec: StressSpec) -> dict[str, Any]:
    knee = spec.profile.knee
    if knee is not None:
        return {
            "from_per_s": knee.from_per_s,
            "to_per_s": knee.to_per_s,
            "hold_s": knee.hold_s,
            "precision": knee.precision,
        }
    curve = spec.profile.curve()
    rates = [rate for piece in curve.pieces for rate in (piece.from_per_s, piece.to_per_s)]
    return {
        "from_per_s": min(rates),
        "to_per_s": max(rates),
        "length_s": curve.length_s,
        "cases": curve.cases,
    }


def _faults(scenario: "Scenario") -> list[dict[str, Any]]:
    found = [
        {"at_s": one.at_s, "for_s": one.for_s, "what": str(one)} for one in scenario.disturbances
    ]
    found += [
        {
            "at_s": seconds(one.at_min),
            "for_s": seconds(one.for_min),
            "what": f"without {one.component}",
        }
        for one in scenario.outages
    ]
    return sorted(found, key=lambda one: float(one["at_s"] or 0))


def load_table(found: Mapping[str, Any]) -> "Table":
    """Return the same as a table."""
    from services.console import two_columns

    load = found["stress"]
    low, high = load["from_per_s"], load["to_per_s"]
    rate = f"{low:g} cases/s" if low == high else f"{low:g} to {high:g} cases/s"
    long = (
        f"steps of {load['hold_s']:g} s"
        if load["profile"] == "knee"
        else f"for {load['length_s']:g} s, {load['cases']} cases"
    )
    points = found["sweep_points"]
    rows = {
        "scenario": f"{found['scenario']} is sound; run it with dermtwin stress",
        "load": f"{load['profile']}: {rate}, {long}",
        "left out": f"the first {load['warmup_s']:g} s" if load["warmup_s"] else "nothing",
        "workers": f"{load['workers']}",
        **({"sweep": f"{points} points"} if points > 1 else {}),
        "faults": "; ".join(map(_words, found["faults"])) or "none",
        "steady state": "; ".join(found["steady_state"]) or "not asked for",
        "gates": "; ".join(gate["text"] for gate in found["gates"]) or "none",
    }
    if found["set_aside"]:
        rows["set aside"] = f"{', '.join(found['set_aside'])}: of the clinic, not of a load"
    return two_columns("", rows)


def _words(fault: Mapping[str, Any]) -> str:
    lasting = "" if fault["for_s"] is None else f" for {fault['for_s']:g} s"
    return f"at {fault['at_s']:g} s {fault['what']}{lasting}"
