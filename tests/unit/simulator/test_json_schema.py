import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from scenarios_by_feature import FEATURES

from simulator.language.json_schema import properties_of, scenario_json_schema
from simulator.language.scenario import load, plain
from simulator.language.yaml_source import parse

SCHEMA = scenario_json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))


def refusals(data: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(data)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_property_has_a_description() -> None:
    found = list(properties_of(SCHEMA))
    assert len(found) > 200
    assert [path for path, schema in found if not schema.get("description")] == []


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_every_scenario_of_the_project_is_valid(path: Path) -> None:
    assert refusals(parse(path.read_text(encoding="utf-8"), path.name).data) == []


@pytest.mark.parametrize("text", FEATURES.values(), ids=FEATURES)
def test_every_feature_is_valid_as_written_and_resolved(text: str) -> None:
    assert refusals(parse(text, "x.yaml").data) == []
    resolved = json.loads(json.dumps(plain(load(text, "x.yaml"))))
    assert refusals(resolved) == []


def test_defaults_stand_as_people_write_them() -> None:
    decision = SCHEMA["$defs"]["DecisionSpec"]["properties"]
    assert decision["missed_delay"]["default"] == "180 d"
    assert SCHEMA["$defs"]["Scenario"]["properties"]["start"]["default"] == "Mon 00:00"


def test_every_default_is_valid_itself() -> None:
    for path, schema in properties_of(SCHEMA):
        if "default" in schema:
            one = Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})
            assert one.is_valid(schema["default"]), path


def test_every_example_is_valid_itself() -> None:
    for path, schema in properties_of(SCHEMA):
        one = Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})
        for example in schema.get("examples", ()):
            assert one.is_valid(example), path


def test_a_file_with_a_base_says_only_what_is_different() -> None:
    part = {"name": "x", "pathway": [{"id": "read", "queue": {"room": 3}}]}
    assert refusals(part)
    assert refusals({"extends": "base.yaml", **part}) == []
    assert refusals({"extends": "base.yaml", "pathway": [{"queue": "ai"}]})  # whose?
    assert refusals({"extends": "base.yaml", "nurses": 1})
