"""JSON Schema (draft 2020-12) of distributions, by which editors complete and check scenarios.

https://json-schema.org/draft/2020-12; made from the tables that `from_plain` reads by.
"""

import inspect
from collections.abc import Mapping
from typing import Final

from simulator.draws.distributions import (
    DISTRIBUTIONS,
    PUNCTUALITIES,
    Distribution,
    Hyperexponential,
)
from simulator.language.columns import FILE_KEYS
from simulator.language.parameters import DURATION, SIGNED_DURATION, Schema, parameters
from simulator.quantities import UNITS_MIN

# Where the parameters' own examples do not go together.
_EXAMPLES: Final[Mapping[type[Distribution], Mapping[str, object]]] = {
    Hyperexponential: {"mean": "6 min", "sd": "9 min"},
}

_FILE: Final[Mapping[str, Schema]] = {
    "file": {
        "description": "A CSV file with a header, beside the scenario.",
        "type": "string",
        "minLength": 1,
        "examples": ["times.csv"],
    },
    "column": {
        "description": "The column of measured times.",
        "type": "string",
        "minLength": 1,
        "examples": ["read_min"],
    },
    "unit": {
        "description": "The unit of its numbers.",
        "enum": list(UNITS_MIN),
        "examples": ["min"],
    },
}


def json_schema() -> Schema:
    """Return the schema of what `from_plain` reads, and of times in a file."""
    return {
        "description": "How long it takes: a duration, which is a constant, or a distribution.",
        "anyOf": [_constant(signed=False), _object(DISTRIBUTIONS, signed=False)],
        "examples": ["6 min", {"lognormal": {"mean": "6 min", "sd": "2 min"}}],
    }


def punctuality_json_schema() -> Schema:
    """Return the schema of what `punctuality_from_plain` reads."""
    return {
        "description": "How late people come, early when negative: a duration or a distribution.",
        "anyOf": [_constant(signed=True), _object(PUNCTUALITIES, signed=True)],
        "examples": ["-5 min", {"normal": {"mean": "-5 min", "sd": "10 min"}}],
    }


def _object(registry: Mapping[str, tuple[type[Distribution], ...]], *, signed: bool) -> Schema:
    return {
        "description": "Exactly one distribution by its name.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {name: _named(name, registry[name], signed=signed) for name in registry},
    }


def _named(name: str, kinds: tuple[type[Distribution], ...], *, signed: bool) -> Schema:
    if name == "constant":
        return {**_constant(signed=signed), "description": _about(kinds[0])}
    sets = [_set(kind, signed=signed) for kind in kinds]
    if name == "empirical":
        example = {key: _FILE[key]["examples"][0] for key in FILE_KEYS}
        sets.append(_mapping("What was measured, from a file.", _FILE, example))
    return {"description": _about(kinds[0]), "oneOf": sets}


def _set(kind: type[Distribution], *, signed: bool) -> Schema:
    wanted = parameters(kind)
    properties = {key: parameter.schema(signed=signed) for key, parameter in wanted.items()}
    example = _EXAMPLES.get(
        kind, {key: schema["examples"][0] for key, schema in properties.items()}
    )
    return _mapping(_about(kind), properties, example)


def _mapping(about: str, properties: Mapping[str, Schema], example: Mapping[str, object]) -> Schema:
    return {
        "description": about,
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": dict(properties),
        "examples": [dict(example)],
    }


def _constant(*, signed: bool) -> Schema:
    sort, example = (SIGNED_DURATION, "-5 min") if signed else (DURATION, "6 min")
    return {
        "description": "Always the same: a number and a unit (ms, s, min, h, d or w).",
        **sort.schema,
        "examples": [example],
    }


def _about(kind: type[Distribution]) -> str:
    """Return the first sentence of the class's docstring; python -OO has none."""
    return (inspect.getdoc(kind) or kind.__name__).partition("\n")[0]
