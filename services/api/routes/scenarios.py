"""`/v1/scenarios`: the scenarios that come with the server."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.api.job_requests import AtDesk
from services.api.problems import ProblemError, problems
from services.api.security.access import Scope, requires

router = APIRouter(tags=["runs"], dependencies=[Depends(requires(Scope.READ))])


class ScenarioFacts(BaseModel):
    """What a scenario is about."""

    name: str = Field(description="As POST /v1/runs takes it.", examples=["call-centre"])
    about: str = Field(examples=["Ten agents, 126 calls an hour of 5 minutes each."])
    question: str = Field(examples=["What share of the callers hang up?"])
    extends: str | None = Field(description="The file that it changes; null for one of its own.")
    problem: str | None = Field(description="Why it cannot be read; null where it can.")


class ScenarioList(BaseModel):
    """Scenarios by name."""

    scenarios: list[ScenarioFacts]


class ScenarioWhole(ScenarioFacts):
    """A scenario with its text."""

    text: str = Field(description="YAML.", examples=["name: call-centre\n"])


@router.get(
    "/v1/scenarios",
    operation_id="list_scenarios",
    summary="Scenarios that can be run by their name",
    responses=problems(401, 403, 429, 503),
)
def list_scenarios(desk: AtDesk) -> ScenarioList:
    """Return name, about and question of each; none where the server was given no folder."""
    return ScenarioList(scenarios=[ScenarioFacts(**one) for one in desk.catalogue.all()])


@router.get(
    "/v1/scenarios/{name}",
    operation_id="get_scenario",
    summary="A scenario with its text",
    responses=problems(401, 403, 404, 422, 429, 503),
)
def get_scenario(
    name: Annotated[str, Path(max_length=200, examples=["call-centre"])], desk: AtDesk
) -> ScenarioWhole:
    """Return a scenario as it is written."""
    facts, text = desk.catalogue.facts_of(name), desk.catalogue.text_of(name)
    if facts is None or text is None:
        raise ProblemError(404, f"no scenario {name} is known")
    return ScenarioWhole(**{"extends": None, "problem": None, **facts}, text=text)
