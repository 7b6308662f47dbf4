"""Peak memory of a run with 25,000 to 400,000 patients: it must not grow with their number.

Gate: the engine, with all rows written out, grows by at most 5 % from the fewest to the most.
Figures load whole columns and so do grow; by how much is reported beside it.
"""

import argparse
import json
import resource
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.ciw_models import MM3, run_ours, scenario_of
from benchmarks.processes import run_json
from simulator.analysis.measure import measure as figures_of

PATIENTS: Final = (25_000, 100_000, 400_000)


def measure() -> dict[str, Any]:
    """Run each size in a process of its own, with and without figures."""
    found: dict[str, Any] = {}
    for what in ("engine", "engine_and_figures"):
        peaks_mb = [_peak_of(patients, what) for patients in PATIENTS]
        for patients, peak_mb in zip(PATIENTS, peaks_mb, strict=True):
            found[f"{what}_{patients}_patients_mb"] = peak_mb
        found[f"{what}_growth"] = peaks_mb[-1] / peaks_mb[0] - 1
    more_mb = found[f"engine_and_figures_{PATIENTS[-1]}_patients_mb"]
    more_mb -= found[f"engine_and_figures_{PATIENTS[0]}_patients_mb"]
    found["figures_bytes_per_patient"] = more_mb * 2**20 / (PATIENTS[-1] - PATIENTS[0])
    found["gate"] = "engine_growth <= 0.05"
    found["pass"] = found["engine_growth"] <= 0.05
    return found


def _peak_of(patients: int, what: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", str(patients), what]
    return float(run_json(command).result["peak_mb"])


def _peak_mb() -> float:
    """Return this process's peak resident memory.

    `getrusage` of a fresh process can show that of its parent, from before it became another
    program (Linux keeps it over exec), so Linux is asked for this program's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [row for row in status.read_text().splitlines() if row.startswith("VmHWM")]
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Run one size and print the peak as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("patients", type=int)
    parser.add_argument("what", choices=["engine", "engine_and_figures"])
    asked = parser.parse_args()
    hours = asked.patients / sum(MM3.rate_per_h.values())
    scenario = scenario_of(MM3).model_copy(update={"horizon_min": hours * 60})
    journal = run_ours(scenario, 0)
    if asked.what == "engine_and_figures":
        figures_of(scenario, journal, 0.0)
    json.dump({"patients": journal.arrived, "peak_mb": _peak_mb()}, sys.stdout)
    journal.close()


if __name__ == "__main__":
    main()
