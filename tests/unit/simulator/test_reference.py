import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from services.exits import Exit
from simulator.draws.distributions import DISTRIBUTIONS
from simulator.language.json_schema import scenario_json_schema
from simulator.language.reference import reference
from simulator.language.reference_sections import SECTIONS
from simulator.language.reference_text import EXITS
from simulator.language.scenario import load
from simulator.language.yaml_source import parse

PAGE = Path(__file__).parents[3] / "docs" / "scenario-reference.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", reference(), flags=re.DOTALL)
FIRST = BLOCKS[0]
FILES = {
    "small-clinic.yaml": FIRST,
    "arrivals.csv": "arrival\n2024-03-04 08:15\n2024-03-05 09:00\n",
    "times.csv": "read_min\n5\n6.5\n",
}


def title_of(block: str) -> str:
    return block.splitlines()[0]


def test_the_page_is_the_one_that_is_committed() -> None:
    committed = PAGE.read_text(encoding="utf-8")
    how = "dermtwin schema --reference > docs/scenario-reference.md"
    assert committed == reference(), f"make it again: {how}"
    assert how in committed


def whole(block: str) -> str:
    """Lay an example over the first scenario, whose keys it replaces; a whole one stands alone."""
    given = parse(block, "x.yaml").data
    if "name" in given:
        return block
    kept = [
        part
        for part in re.split(r"^(?=[a-z_]+:)", FIRST, flags=re.MULTILINE)
        if part.partition(":")[0] not in given
        and not (part.startswith("gates:") and "pathway" in given and "id: read" not in block)
    ]
    return "".join(kept) + block


@pytest.mark.parametrize("block", BLOCKS, ids=title_of)
def test_every_example_is_a_sound_scenario(block: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    text = whole(block)
    assert load(text, str(tmp_path / "x.yaml"))
    data = parse(text, "x.yaml").data
    assert Draft202012Validator(scenario_json_schema()).is_valid(data)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_distribution_is_shown_as_it_can_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text(FILES["times.csv"], encoding="utf-8")
    page = reference().partition("## Distributions")[2]
    [row] = [line for line in page.splitlines() if line.startswith(f"| `{name}` | ")]
    written = re.findall(r"`(\{.*?\})`", row)
    assert written
    for text in written:
        scenario = FIRST.replace("service: 20 min", f"service: {text}")
        assert load(scenario, str(tmp_path / "x.yaml"))


def test_every_link_leads_to_a_heading() -> None:
    titles = re.findall(r"^#+ (.*)$", reference(), flags=re.MULTILINE)
    anchors = {
        "".join(s for s in title.lower() if s.isalnum() or s in " -_").replace(" ", "-")
        for title in titles
    }
    links = set(re.findall(r"\]\(#(.*?)\)", reference()))
    assert links
    assert links <= anchors


def test_every_definition_has_its_table_and_every_exit_its_line() -> None:
    definitions = scenario_json_schema()["$defs"]
    tabled = {name for section in SECTIONS for name in section.tables}
    complete = {name for name in definitions if not name.startswith("Partial")}
    assert tabled == complete - {"Distribution"}
    assert set(EXITS) == {*map(int, Exit), 130}
