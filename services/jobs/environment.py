"""What a job knows of its surroundings: what it needs to run, and none of the API's secrets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.config import VARIABLES

# How a process finds its programs, language, temporary files, threads, proxies and clusters.
_NAMES: Final = frozenset(
    {"HOME", "LANG", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV"}
)
_COLUMNS: Final = "1000"
_PREFIXES: Final = ("CUDA_", "LC_", "MKL_", "OMP_", "OPENBLAS_", "PYTHON", "RAY_", "TF_", "XDG_")


def environment_of_jobs(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment that jobs start with.

    Parameters:
        environment: of the API.
        home: of models and runs; made absolute, since a job has a working directory of its own.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name in _NAMES or name in VARIABLES or name.startswith(_PREFIXES)
    }
    if kept.get("DERMTWIN_DATA"):
        kept["DERMTWIN_DATA"] = str(Path(kept["DERMTWIN_DATA"]).resolve())
    if kept.get("PYTHONPATH"):
        parts = kept["PYTHONPATH"].split(":")
        kept["PYTHONPATH"] = ":".join(str(Path(part).resolve()) for part in parts)
    # Words of its log are not broken into lines: whoever shows it leaves out paths.
    return {**kept, "DERMTWIN_HOME": str(home.resolve()), "COLUMNS": _COLUMNS}
