"""Whatever somebody writes: one error that names the place and the value, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from broken_scenarios import BASE, BROKEN, Broken
from broken_stress import BROKEN_STRESS, CONSTANT, LOADED
from jsonschema import Draft202012Validator

from simulator.language.json_schema import scenario_json_schema
from simulator.language.scenario import load
from simulator.language.yaml_source import parse
from twin.errors import ScenarioError

ALL = [*BROKEN, *BROKEN_STRESS]
each = pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)


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
    assert load(LOADED + CONSTANT, "x.yaml").stress
    assert len(ALL) == len({broken.name for broken in ALL}) >= 45


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


# All in one process: the command line of a process of its own takes a second to start.
_MANY = """
import json, os, sys
from pathlib import Path
from services.cli import main
codes = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    for command in ("validate", "run"):
        os.chdir(folder)
        sys.argv = ["dermtwin", command, "broken.yaml", "--json"]
        try:
            main()
        except SystemExit as end:
            codes[f"{command} {folder.name}"] = end.code
        except BaseException as error:
            codes[f"{command} {folder.name}"] = repr(error)
sys.stderr.write("\\n" + json.dumps(codes))
"""


def test_the_command_line_says_2_prints_nothing_and_writes_nothing(tmp_path: Path) -> None:
    for number, broken in enumerate(ALL):
        (tmp_path / f"{number:03}").mkdir()
        written(broken, tmp_path / f"{number:03}")
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", _MANY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    codes = json.loads(done.stderr.splitlines()[-1])
    assert len(codes) == 2 * len(ALL)
    assert {key: code for key, code in codes.items() if code != 2} == {}
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
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
