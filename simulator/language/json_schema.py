"""The JSON Schema of a scenario file, by which editors complete, explain and check.

Draft 2020-12 (https://json-schema.org/draft/2020-12), made from the very models that read the
file. What no schema can say, such as that every way leads out, `dermtwin validate` checks.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from simulator.language.complaints import models_in
from simulator.language.distribution_field import json_schema as distribution_schema
from simulator.language.disturbances import ACTIONS
from simulator.language.faults import OUT
from simulator.language.fields import Strict
from simulator.language.form import ScenarioForm
from simulator.language.sources import WHOLE
from simulator.language.stress import PROFILES

Schema = dict[str, Any]

_PARTIAL: Final = "Partial"  # before a definition's name: what a file with a base may say
_DISTRIBUTION: Final[Schema] = distribution_schema()
_EXTENDS: Final[Schema] = {
    "type": "string",
    "minLength": 1,
    "description": "A scenario file to start from; this file says only what is different. Nodes "
    "and classes are matched by their id.",
    "examples": ["baseline-week.yaml"],
}


def _either(*sets: tuple[str, ...]) -> Schema:
    return {"oneOf": [{"required": list(keys)} for keys in sets]}


_WALKED: Final[Schema] = {"pathway": {"minItems": 1, "description": "At least one node."}}

# Keys that are needed together or instead of each other; the models check them in Python.
_NEEDS: Final[Mapping[str, Schema]] = {
    "Scenario": {
        "anyOf": [
            {"required": ["stress"]},
            {"required": ["pathway", "arrivals"], "properties": _WALKED},
            {"required": ["pathway", "classes"], "properties": _WALKED},
        ]
    },
    "PoissonArrivals": _either(("rate_per_h",), ("rate_per_d",)),
    "AppointmentSpec": _either(("at",), ("every", "during")),
    "BatchSpec": _either(("size",), ("mean",), ("sizes", "shares")),
    "NominalAi": _either(("sensitivity", "specificity"), ("roc",)),
    "FaultSpec": _either((OUT,), *((action,) for action in ACTIONS)),
    "ProfileSpec": _either(*((kind,) for kind in PROFILES)),
    "SweepSpec": _either(("grid",), ("ranges", "points")),
    "ClassSpec": _either(("arrivals",), ("share",)),
    "StaffSpec": {"anyOf": [{"required": ["count"]}, {"required": ["roster"]}]},
    "ReplicationSpec": {"dependentRequired": {"precision": ["of"]}},
}


class _Generator(GenerateJsonSchema):
    """Keeps the order in which people wrote the keys."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002 pydantic's
        return value


def scenario_json_schema() -> Schema:
    """Return the schema of a scenario file."""
    whole = ScenarioForm.model_json_schema(by_alias=True, schema_generator=_Generator)
    named: Schema = {"Scenario": whole, **whole.pop("$defs")}
    for name, model in _models().items():
        for key, default in _defaults(model).items():
            named[name]["properties"][key]["default"] = default
    definitions = {name: _tidy(schema) for name, schema in named.items()}
    definitions["Distribution"] = _DISTRIBUTION
    for name, needs in _NEEDS.items():
        definitions[name] |= needs
    definitions |= _partial_definitions(definitions)
    extended = definitions[f"{_PARTIAL}Scenario"]
    extended["properties"] = {"extends": _EXTENDS, **extended["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dermtwin scenario",
        "description": "A clinic, what happens to it, and what is asked of it.",
        "type": "object",
        "properties": {"extends": _EXTENDS},
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/{_PARTIAL}Scenario"},
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": definitions,
    }


def _models() -> dict[str, type[Strict]]:
    """Return the models by the names of their definitions."""
    found: dict[str, type[Strict]] = {}
    edge: list[type[Strict]] = [ScenarioForm]
    while edge:
        model = edge.pop()
        name = "Scenario" if model is ScenarioForm else model.__name__
        if name not in found:
            found[name] = model
            for field in model.model_fields.values():
                edge += models_in(field.annotation)
    found.pop("Gate")  # is text in a file
    return found


def _defaults(model: type[Strict]) -> dict[str, object]:
    """Return the defaults of a model as a file would state them; None is none."""
    given = {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in model.model_fields.items()
        if not field.is_required()
    }
    # Not validated: serialisation alone turns minutes back into what people write.
    made = model.model_construct(**given)
    return made.model_dump(include=set(given), by_alias=True, exclude_none=True, mode="json")


def _tidy(schema: Any, *, names: bool = False) -> Any:  # noqa: ANN401  JSON
    """Return a part of pydantic's schema without what only pydantic needs.

    `names` says that the keys are names of properties, not words of JSON Schema.
    """
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {key: _tidy(value) for key, value in schema.items()}
    if schema.get("anyOf") == _DISTRIBUTION["anyOf"]:
        about = {k: v for k, v in schema.items() if k not in {"anyOf", "title", "examples"}}
        return {"$ref": "#/$defs/Distribution", **about}
    found: Schema = {}
    for key, value in schema.items():
        if key in {"examples", "const", "enum", "required"}:
            found[key] = value
        elif key == "default":
            if value is not None:
                found[key] = value
        elif key not in {"title", "discriminator"}:
            found[key] = _tidy(value, names=key in {"properties", "patternProperties", "$defs"})
    if "patternProperties" in found:
        found["additionalProperties"] = False
    return found


def _partial_definitions(definitions: Mapping[str, Schema]) -> Schema:
    """Return definitions of what a file with a base says: nothing is required but an id.

    Values that replace the base's as a whole stay as they are.
    """
    found: Schema = {}

    def partial(part: Any) -> Any:  # noqa: ANN401  JSON
        if isinstance(part, list):
            return [partial(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return {**part, "$ref": add(part["$ref"].rpartition("/")[2])}
        changed = {
            key: value if key in {"default", "examples", "const", "enum"} else partial(value)
            for key, value in part.items()
            if key not in {"required", "properties", "oneOf", "dependentRequired"}
        }
        if "properties" in part:
            changed["properties"] = {
                key: value if key in WHOLE else partial(value)
                for key, value in part["properties"].items()
            }
            if "id" in part.get("required", ()):
                changed["required"] = ["id"]
        if "oneOf" in part and "properties" not in part:
            changed["anyOf"] = partial(part["oneOf"])
        return changed

    def add(name: str) -> str:
        if name == "Distribution":
            return f"#/$defs/{name}"
        if f"{_PARTIAL}{name}" not in found:
            found[f"{_PARTIAL}{name}"] = {}  # now, for those that lead back to it
            needless = set(_NEEDS.get(name, {}))
            whole = {k: v for k, v in definitions[name].items() if k not in needless}
            found[f"{_PARTIAL}{name}"].update(partial(whole))
        return f"#/$defs/{_PARTIAL}{name}"

    add("Scenario")
    return found


def properties_of(schema: Any, path: str = "") -> Iterator[tuple[str, Schema]]:  # noqa: ANN401  JSON
    """Yield the path and the schema of every property in a schema."""
    if isinstance(schema, list):
        for place, item in enumerate(schema):
            yield from properties_of(item, f"{path}/{place}")
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key in {"properties", "$defs"}:
                for name, inner in value.items():
                    if key == "properties":
                        yield f"{path}/{name}", inner
                    yield from properties_of(inner, f"{path}/{name}")
            elif key not in {"default", "examples", "const", "enum"}:
                yield from properties_of(value, f"{path}/{key}")
