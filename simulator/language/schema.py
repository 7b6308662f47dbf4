"""A sound scenario."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from simulator.language.checks import problems
from simulator.language.form import ScenarioForm


class Scenario(ScenarioForm):
    """One clinic, what happens to it, and what is asked of it; checked however it was made."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        found = list(problems(self))
        if found:
            words = "; ".join(reason for _, reason in found)
            raise PydanticCustomError("scenario", "{words}", {"words": words, "problems": found})
        return self
