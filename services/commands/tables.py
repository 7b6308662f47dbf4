"""Results as tables for people: the same figures as the JSON, fewer of them."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from services.console import two_columns

Result = Mapping[str, Any]


def run_table(summary: Result) -> Table:
    """Return the closing table of a run."""
    rows = {
        "scenario": f"{summary['scenario']} ({summary['route']}, batches of {summary['batch']})",
        "model": summary["model_id"],
        "cases": f"{summary['cases']}",
        "verdicts": f"{summary['verdicts']}, rejected {summary['rejected']}",
        "AI sensitivity": _estimate(summary["ai_sensitivity"]),
        "AI specificity": _estimate(summary["ai_specificity"]),
        "AI AUC": _estimate(summary["auc"]),
        "sensitivity after reading": _estimate(summary["sensitivity"]),
        "specificity after reading": _estimate(summary["specificity"]),
    }
    for node, wait in summary["waits"].items():
        rows[f"wait for {node}"] = (
            f"mean {wait['mean_min']:.1f} min, p95 {wait['p95_min']:.1f} min"
            if wait["n"]
            else wait["reason"]
        )
    for staff, share in summary["utilisation"].items():
        rows[f"utilisation of {staff}"] = _estimate(share)
    if summary["latency_ms"]:
        rows["verdict latency"] = ", ".join(
            f"{name} {value:g} ms" for name, value in summary["latency_ms"].items()
        )
    rate = summary["cases_per_s"]
    rows["speed"] = (
        f"{'no rate' if rate is None else f'{rate:g} cases/s'}, first verdict after "
        f"{summary['first_verdict_s']:g} s, {summary['wall_s']:g} s in all"
    )
    mirror = summary["mirror"]
    if mirror is not None:
        rows["Redis mirror"] = (
            f"equals the fold of {mirror['records']} log records"
            if mirror["equal"]
            else "DIFFERS from the fold of the log"
        )
    rows["degraded"] = "; ".join(summary["degraded"]) or "nothing"
    rows["digest"] = summary["digest"]
    rows["run folder"] = summary["run_dir"]
    return two_columns("", rows)


def training_table(result: Result) -> Group:
    """Return learners with their meta weights, and the test figures, of a training."""
    learners = Table("learner", "AUC (out of fold)", "accuracy (out of fold)", "meta weight")
    for name, figures in result["learners"].items():
        learners.add_row(
            name,
            f"{figures['auc']:.4f}",
            f"{figures['accuracy']:.4f}",
            f"{figures['meta_weight']:+.4f}",
        )
    rows = {
        "model": f"{result['model_id']} in {result['model_dir']}",
        "training images": f"{result['train']['images']}, {result['train']['malignant']} malignant",
    }
    test = result["test"]
    if test is None:
        rows["test"] = "the data has no test split"
    else:
        rows["test images"] = f"{test['images']}, {len(test['unscorable'])} not scorable"
        rows |= {
            f"test {name}": f"{test[name]:.4f}"
            for name in ("accuracy", "auc", "sensitivity", "specificity", "precision", "f1")
        }
    rows["time"] = f"{result['wall_s']:g} s"
    return Group(learners, two_columns("", rows))


def status_table(result: Result) -> Group:
    """Return components, counts and freshness of a twin that is up."""
    components = Table("component", "state", "restarts", "images", "busy", "why")
    for name, one in result["components"].items():
        components.add_row(
            name,
            one["state"],
            str(one["restarts"]),
            f"{one.get('images', 0):g}",
            f"{one.get('busy_s', 0):.1f} s",
            one["reason"],
        )
    rows = {
        "twin": result["prefix"],
        "mirror": f"written {result['age_s']:g} s ago",
        **{name: str(count) for name, count in result["counts"].items()},
    }
    return Group(two_columns("", rows), components)


def _estimate(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return f"no figure: {estimate['reason']}"
    text = f"{estimate['value']:.3f}"
    if estimate["low"] is not None:
        text += f" (95 % {estimate['low']:.3f} to {estimate['high']:.3f}, n = {estimate['n']})"
    return text
