"""A scenario as the twin that is up can answer it: patients with images, and one replication."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.language.cases import ImageCases, KnownModel, NominalCases
from simulator.language.scenario import checked, plain
from simulator.language.schema import Scenario
from simulator.language.sources import Source
from twin.errors import ScenarioError

_REPLICATIONS = "replications"


@dataclass(frozen=True, slots=True)
class Fitted:
    """The scenario that is run, and in words what is other about it."""

    scenario: Scenario
    notes: tuple[str, ...]


def fitted(scenario: Scenario, source: str, overrides: Sequence[str] = ()) -> Fitted:
    """Return what is run of a scenario with the twin that is up.

    Parameters:
        source: the file's name, for messages.
        overrides: key=value, as the user gave them.

    Raises:
        ScenarioError: it cannot be run so, whatever twin is up.
    """
    if scenario.sweep is not None:
        reason = (
            "several points would need several twins: fix the values with --set sweep=null and more"
        )
        raise ScenarioError(source, 0, "sweep", f"{reason}, or run it without --attach")
    data: dict[str, Any] = dict(plain(scenario))
    notes = []
    cases = scenario.cases
    if isinstance(cases, NominalCases):
        data["cases"] = _without(data["cases"], "ai") | {"source": "synthetic"}
        notes.append(
            "nominal patients have no image: they got rendered lesions of the same population, and "
            "the twin that is up answers instead of cases.ai"
        )
        if cases.population is None:
            notes.append("the scenario names no population: that of a scenario that says nothing")
    elif cases.bank is not None:
        if isinstance(cases, ImageCases):
            reason = "its answers were there before the run: the twin that is up is asked nothing"
            raise ScenarioError(source, 0, "cases.bank", f"{reason}; leave --attach out")
        data["cases"] = _without(data["cases"], "bank")
        notes.append("without cases.bank: the lesion of every patient is rendered as it comes")
    if not any(one.partition("=")[0].strip().startswith(_REPLICATIONS) for one in overrides):
        asked = scenario.replications
        if asked.max > 1:
            least = "" if asked.min == asked.max else f"{asked.min} to "
            notes.append(
                f"one replication instead of {least}{asked.max}: --set replications=… more"
            )
        data[_REPLICATIONS] = {"min": 1, "max": 1, "confidence": asked.confidence}
    if isinstance(scenario.model, KnownModel):
        notes.append(f"model {scenario.model.id} is named; the one of the twin that is up answers")
    return Fitted(checked(Source(source, data, {})), tuple(notes))


def _without(data: Any, key: str) -> dict[str, Any]:  # noqa: ANN401  plain data
    return {name: value for name, value in data.items() if name != key}
