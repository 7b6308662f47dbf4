"""Patient classes: groups with their own arrivals, attributes, services, routes and priorities."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from simulator.language.arrivals import ArrivalSpec
from simulator.language.fields import Identifier, Service, Share, Strict
from simulator.language.parameters import SHARE
from simulator.language.pathway import Routes
from simulator.language.populations import PopulationSpec
from simulator.quantities import QuantityError, parse_share


def _attribute(value: object) -> object:
    """Take a share of patients who have the attribute, or the shares of its values."""
    if not isinstance(value, Mapping):
        return {"yes": parse_share(value)}
    shares = {str(name): parse_share(share) for name, share in value.items()}
    total = sum(shares.values())
    if abs(total - 1) > 1e-6 and list(shares) != ["yes"]:
        raise QuantityError((), f"shares sum to {total:.6g}, expected 1")
    return shares


Attribute = Annotated[
    dict[str, float],
    BeforeValidator(_attribute),
    Field(
        description="Share of patients who have it, or its values with their shares.",
        examples=[0.3, {"walk": 0.8, "chair": 0.2}],
    ),
    WithJsonSchema(
        {
            "anyOf": [
                *SHARE.schema["anyOf"],
                {"type": "object", "minProperties": 1, "additionalProperties": SHARE.schema},
            ]
        }
    ),
]


class ClassSpec(Strict):
    """A group of patients that differs from the others."""

    id: Identifier = Field(description="Name of the class.")
    arrivals: ArrivalSpec | None = Field(default=None, description="When they come.")
    share: Share | None = Field(
        default=None, description="Share of the scenario's arrivals that belong to this class."
    )
    enter: str | None = Field(default=None, description="Their first node; else the pathway's.")
    priority: int | dict[str, int] = Field(
        default=0,
        description="With order: priority; smaller goes first. One number, or one for each node.",
    )
    population: PopulationSpec | None = Field(
        default=None, description="Who they are; else cases.population."
    )
    attributes: dict[Identifier, Attribute] = Field(
        default={}, description="What routes can ask for beside the facts of every patient."
    )
    service: dict[str, Service] = Field(
        default={}, description="Node and how long the work takes for this class."
    )
    then: dict[str, Routes] = Field(
        default={}, description="Node and where this class goes from there."
    )
    patience: dict[str, Service] = Field(
        default={}, description="Node and how long this class waits there before it leaves."
    )
