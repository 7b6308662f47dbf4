"""Pydantic's complaints in words: the path in the file, and a reason with the nearest valid key."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Tag, ValidationError

from simulator.language.fields import Strict
from simulator.language.nearest import nearest
from simulator.language.quantities import QuantityError
from simulator.language.yaml_source import Path

_SHOWN = 80  # characters of a value in a message


def complaints(
    error: ValidationError, model: type[Strict], data: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    """Yield path and reason of each problem."""
    for detail in error.errors(include_url=False):
        path = _in_file(detail["loc"], data)
        context = detail.get("ctx", {})
        for below, reason in context.get("problems") or [_reason(detail, model)]:
            yield (*path, *below), reason


def _in_file(location: Path, data: Any) -> Path:  # noqa: ANN401  YAML
    """Leave out of pydantic's location the names of variants and types, which no file has."""
    path: list[str | int] = []
    here = data
    for place, step in enumerate(location):
        last = place == len(location) - 1
        if (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        ):
            here = here[step]
        elif not (last and isinstance(here, dict) and not str(step).startswith(("<", "["))):
            continue
        path.append(step)
    return tuple(path)


def _reason(detail: Mapping[str, Any], model: type[Strict]) -> tuple[Path, str]:
    """Put one complaint into words: the path below its location, and the reason."""
    location, context = detail["loc"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return (), "is required"
        case "extra_forbidden":
            keys = keys_at(model, location[:-1])
            return (), f"unknown key{nearest(location[-1], keys)} (there are {', '.join(keys)})"
        case "value_error" if isinstance(context["error"], QuantityError):
            return context["error"].args
        case "union_tag_invalid":
            tag, accepted = (
                context[name].replace("<", "").replace(">", "") for name in ("tag", "expected_tags")
            )
            key = {"cases": "source", "model": "learn_from"}.get(str(location[-1]), "")
            return (key,) if key else (), f"expected one of {accepted}, got {tag!r}"
        case "model_type" | "dict_type":
            words = "expected keys and values"
        case "tuple_type":
            words = "expected a list"
        case "too_short":
            return (), "is empty; expected at least one item"
        case _:
            words = detail["msg"].replace("Input should be", "expected")
    shown = repr(detail["input"])
    return (), f"{words}, got {shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + '...'}"


def keys_at(model: type[Strict], location: Path) -> list[str]:
    """Return the keys that are valid at a location of pydantic's, variants included."""
    here: list[Any] = [model]
    for step in location:
        here = [after for one in here for after in _steps(one, step)]
    models = [one for annotation in here for one in _models(annotation)]
    return list(
        dict.fromkeys(
            field.alias or name for one in models for name, field in one.model_fields.items()
        )
    )


def _steps(annotation: Any, step: str | int) -> list[Any]:  # noqa: ANN401  a type
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        tags = [extra.tag for extra in args[1:] if isinstance(extra, Tag)]
        if tags and isinstance(step, str) and step.startswith("<"):
            return [args[0]] if step in tags else []
        return _steps(args[0], step)
    if origin in {Union, UnionType}:
        return [after for one in args for after in _steps(one, step)]
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return [fields[step].annotation] if step in fields else []
    if origin is tuple and isinstance(step, int):
        return [args[0]]
    if origin is dict and isinstance(step, str):
        return [args[1]]
    return []


def _models(annotation: Any) -> list[type[Strict]]:  # noqa: ANN401  a type
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _models(args[0])
    if origin in {Union, UnionType}:
        return [model for one in args for model in _models(one)]
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return [annotation]
    return []
