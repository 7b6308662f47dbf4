"""`python -m benchmarks`: one table on the terminal, one JSON file beside it.

Those of the twin need a directory of images with a train and a test split in DERMTWIN_DATA;
the others need nothing. `python -m benchmarks fault_matrix --help` is one by itself.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import (
    acquisition,
    bank,
    cold_start,
    coverage,
    engine_speed,
    explaining,
    faithfulness,
    knee_vs_serve,
    label_free,
    live_explanation,
    memory,
    mirror_delay,
    promotions,
    rebalance,
    rendering,
    replications,
    restacking,
    routes,
    status_api,
    two_workers,
    verification_bias,
)
from benchmarks.processes import run_json

DERMTWIN = [str(Path(sys.executable).parent / "dermtwin")]
RESULTS = Path(__file__).parent / "results"
OF_TWIN = (
    *("cold_start", "routes", "mirror_delay"),
    *("explaining", "live_explanation", "faithfulness"),
)
ALONE = (
    *("engine_speed", "replications", "memory", "coverage"),
    *("acquisition", "rendering", "bank", "restacking", "label_free"),
    *("verification_bias", "promotions", "status_api"),
    *("two_workers", "rebalance", "knee_vs_serve"),
)
FIRST, ISIC = "scenarios/first-clinic.yaml", "scenarios/isic-clinic.yaml"


def main() -> None:
    """Run the benchmarks asked for; exit with 1 if a gate is missed."""
    if sys.argv[1:2] == ["fault_matrix"]:  # long, and with options of its own
        from benchmarks import fault_matrix

        fault_matrix.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["hostile"]:  # likewise
        from benchmarks import hostile

        hostile.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["kill_everything"]:  # likewise
        from benchmarks import kill_everything

        kill_everything.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    known = [*ALONE, *OF_TWIN]
    parser.add_argument("only", nargs="*", help=f"{', '.join(known)}; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each comparison")
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in known]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no benchmark; there are {', '.join(known)}")
    wanted = set(options.only or known)
    if not options.only and (lacks := knee_vs_serve.missing()):
        Console(stderr=True).print(f"knee_vs_serve is left out: {lacks}")
        wanted.remove("knee_vs_serve")
    results: dict[str, dict[str, object]] = {}
    if wanted & set(OF_TWIN):
        results |= _of_twin(wanted, options.rounds)
    alone: dict[str, Callable[[], dict[str, object]]] = {
        "engine_speed": lambda: engine_speed.measure(options.rounds),
        "replications": lambda: replications.measure(options.rounds),
        "memory": memory.measure,
        "rendering": lambda: rendering.measure(options.rounds),
        "coverage": coverage.measure,
        "acquisition": lambda: acquisition.measure(options.rounds),
        "bank": lambda: bank.measure(options.rounds),
        "label_free": label_free.measure,
        "restacking": lambda: restacking.measure(options.rounds),
        "verification_bias": verification_bias.measure,
        "promotions": promotions.measure,
        "status_api": lambda: status_api.measure(DERMTWIN),
        "two_workers": lambda: two_workers.measure(options.rounds),
        "rebalance": rebalance.measure,
        "knee_vs_serve": knee_vs_serve.measure,
    }
    results |= {name: measure() for name, measure in alone.items() if name in wanted}
    table = Table("benchmark", "figure", "value")
    for name, figures in results.items():
        for figure, value in figures.items():
            table.add_row(name, figure, _shown(value))
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    file.write_text(json.dumps({"machine": machine, **results}, indent=2) + "\n")
    Console(stderr=True).print(f"kept in {file}")
    sys.exit(0 if all(figures["pass"] for figures in results.values()) else 1)


def _shown(value: object) -> str:
    if isinstance(value, dict):  # a mean and its interval
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _of_twin(wanted: set[str], rounds: int) -> dict[str, dict[str, object]]:
    """Run those that need images."""
    if not os.environ.get("DERMTWIN_DATA"):
        sys.exit("set DERMTWIN_DATA to a directory of images with train and test splits")
    data = Path(os.environ["DERMTWIN_DATA"])
    trained = run_json([*DERMTWIN, "train", "--data", str(data), "--json"]).result
    results: dict[str, dict[str, object]] = {}
    if "routes" in wanted:
        results["routes"] = routes.measure(DERMTWIN, ISIC, rounds)
    if "cold_start" in wanted:
        run_json([*DERMTWIN, "run", FIRST, "--route", "inprocess", "--json"])  # trains its model
        results["cold_start"] = cold_start.measure(DERMTWIN, FIRST, rounds)
    if "mirror_delay" in wanted:
        results["mirror_delay"] = mirror_delay.measure(trained["model_id"], data)
    if "explaining" in wanted:
        results["explaining"] = explaining.measure(trained["model_id"], data, rounds)
    if "live_explanation" in wanted:
        results["live_explanation"] = live_explanation.measure(trained["model_id"], data)
    if "faithfulness" in wanted:
        results["faithfulness"] = faithfulness.measure(trained["model_id"], data)
    return results


if __name__ == "__main__":
    main()
