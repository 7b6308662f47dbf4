"""Whatever somebody writes: one error that names the place and the value, and nothing else."""

import os
from pathlib import Path

import pytest
import typer
from broken_scenarios import BASE, BROKEN, Broken
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from services.commands.validate import validate
from simulator.language.json_schema import scenario_json_schema
from simulator.language.scenario import load
from simulator.language.yaml_source import parse
from twin.errors import ScenarioError

each = pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(validate)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(scenario_json_schema())


def written(broken: Broken, folder: Path) -> Path:
    for name, text in broken.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / "broken.yaml"
    path.write_text(broken.text, encoding="utf-8")
    return path


def test_the_scenario_that_is_broken_is_sound_otherwise() -> None:
    assert load(BASE, "x.yaml").name == "week"
    assert len(BROKEN) == len({broken.name for broken in BROKEN}) >= 45


@each
def test_the_error_names_the_place_and_the_value(broken: Broken, tmp_path: Path) -> None:
    path = written(broken, tmp_path)
    with pytest.raises(ScenarioError) as caught:
        load(broken.text, str(path))
    file, line, key, _ = caught.value.args
    message = str(caught.value).replace(f"{tmp_path}{os.sep}", "")
    assert file == str(path)
    assert broken.key in key
    assert broken.line in {line, None}
    for words in broken.words:
        assert words in message
    assert len(message.splitlines()) < 25
    assert len(message) < 2000
    assert all(sign.isprintable() or sign == "\n" for sign in message)


@each
def test_the_command_line_prints_nothing_and_writes_nothing(
    broken: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(broken, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(APP, [str(path), "--json"])
    # `services.cli.main` turns it into exit code 2; a test of the acceptance suite runs that.
    assert isinstance(result.exception, ScenarioError)
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


@each
def test_the_schema_refuses_what_is_wrong_in_structure(
    broken: Broken, validator: Draft202012Validator
) -> None:
    try:
        data = parse(broken.text, "x.yaml").data
    except ScenarioError:
        return  # no YAML that an editor could hold against a schema
    assert validator.is_valid(data) is not broken.structural
