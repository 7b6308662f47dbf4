"""A scenario that somebody else wrote reads nothing but what lies in one folder."""

from pathlib import Path

import pytest

from simulator.language.reach import Reach
from simulator.language.scenario import load, look_over

BASE = """\
name: base
horizon: 2 h
cases: {source: nominal}
arrivals: {rate_per_h: 10}
pathway:
  - {id: call, staff: agent, service: 5 min, then: end}
staff: {agent: 2}
"""
CSV = "minutes\n5\n6\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of scenarios with files beside it, and links that lead to them."""
    inside = tmp_path / "scenarios"
    (inside / "data").mkdir(parents=True)
    (inside / "base.yaml").write_text(BASE)
    (inside / "data" / "times.csv").write_text(CSV)
    (tmp_path / "secret.yaml").write_text(BASE)
    (tmp_path / "secret.csv").write_text(CSV)
    for name in ("secret.yaml", "secret.csv"):
        (inside / f"link-{name}").symlink_to(tmp_path / name)
    (inside / "up").symlink_to(tmp_path)
    monkeypatch.chdir(inside)
    return inside


@pytest.mark.parametrize(
    "name",
    [
        "../secret.yaml",
        "../../../../../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "link-secret.yaml",
        "up/secret.yaml",
        "data/../../secret.yaml",
        "..",
        "~/x",
        "a\0b",
    ],
)
def test_a_base_outside_is_not_read(folder: Path, name: str) -> None:
    text = f'extends: "{name}"\nname: x\n'.replace("\0", "\\0")
    scenario, found = look_over(text, "posted", (), Reach(Path()))
    assert scenario is None
    [one] = found
    assert (one.source, one.line, one.key) == ("posted", 1, "extends")
    assert str(folder.parent) not in one.message
    assert "root:" not in one.message


def test_a_base_inside_may_not_lead_outside(folder: Path) -> None:
    (folder / "middle.yaml").write_text("extends: ../secret.yaml\nname: middle\n")
    scenario, found = look_over("extends: middle.yaml\nname: x\n", "posted", (), Reach(Path()))
    assert scenario is None
    assert "outside the folder" in found[0].message
    # Of one's own, it may.
    assert load("extends: middle.yaml\nname: x\n", str(folder / "own.yaml")).name == "x"


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "link-secret.csv", "up/no.csv"])
@pytest.mark.parametrize("how", ["service", "replay", "override"])
def test_no_table_outside_is_read_or_asked_for(folder: Path, name: str, how: str) -> None:
    table = f"{{file: {name}, column: minutes, unit: min}}"
    text, overrides = "extends: base.yaml\nname: x\n", []
    if how == "service":
        text += f"pathway:\n  - {{id: call, service: {{empirical: {table}}}}}\n"
    elif how == "replay":
        text += f"arrivals: {{replay: {table}}}\n"
    else:
        overrides = [f"arrivals={{replay: {table}}}"]
    scenario, found = look_over(text, "posted", overrides, Reach(Path()))
    assert scenario is None
    assert found[0].key.endswith("file")
    # The same words whether the file is there or not.
    assert f"'{name}' lies outside the folder of scenarios" in found[0].message


def test_what_lies_inside_is_read_and_written_out(folder: Path) -> None:
    table = "{file: data/times.csv, column: minutes, unit: min}"
    text = f"extends: base.yaml\nname: x\narrivals: {{replay: {table}}}\n"
    scenario, found = look_over(text, "posted", (), Reach(Path()))
    assert scenario is not None, found


def test_each_complaint_has_its_line_key_and_value() -> None:
    text = BASE + "staf: 1\n" + "seed: -3\n"
    scenario, found = look_over(text.replace("agent: 2", "agent: -2"), "posted")
    assert scenario is None
    assert [(one.line, one.key, one.value) for one in found] == [
        (7, "staff.agent", "-2"),
        (8, "staf", "1"),
        (9, "seed", "-3"),
    ]
