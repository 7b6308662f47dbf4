"""A scenario file in and out: text to a sound `Scenario`, or one error that lists all problems."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from simulator.draws.distributions import nearest
from simulator.language.fields import Strict
from simulator.language.quantities import QuantityError
from simulator.language.schema import VARIANTS, Scenario
from simulator.language.yaml_source import Located, Path, dotted, dump, parse
from twin.errors import ScenarioError

__all__ = ["Scenario", "load", "resolved"]


def load(text: str, source: str) -> Scenario:
    """Return the scenario that `text` holds.

    Parameters:
        text: YAML, as docs and scenarios/ show it.
        source: the file's name, for messages.

    Raises:
        ScenarioError: with file, line, dotted key and value; if there are several problems, its
            reason lists them, a line each, in the order of the file.
    """
    located = parse(text, source)
    try:
        return Scenario.model_validate(located.data)
    except ValidationError as error:
        problems = sorted(_problems(error, located), key=lambda problem: problem[0])
    if len(problems) == 1:
        raise ScenarioError(source, *problems[0])
    listed = [str(ScenarioError(source, *problem)) for problem in problems]
    raise ScenarioError(source, 0, "", "\n  ".join([f"{len(listed)} problems", *listed]))


def resolved(scenario: Scenario) -> str:
    """Return the scenario as YAML with every default written out; it loads to an equal one."""
    return dump(scenario.model_dump(by_alias=True, exclude_none=True))


def _problems(error: ValidationError, located: Located) -> Iterator[tuple[int, str, str]]:
    for detail in error.errors(include_url=False):
        location, context = detail["loc"], detail.get("ctx", {})
        # Pydantic's locations name the variant, and mark faults of a key; no file has either.
        path = tuple(s for s in location if not str(s).startswith("<") and s != "[key]")
        for below, reason in context.get("problems") or [_reason(detail)]:
            full = (*path, *below)
            yield located.line_of(full), dotted(full), reason


def _reason(detail: Mapping[str, Any]) -> tuple[Path, str]:
    """Put one of pydantic's complaints into words: the path below its location, and the reason."""
    location, context = detail["loc"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return (), "is required"
        case "extra_forbidden":
            keys = _keys_at(location[:-1])
            return (), f"unknown key{nearest(location[-1], keys)} (there are {', '.join(keys)})"
        case "value_error" if isinstance(context["error"], QuantityError):
            return context["error"].args
        case "union_tag_invalid":
            tag, accepted = (
                context[name].replace("<", "").replace(">", "") for name in ("tag", "expected_tags")
            )
            key = {"cases": "source", "model": "learn_from"}[location[0]]
            return (key,), f"expected one of {accepted}, got {tag!r}"
        case "model_type" | "dict_type":
            words = "expected keys and values"
        case "tuple_type":
            words = "expected a list"
        case _:
            words = detail["msg"].replace("Input should be", "expected")
    shown = repr(detail["input"])
    return (), f"{words}, got {shown if len(shown) <= 80 else shown[:77] + '...'}"


def _keys_at(location: Path) -> list[str]:
    """Return the keys that are valid where pydantic found an unknown one."""
    here: Any = Scenario
    for step in location:
        if isinstance(step, str) and step.startswith("<"):
            here = VARIANTS[str(location[0])][step]
        elif isinstance(here, type) and issubclass(here, Strict):
            fields = {field.alias or name: field for name, field in here.model_fields.items()}
            here = fields[str(step)].annotation
        elif isinstance(step, str):  # a mapping of free keys
            here = get_args(get_args(here)[-1])[0]  # dict[str, Annotated[Model, ...]]
    return [field.alias or name for name, field in here.model_fields.items()]
