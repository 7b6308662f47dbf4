"""The schema that editors check scenarios by takes what the reader takes."""

import json
import re
from collections.abc import Iterator, Mapping

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.draws.distributions import DISTRIBUTIONS
from simulator.language.distribution_field import (
    from_plain,
    json_schema,
    parse_signed_duration,
    punctuality_from_plain,
    punctuality_json_schema,
)
from simulator.language.parameters import DURATION_PATTERN, SIGNED_PATTERN
from simulator.quantities import QuantityError, parse_duration

SCHEMA = jsonschema.Draft202012Validator(json_schema())
SIGNED_SCHEMA = jsonschema.Draft202012Validator(punctuality_json_schema())
MIXED = {"values": ["5 min", "1 h"], "shares": [0.9, "10 %"]}


def _subschemas(schema: object) -> Iterator[Mapping[str, object]]:
    if isinstance(schema, Mapping):
        yield schema
        for value in schema.values():
            yield from _subschemas(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _subschemas(value)


@pytest.mark.parametrize("schema", [json_schema(), punctuality_json_schema()])
def test_the_schema_is_one_and_its_examples_are_sound(schema: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    json.dumps(schema)
    described = 0
    for part in _subschemas(schema):
        if "examples" in part:
            described += bool(part["description"])
            for example in part["examples"]:
                jsonschema.Draft202012Validator(part).validate(example)
    assert described >= 5


def test_examples_of_every_set_of_parameters_are_read() -> None:
    named = json_schema()["anyOf"][1]["properties"]
    assert list(named) == list(DISTRIBUTIONS)
    for name, kinds in DISTRIBUTIONS.items():
        if name == "constant":
            continue
        sets = named[name]["oneOf"][: len(kinds)]
        read = [from_plain({name: example}) for part in sets for example in part["examples"]]
        assert [type(distribution) for distribution in read] == list(kinds)


@pytest.mark.parametrize("value", ["6 min", {"constant": "0 s"}, {"discrete": MIXED}], ids=str)
def test_the_schema_takes_what_is_read(value: object) -> None:
    SCHEMA.validate(value)
    from_plain(value)


@pytest.mark.parametrize("value", ["-6 min", {"normal": {"mean": "-6 min", "sd": "1 h"}}], ids=str)
def test_the_schema_of_punctuality_takes_what_is_read(value: object) -> None:
    SIGNED_SCHEMA.validate(value)
    punctuality_from_plain(value)
    assert not SCHEMA.is_valid(value)


def test_the_schema_takes_files() -> None:
    SCHEMA.validate({"empirical": {"file": "times.csv", "column": "read", "unit": "min"}})


@pytest.mark.parametrize(
    "value",
    [
        6,
        "6",
        {},
        {"gamma": {}},
        {"gamma": {"mean": "6 min"}},
        {"gamma": {"mean": "6 min", "sd": "1 min", "shape": 2}},
        {"gamma": {"mean": "6 min", "sd": 1}},
        {"lognormal": {"mean": "6 min", "sigma": 0.4}},
        {"lognormal": {"median": "6 min", "sigma": 0}},
        {"erlang": {"phases": 0, "mean": "6 min"}},
        {"constant": "6 min", "exponential": {"mean": "6 min"}},
        {"empirical": {"values": []}},
        {"empirical": {"file": "times.csv", "column": "read", "unit": "minutes"}},
    ],
    ids=str,
)
def test_the_schema_refuses_what_is_refused(value: object) -> None:
    assert not SCHEMA.is_valid(value)
    with pytest.raises(QuantityError):
        from_plain(value)


@settings(max_examples=60)  # strings from patterns are slow to make
@given(
    text=st.from_regex(DURATION_PATTERN.replace(r"\s", " "))
    | st.text(alphabet="0123456789.eE+- dwhmins", max_size=9)
)
def test_the_schema_and_the_reader_agree_on_durations(text: str) -> None:
    for pattern, parse in (
        (DURATION_PATTERN, parse_duration),
        (SIGNED_PATTERN, parse_signed_duration),
    ):
        try:
            parse(text)
        except QuantityError as error:
            # Beyond the largest double: no pattern can tell.
            assert not re.search(pattern, text) or "too long" in error.args[1]
        else:
            assert re.search(pattern, text)
