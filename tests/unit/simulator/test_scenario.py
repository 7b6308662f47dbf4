from pathlib import Path

import pytest
import yaml
from broken_scenarios import BASE
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scenarios_by_feature import CLINIC, FEATURES, queue

from simulator.language.cases import ImageCases, KnownModel, NominalCases, SyntheticModel
from simulator.language.pathway import StaffedNode
from simulator.language.scenario import Scenario, load, plain, resolved
from twin.errors import ScenarioError

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))


def refusal(text: str, *overrides: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        load(text, "x.yaml", overrides)
    return caught.value


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_every_scenario_of_the_project_loads_and_round_trips(path: Path) -> None:
    scenario = load(path.read_text(encoding="utf-8"), str(path))
    assert scenario.name == path.stem
    assert scenario.about
    assert load(resolved(scenario), "resolved") == scenario


@pytest.mark.parametrize("text", FEATURES.values(), ids=FEATURES)
def test_every_feature_loads_and_round_trips(text: str) -> None:
    scenario = load(text, "x.yaml")
    again = load(resolved(scenario), "resolved")
    assert again == scenario
    assert resolved(again) == resolved(scenario)


def test_values_arrive_in_their_units() -> None:
    scenario = load(CLINIC, "x.yaml")
    assert scenario.horizon_min == 2 * 10080
    assert scenario.start_min == 4 * 1440 + 16.5 * 60
    assert scenario.warmup_min == "auto"
    assert isinstance(scenario.cases, NominalCases)
    assert scenario.cases.population is not None
    assert scenario.cases.population.prevalence == 0.125
    read = scenario.pathway[3]
    assert isinstance(read, StaffedNode)
    assert (read.queue.preempt, read.queue.overdue_after_min) == ("resume", 66)
    assert read.service.mean_min == 6
    assert scenario.staff["room"].count == 2
    assert [gate.bound for gate in scenario.gates] == [4320, 0.15, 0.8, 0]
    assert scenario.gates[0].metric == "wait.read.p95{class=urgent}"


def test_short_forms_are_their_long_ones() -> None:
    short = queue(queue="priority", more="replications: 7\n")
    long = queue(queue="{order: priority}", staff="{count: 1}")
    assert load(short, "x") == load(long + "replications: {min: 7, max: 7}\n", "x")


def test_a_precision_may_take_a_hundred_replications_unless_it_says_otherwise() -> None:
    text = queue("replications: {min: 2, precision: 0.1, of: [wait.desk.mean]}\n")
    assert load(text, "x").replications.max == 100


def test_variants() -> None:
    images = load(FEATURES["known model"], "x.yaml")
    assert isinstance(images.cases, ImageCases)
    assert images.model == KnownModel(id="1e3")
    assert load(BASE, "x.yaml").model == SyntheticModel(cases=600, seed=7)


def test_the_operating_point_is_the_models_own_or_a_number() -> None:
    assert load(BASE, "x.yaml").operating_point is None
    assert load(BASE + "decision: {threshold: 30 %}\n", "x.yaml").operating_point == 0.3


def test_resolved_writes_out_every_default() -> None:
    text = resolved(load(BASE, "x.yaml"))
    for written in ("weight_of_ai: 0.5", "clock: virtual", "seed: 1", "I-II: 0.5", "order: ai"):
        assert written in text


def test_all_problems_are_shown_in_the_order_of_the_file() -> None:
    text = BASE.replace("7 d", "7").replace("rate_per_h: 6", "rate_per_h: 0")
    lines = str(refusal(text.replace("nurse: 1", "nurse: x"))).splitlines()
    assert lines[0] == "x.yaml: 3 problems"
    assert [line.split(":")[1] for line in lines[1:]] == ["2", "4", "10"]


def test_one_problem_stands_alone() -> None:
    assert refusal(BASE.replace("7 d", "7")).args[:3] == ("x.yaml", 2, "horizon")


def test_a_misspelt_key_is_one_problem_not_two() -> None:
    assert "problems" not in str(refusal(BASE.replace("horizon", "horizn")))
    assert "problems" not in str(refusal(BASE.replace("service: 6", "servce: 6")))


def test_a_list_whose_only_item_is_wrong_is_not_called_empty() -> None:
    assert "is empty" not in str(refusal(queue(service="5")))
    assert "is empty" in str(refusal(queue("gates: []\nclasses: []\nsweep: {seed: []}\n")))


def test_a_scenario_made_in_python_is_checked_as_well() -> None:
    data = dict(plain(load(BASE, "x.yaml")))
    assert Scenario.model_validate(data) == load(BASE, "x.yaml")
    del data["horizon"]
    with pytest.raises(ValidationError, match="arrivals never end"):
        Scenario.model_validate(data)


def test_a_scenario_does_not_change() -> None:
    with pytest.raises(ValidationError):
        load(BASE, "x.yaml").seed = 3


WORDS = st.sampled_from(["", "x", "read", "end", "6 min", "8 %", "otherwise", "{", "-1", "~"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def keys_of(data: object, prefix: str = "") -> list[str]:
    found = [prefix] if prefix else []
    items = enumerate(data) if isinstance(data, list) else ()
    for key, value in data.items() if isinstance(data, dict) else items:
        found += keys_of(value, f"{prefix}.{key}" if prefix else str(key))
    return found


@settings(max_examples=120, deadline=None)
@given(key=st.sampled_from(keys_of(yaml.safe_load(CLINIC))), value=VALUES)
def test_whatever_stands_at_a_key_loads_or_is_one_error(key: str, value: object) -> None:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True)
    override = f"{key}={text.removesuffix('...').strip()}".replace(chr(10), " ")
    try:
        scenario = load(CLINIC, "x.yaml", [override])
    except ScenarioError as error:
        assert len(str(error)) < 2000
    else:
        assert load(resolved(scenario), "resolved") == scenario
