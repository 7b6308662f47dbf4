from pathlib import Path

import pytest
from pydantic import ValidationError

from simulator.language.scenario import Scenario, load, resolved
from simulator.language.schema import ImageCases, KnownModel, SyntheticModel
from twin.errors import ScenarioError

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))

BASE = """\
name: week
horizon: 7 d
cases:
  source: synthetic
arrivals:
  rate_per_h: 6
pathway:
  - {id: imaging, staff: nurse, service: 6 min, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service:
      gamma:
        mean: 9 min
        sd: 4 min
    queue: ai
    then: end
staff:
  nurse: 1
  reader: 1
decision:
  threshold: model
"""


def refusal(text: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        load(text, "x.yaml")
    return caught.value


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_every_scenario_of_the_project_loads_and_round_trips(path: Path) -> None:
    scenario = load(path.read_text(encoding="utf-8"), path.name)
    assert scenario.name == path.stem
    assert scenario.about
    assert load(resolved(scenario), "resolved") == scenario


def test_the_project_has_its_two_first_scenarios() -> None:
    assert {"first-clinic.yaml", "isic-clinic.yaml"} <= {path.name for path in SCENARIOS}


def test_values_arrive_in_their_units() -> None:
    scenario = load(BASE, "x.yaml")
    assert scenario.horizon_min == 10080.0
    assert [node.id for node in scenario.pathway] == ["imaging", "ai", "read"]
    assert scenario.pathway[2].service.mean_min == 9.0
    assert scenario.staff["nurse"].count == 1


def test_resolved_writes_out_every_default() -> None:
    text = resolved(load(BASE, "x.yaml"))
    for written in (
        "prevalence: 0.08",
        "I-II: 0.5",
        "weight_of_ai: 0.5",
        "clock: virtual",
        "seed: 1",
    ):
        assert written in text


@pytest.mark.parametrize(
    "change",
    [
        ("threshold: model", "threshold: 35 %"),
        ("queue: ai", "queue: fifo"),
        ("name: week", "name: week\nabout: 'é: \"#'\nclock: real\nspeed: 1.0e-7"),
        ("horizon: 7 d", "horizon: 0.1 s"),
        ("cases:\n  source: synthetic", "cases: {count: 5, population: {prevalence: 8 %}}"),
        (
            "cases:\n  source: synthetic",
            "cases: {source: images, images: {split: all}}\nmodel: {id: '1e3'}",
        ),
        ("service: 6 min", "service: {triangular: {low: 1 s, mode: 1 s, high: 9.7 min}}"),
    ],
)
def test_resolved_scenarios_are_equal(change: tuple[str, str]) -> None:
    assert change[0] in BASE
    scenario = load(BASE.replace(*change), "x.yaml")
    assert load(resolved(scenario), "resolved") == scenario


def test_variants() -> None:
    text = BASE.replace("  source: synthetic", "  source: images\n  count: 5")
    scenario = load(text + "model: {id: abc}\n", "x.yaml")
    assert isinstance(scenario.cases, ImageCases)
    assert scenario.cases.images.split == "test"
    assert scenario.model == KnownModel(id="abc")
    assert load(BASE, "x.yaml").model == SyntheticModel(cases=600, seed=7)


def test_the_operating_point_is_the_models_own_or_a_number() -> None:
    assert load(BASE, "x.yaml").operating_point is None
    text = BASE.replace("threshold: model", "threshold: 0.3")
    assert load(text, "x.yaml").operating_point == 0.3


def test_offered_load() -> None:
    # 6 an hour: 6 minutes each is 0.6 of a nurse, 9 minutes each 0.9 of a reader.
    assert load(BASE, "x.yaml").offered_load() == pytest.approx({"nurse": 0.6, "reader": 0.9})


# What is replaced, what by, then line, key and words of the error.
BROKEN = [
    ("rate_per_h", "rate", None, "arrivals.rate", "did you mean 'rate_per_h'?"),
    ("horizon: 7 d", "horizn: 7 d", 2, "horizn", "did you mean 'horizon'?"),
    ("horizon: 7 d", "horizon: 7", 2, "horizon", "7 has no unit"),
    ("horizon: 7 d", "horizon: 0 d", 2, "horizon", "more than 0"),
    ("horizon: 7 d", "about: none", 1, "", "arrivals never end"),
    ("name: week", "name: Week 1", 1, "name", "'Week 1'"),
    ("name: week", "name: ../etc", 1, "name", "small letters"),
    ("name: week", "name: -x", 1, "name", "no hyphen"),
    ("name: week", "name: ''", 1, "name", "at least 1"),
    ("name: week", "name: 5", 1, "name", "expected a valid string, got 5"),
    ("name: week", "about: x", 1, "name", "is required"),
    ("name: week", "name: week\nseed: -1", 2, "seed", "got -1"),
    ("name: week", "name: week\nseed: 1.5", 2, "seed", "valid integer, got 1.5"),
    ("name: week", "name: week\nseed: yes", 2, "seed", "got 'yes'"),
    ("name: week", "name: week\nclock: fast", 2, "clock", "'virtual' or 'real', got 'fast'"),
    ("name: week", "name: week\nspeed: 0", 2, "speed", "greater than 0, got 0"),
    ("name: week", "name: week\nspeed: .inf", 2, "speed", "finite"),
    ("name: week", "name: week\nmodel: {learn_from: imags}", 2, "model.learn_from", "'imags'"),
    ("name: week", "name: week\nmodel: {cases: 5}", 2, "model.cases", "got 5"),
    ("source: synthetic", "source: nominal", 4, "cases.source", "'synthetic', 'images', got 'nomi"),
    ("source: synthetic", "sourse: images", 4, "cases.sourse", "did you mean 'source'?"),
    ("source: synthetic", "source: images", 1, "model", "say what the model learns from"),
    ("source: synthetic", "count: 0", 4, "cases.count", "got 0"),
    ("source: synthetic", "images: {}", 4, "cases.images", "unknown key"),
    (
        "source: synthetic",
        "population: {prevalence: 8}",
        4,
        "cases.population.prevalence",
        "8 is no",
    ),
    (
        "source: synthetic",
        "population: {skin_tone: {I-II: 0.5, V-VI: 0.4}}",
        4,
        "cases.population.skin_tone",
        "sum to 0.9",
    ),
    (
        "source: synthetic",
        "population:\n    skin_tone:\n      VII: 1",
        6,
        "cases.population.skin_tone.VII",
        "'I-II', 'III-IV' or 'V-VI'",
    ),
    (
        "source: synthetic",
        "population: {age: {mean: 52 y}}",
        4,
        "cases.population.age.mean",
        "number",
    ),
    ("rate_per_h: 6", "rate_per_h: -6", 6, "arrivals.rate_per_h", "greater than 0, got -6"),
    ("rate_per_h: 6", "rate_per_h: 6 /h", 6, "arrivals.rate_per_h", "got '6 /h'"),
    ("arrivals:\n  rate_per_h: 6", "arrivals: 6", 5, "arrivals", "keys and values, got 6"),
    ("rate_per_h: 6", "rate_per_h: 7", 20, "staff.reader", "estimated utilisation 1.05"),
    ("service: 6 min", "service: 6", 8, "pathway.0.service", "no unit"),
    ("service: 6 min", "servce: 6 min", None, "pathway.0.servce", "did you mean 'service'?"),
    ("sd: 4 min", "ds: 4 min", 15, "pathway.2.service.gamma.ds", "did you mean 'sd'?"),
    ("sd: 4 min", "sd: 0 min", 15, "pathway.2.service.gamma.sd", "above 0"),
    ("queue: ai", "queue: lifo", 16, "pathway.2.queue", "'fifo' or 'ai', got 'lifo'"),
    ("twin: score", "twin: guess", 9, "pathway.1.twin", "'score', got 'guess'"),
    ("then: read", "than: read", None, "pathway.1.than", "did you mean 'then'?"),
    ("then: read", "then: end", 9, "pathway.1.then", "expected 'read', got 'end'"),
    ("id: ai", "id: score", 7, "pathway", "imaging (staffed), score (twin), read"),
    (
        "staff: nurse",
        "staff: nurs",
        8,
        "pathway.0.staff",
        "'nurs' is not in staff, which has nurse, r",
    ),
    ("staff: reader", "staff: nurse", 16, "pathway.2.queue", "staff of its own"),
    ("service: 6 min,", "service: 6 min, queue: ai,", 8, "pathway.0.queue", "score before it"),
    ("nurse: 1", "nurse: 0", 19, "staff.nurse.count", "got 0"),
    ("nurse: 1", "nurse: {cout: 1}", None, "staff.nurse.cout", "did you mean 'count'?"),
    ("nurse: 1", "nurse: true", 19, "staff.nurse.count", "valid integer, got True"),
    ("nurse: 1", "nurse: one", 19, "staff.nurse", "keys and values, got 'one'"),
    ("threshold: model", "threshold: models", 22, "decision.threshold", "or the word model"),
    ("threshold: model", "threshold: 1.5", 22, "decision.threshold", "1.5 is no share"),
    ("threshold: model", "reader: {weight: 1}", 22, "decision.reader.weight", "weight_of_ai"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), BROKEN, ids=str)
def test_errors_name_file_line_key_and_value(
    old: str, new: str, line: int | None, key: str, words: str
) -> None:
    assert old in BASE
    message = str(refusal(BASE.replace(old, new, 1)))
    (found,) = [text for text in message.splitlines() if f" {key}: " in text or not key]
    assert words in found
    number = found.strip().removeprefix("x.yaml:").partition(":")[0]
    where = BASE.replace(old, new, 1).splitlines()[int(number) - 1]
    if line is None:  # a misspelt key: the line that holds it
        assert key.rpartition(".")[2] in where
    else:
        assert int(number) == line


def test_all_errors_are_shown_in_the_order_of_the_file() -> None:
    text = (
        BASE.replace("7 d", "7")
        .replace("rate_per_h: 6", "rate_per_h: 0")
        .replace("nurse: 1", "n: x")
    )
    lines = str(refusal(text)).splitlines()
    assert lines[0] == "x.yaml: 3 problems"
    assert [line.split(":")[1] for line in lines[1:]] == ["2", "6", "19"]


def test_faults_of_meaning_come_together_too() -> None:
    text = BASE.replace("then: ai}", "then: end}").replace("rate_per_h: 6", "rate_per_h: 7")
    assert "2 problems" in str(refusal(text))


def test_one_error_stands_alone() -> None:
    assert refusal(BASE.replace("7 d", "7")).args[:3] == ("x.yaml", 2, "horizon")


def test_a_count_allows_more_work_than_staff() -> None:
    text = BASE.replace("rate_per_h: 6", "rate_per_h: 60")
    assert "utilisation" in str(refusal(text))
    assert (
        load(text.replace("source: synthetic", "count: 9"), "x.yaml").offered_load()["nurse"] == 6
    )


@pytest.mark.parametrize(
    ("learnt", "shown", "sound"),
    [
        ("train", "test", True),
        ("test", "train", True),
        ("train", "train", False),
        ("train", "all", False),
    ],
)
def test_no_model_is_examined_on_what_it_learned_from(learnt: str, shown: str, sound: bool) -> None:
    text = BASE.replace("source: synthetic", f"source: images\n  images: {{split: {shown}}}")
    text += f"model: {{learn_from: images, split: {learnt}}}\n"
    if sound:
        assert load(text, "x.yaml").model.split == learnt
    else:
        assert "what it has seen" in str(refusal(text))


def test_a_scenario_made_in_python_is_checked_as_well() -> None:
    plain = load(BASE, "x.yaml").model_dump(by_alias=True, exclude_none=True)
    assert Scenario.model_validate(plain) == load(BASE, "x.yaml")
    del plain["horizon"]
    with pytest.raises(ValidationError, match="arrivals never end"):
        Scenario.model_validate(plain)


def test_a_scenario_does_not_change() -> None:
    with pytest.raises(ValidationError):
        load(BASE, "x.yaml").seed = 3


def test_long_values_are_cut_in_messages() -> None:
    message = str(refusal(BASE.replace("horizon: 7 d", f"horizon: 7 d\nclock: {'x' * 5000}")))
    assert len(message) < 300
