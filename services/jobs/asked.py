"""What requests become: command lines, with the scenario that stands alone in the job's folder."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from services.jobs.launch import FOLDER
from services.jobs.order import JobOrder
from services.jobs.posted import Sound

_SCENARIO: Final = "scenario.yaml"
_PATH: Final = f"{FOLDER}/job/{_SCENARIO}"
# A run beside the live twin: one core, and no Ray of its own.
_WORKERS: Final = 1


def run_order(
    sound: Sound,
    *,
    id: str,
    asked_by: str,
    digest: str,
    route: Literal["inprocess", "attach"],
    speed: str | None,
) -> JobOrder:
    """Return the job that runs a scenario.

    Parameters:
        speed: of an attached run: simulated minutes per wall minute, or max.
    """
    argv = ["run", _PATH, "--out", FOLDER, "--json"]
    if route == "attach":
        argv += ["--attach", *(["--speed", speed] if speed is not None else [])]
        workers = None
    else:
        argv += ["--route", "inprocess", "--workers", str(_WORKERS)]
        workers = _WORKERS
    facts: Mapping[str, Any] = {**sound.facts, "route": route}
    return JobOrder(
        id=id,
        kind="run",
        argv=argv,
        files={_SCENARIO: sound.text},
        asked_by=asked_by,
        digest=digest,
        workers=workers,
        facts=facts,
    )


def forecast_order(
    sound: Sound,
    *,
    id: str,
    asked_by: str,
    digest: str,
    horizon: str,
    futures: int,
    at_min: float | None,
) -> JobOrder:
    """Return the job that forecasts from the state of the live twin."""
    argv = ["forecast", _PATH, "--horizon", horizon, "--futures", str(futures)]
    argv += [*(["--at-min", f"{at_min!r}"] if at_min is not None else [])]
    argv += ["--out", FOLDER, "--json"]
    return JobOrder(
        id=id,
        kind="forecast",
        argv=argv,
        files={_SCENARIO: sound.text},
        asked_by=asked_by,
        digest=digest,
        facts={**sound.facts, "horizon": horizon, "futures": futures, "at_min": at_min},
    )
