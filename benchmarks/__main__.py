"""`python -m benchmarks`: one table on the terminal, one JSON file beside it.

Needs a directory of images with a train and a test split in DERMTWIN_DATA.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import cold_start, mirror_delay, routes
from benchmarks.processes import run_json

DERMTWIN = [str(Path(sys.executable).parent / "dermtwin")]
RESULTS = Path(__file__).parent / "results"
FIRST, ISIC = "scenarios/first-clinic.yaml", "scenarios/isic-clinic.yaml"


def main() -> None:
    """Run the benchmarks asked for; exit with 1 if a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="cold_start, routes, mirror_delay; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each comparison")
    options = parser.parse_args()
    if not os.environ.get("DERMTWIN_DATA"):
        sys.exit("set DERMTWIN_DATA to a directory of images with train and test splits")
    data = Path(os.environ["DERMTWIN_DATA"])
    trained = run_json([*DERMTWIN, "train", "--data", str(data), "--json"]).result
    results: dict[str, dict[str, object]] = {}
    wanted = set(options.only) or {"cold_start", "routes", "mirror_delay"}
    if "routes" in wanted:
        results["routes"] = routes.measure(DERMTWIN, ISIC, options.rounds)
    if "cold_start" in wanted:
        run_json([*DERMTWIN, "run", FIRST, "--route", "inprocess", "--json"])  # trains its model
        results["cold_start"] = cold_start.measure(DERMTWIN, FIRST, options.rounds)
    if "mirror_delay" in wanted:
        results["mirror_delay"] = mirror_delay.measure(trained["model_id"], data)
    table = Table("benchmark", "figure", "value")
    for name, figures in results.items():
        for figure, value in figures.items():
            table.add_row(name, figure, f"{value:.3g}" if isinstance(value, float) else str(value))
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    file.write_text(json.dumps({"machine": machine, **results}, indent=2) + "\n")
    Console(stderr=True).print(f"kept in {file}")
    sys.exit(0 if all(figures["pass"] for figures in results.values()) else 1)


if __name__ == "__main__":
    main()
