"""Which model a twin serves that is brought up: somebody's choice, the latest, or a first one."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.config import Settings

if TYPE_CHECKING:
    from twin.model import Model


def model_to_serve(chosen: str | None, scenario: Path | None, settings: Settings) -> "Model":
    """Return the model chosen, or the one saved last; on a fresh machine, one that is trained now.

    The first one is that of the scenario, if there is one; else the quick one of the demo, which
    scenarios/first-clinic.yaml and all that say nothing of their model use, too: a run finds it.

    Raises:
        ArtefactError: there is no such model.
        SettingsError: the scenario learns from images and no data directory is set.
    """
    from services.artefacts import ArtefactStore
    from services.console import progress_bars, say

    store = ArtefactStore(settings.home)
    if chosen is not None or store.latest() is not None:
        return store.load_or_latest(chosen)
    from services.learning import model_for, model_of_lesions
    from simulator.language.cases import SyntheticModel

    if scenario is None:
        say("no model yet: the demo's is trained now, from rendered lesions; about a minute")
        with progress_bars() as bars:
            return model_of_lesions(SyntheticModel(), settings, bars)
    from services.commands.scenario_files import read_scenario
    from services.image_directory import ImageDirectory
    from simulator.language.scenario import load

    asked = load(read_scenario(scenario), str(scenario))
    say("no model yet: the scenario's is trained now")
    with progress_bars() as bars:
        return model_for(asked, None, settings, bars, ImageDirectory(settings.data))
