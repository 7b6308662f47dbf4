"""Pydantic's complaints in words: the path in the file, and a reason with the nearest valid key."""

import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import Tag, ValidationError

from simulator.language.fields import Strict
from simulator.language.nearest import near, nearest
from simulator.language.words import listed, shown
from simulator.language.yaml_source import Path
from simulator.quantities import QuantityError

# Pydantic's types of errors in plain words: https://docs.pydantic.dev/latest/errors/validation_errors
_BOUNDS: Final[Mapping[str, str]] = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}
_KINDS: Final[Mapping[str, str]] = {
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "tuple_type": "expected a list, as in [a, b]",
    "finite_number": "expected a finite number",
    "string_too_short": "expected at least one character",
}
# What a value can be instead of keys and values.
_SHORT_FORMS: Final[Mapping[str, str]] = {
    "StaffSpec": "a number of people, or ",
    "QueueSpec": "an order, or ",
    "ReplicationSpec": "a number, or ",
}


def complaints(
    error: ValidationError, model: type[Strict], data: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    """Yield path and reason of each problem."""
    details = error.errors(include_url=False)
    meant = {
        (*detail["loc"][:-1], key)
        for detail in details
        if detail["type"] == "extra_forbidden"
        for key in [near(detail["loc"][-1], keys_at(model, detail["loc"][:-1]))]
    }
    for detail in details:
        if detail["type"] == "missing" and detail["loc"] in meant:
            continue  # it is there, misspelt: one problem, not two
        if detail["type"] == "too_short" and detail["input"]:
            continue  # pydantic counts sound items alone; the others have problems of their own
        path = _in_file(detail["loc"], data)
        context = detail.get("ctx", {})
        for below, reason in context.get("problems") or [_reason(detail, model)]:
            yield _numbered((*path, *below), data), reason


def _numbered(path: Path, data: Any) -> Path:  # noqa: ANN401  YAML
    """Return a path whose list items are named by numbers, not by their digits."""
    found: list[str | int] = []
    here: Any = data
    for step in path:
        inside = isinstance(here, list) and isinstance(step, str) and step.isdigit()
        found.append(int(step) if inside else step)
        try:
            here = here[found[-1]]
        except (KeyError, IndexError, TypeError):
            here = None
    return tuple(found)


def _in_file(location: Path, data: Any) -> Path:  # noqa: ANN401  YAML
    """Leave out of pydantic's location the names of variants and types, which no file has."""
    path: list[str | int] = []
    here: Any = data
    for place, step in enumerate(location):
        last = place == len(location) - 1
        inside = isinstance(here, list) and isinstance(step, int) and step < len(here)
        if inside or (isinstance(here, dict) and step in here):
            here = here[step]
        elif not (last and isinstance(here, dict) and not str(step).startswith(("<", "["))):
            continue
        path.append(step)
    return tuple(path)


def _reason(detail: Mapping[str, Any], model: type[Strict]) -> tuple[Path, str]:
    """Put one complaint into words: the path below its location, and the reason."""
    context = detail.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, QuantityError):
        return cause.args[0], cause.args[1]
    match detail["type"]:
        case "missing":
            return (), "is required"
        case "extra_forbidden":
            word, keys = detail["loc"][-1], keys_at(model, detail["loc"][:-1])
            return (), f"unknown key{nearest(word, keys) or f' (known: {listed(keys)})'}"
        case "too_short":
            return (), "is empty; expected at least one item"
        case "union_tag_invalid":
            key = {"cases": "source", "model": "learn_from"}.get(str(detail["loc"][-1]))
            return (key,) if key else (), _of_tags(context)
    return (), f"{_expected(detail, model)}, got {shown(detail['input'])}{_near(detail)}"


def _of_tags(context: Mapping[str, Any]) -> str:
    tags = re.findall("<(.*?)>", context["expected_tags"])
    tag = context["tag"].strip("<>")
    return f"expected one of {', '.join(tags)}, got {shown(tag)}{nearest(tag, tags)}"


def _expected(detail: Mapping[str, Any], model: type[Strict]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in {"model_type", "dict_type"}:
        keys = keys_at(model, detail["loc"])
        such = f" such as {listed(keys[:3])}" if keys else ""
        return (
            f"expected {_SHORT_FORMS.get(context.get('class_name', ''), '')}keys and values{such}"
        )
    if kind in _BOUNDS:
        return f"expected {_BOUNDS[kind]} {next(iter(context.values())):g}"
    return _KINDS.get(kind) or detail["msg"].replace("Input should be", "expected")


def _near(detail: Mapping[str, Any]) -> str:
    accepted = detail.get("ctx", {}).get("expected", "")  # of a literal: 'a', 'b' or 'c'
    return nearest(detail["input"], re.findall("'(.*?)'", str(accepted)))


def keys_at(model: type[Strict], location: Path) -> list[str]:
    """Return the keys that are valid at a location of pydantic's, variants included."""
    here: list[Any] = [model]
    for step in location:
        here = [after for one in here for after in _steps(one, step)]
    models = [one for annotation in here for one in models_in(annotation)]
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
    inner = {(tuple, int): 0, (dict, str): 1}.get((origin, type(step)))
    return [] if inner is None else [args[inner]]


def models_in(annotation: Any) -> list[type[Strict]]:  # noqa: ANN401  a type
    """Return the models that a field's annotation names, those of items and values included."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return [annotation]
    return [model for one in get_args(annotation) for model in models_in(one)]
