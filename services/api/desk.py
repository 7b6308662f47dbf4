"""Where the API takes in runs and forecasts: jobs, the scenarios that it knows, and its bounds."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.config import Settings
from services.jobs.bounds import Bounds
from services.jobs.catalogue import Catalogue, scenarios_folder
from services.jobs.environment import environment_of_jobs
from services.jobs.jobs import AT_ONCE, Jobs
from services.jobs.posted import Checker
from services.logs import Log

_SOURCES: Final = Path(__file__).resolve().parents[2]
_BEAT_S: Final = 0.5  # while something is under way: assumption


@dataclass(frozen=True, slots=True)
class Desk:
    """What the paths of runs, forecasts and scenarios need.

    Parameters:
        jobs: runs and forecasts.
        checker: of scenarios that are posted.
        home: of models and runs, absolute.
        log: of the API.
        data: the image directory, absolute.
    """

    jobs: Jobs
    checker: Checker
    home: Path
    log: Log
    data: Path | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The scenarios that come with the server."""
        return self.checker.catalogue

    def without_places(self, text: str) -> str:
        """Return a text in which no folder of this machine is named."""
        places = {
            "$DERMTWIN_HOME": self.home,
            "$DERMTWIN_DATA": self.data,
            "$SCENARIOS": self.catalogue.folder,
            "$PYTHON": Path(sys.prefix),
            "$DERMTWIN": _SOURCES,
        }
        known = [(str(place), name) for name, place in places.items() if place is not None]
        # The longest first: one may lie in another.
        for place, name in sorted(known, key=lambda one: -len(one[0])):
            text = text.replace(place, name)
        return text

    async def tend(self) -> None:
        """Start what waits and end what is to end, until the task is cancelled.

        One beat that fails, such as on a full disk, is told and does not end it.
        """
        while True:
            try:
                await asyncio.to_thread(self.jobs.beat)
            except Exception as error:  # noqa: BLE001  whatever it is, the next beat may do better
                self.log.error("jobs not tended", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(_BEAT_S)


def open_desk(
    settings: Settings,
    environment: Mapping[str, str],
    log: Log,
    *,
    scenarios: Path | None = None,
    at_once: int = AT_ONCE,
    bounds: Bounds | None = None,
) -> Desk:
    """Return the desk of a home; jobs of earlier processes are found again.

    Parameters:
        settings: whose home has the runs.
        environment: of this process; jobs get what they need of it.
        log: of the API.
        scenarios: folder of the scenarios that have a name; None: ./scenarios where there is one.
        at_once: most jobs that run at a time.
        bounds: of one run; None: the usual ones.

    Raises:
        SettingsError: `scenarios` is no directory, or `at_once` is below 1.
    """
    theirs = environment_of_jobs(environment, settings.home)
    command = (sys.executable, "-m", "services.cli")
    home = settings.home.resolve()
    return Desk(
        jobs=Jobs(
            home / "runs", command, theirs, log, others=[home / "forecasts"], at_once=at_once
        ),
        checker=Checker(Catalogue(scenarios_folder(scenarios)), theirs, bounds or Bounds()),
        home=home,
        log=log,
        data=None if settings.data is None else settings.data.resolve(),
    )
