from pathlib import Path

import pytest
from broken_scenarios import BASE

from simulator.language.keys import change, named
from simulator.language.scenario import Scenario, load
from simulator.quantities import QuantityError
from twin.errors import ScenarioError


def over(folder: Path, text: str, *overrides: str) -> Scenario:
    """Load a scenario that lies over BASE."""
    (folder / "base.yaml").write_text(BASE, encoding="utf-8")
    return load(f"extends: base.yaml\n{text}", str(folder / "x.yaml"), overrides)


def refusal(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        over(folder, text, *overrides)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_base_is_taken_as_it_is_but_for_what_is_different(tmp_path: Path) -> None:
    scenario = over(tmp_path, "name: other\nstaff: {nurse: 3}\n")
    assert (scenario.name, scenario.staff["nurse"].count) == ("other", 3)
    assert scenario.staff["reader"].count == 1
    assert scenario.pathway == load(BASE, "x").pathway


def test_nodes_are_matched_by_their_id_and_new_ones_follow(tmp_path: Path) -> None:
    scenario = over(
        tmp_path,
        "pathway:\n"
        "  - {id: biopsy, then: laboratory}\n"
        "  - {id: laboratory, delay: 3 d, then: end}\n",
    )
    assert [node.id for node in scenario.pathway][-2:] == ["biopsy", "laboratory"]
    assert scenario.pathway[3].then == {"laboratory": "otherwise"}


def test_a_short_form_in_the_base_keeps_what_it_says(tmp_path: Path) -> None:
    read = over(tmp_path, "pathway: [{id: read, queue: {overdue_after: 1 h}}]\n").pathway[2]
    assert (read.queue.order, read.queue.overdue_after_min) == ("ai", 60)


def test_answers_replace_those_of_the_base_as_a_whole(tmp_path: Path) -> None:
    scenario = over(tmp_path, "arrivals: {gap: 10 min}\ncases: {ai: {roc: [{fpr: 0, tpr: 1}]}}\n")
    assert scenario.arrivals.gap.mean_min == 10
    assert scenario.cases.ai.sensitivity is None
    assert scenario.cases.population.prevalence == 0.1


def test_bases_have_bases_beside_themselves(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "base.yaml").write_text("extends: deeper.yaml\nseed: 5\n")
    (tmp_path / "deep" / "deeper.yaml").write_text(BASE)
    scenario = load("extends: deep/base.yaml\nname: x\n", str(tmp_path / "x.yaml"))
    assert (scenario.name, scenario.seed, scenario.horizon_min) == ("x", 5, 10080)


def test_a_problem_in_a_base_is_told_with_the_bases_line(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE.replace("service: 8 min", "service: 8"))
    with pytest.raises(ScenarioError) as caught:
        load("extends: base.yaml\nname: x\n", str(tmp_path / "x.yaml"))
    assert caught.value.args[:3] == (str(tmp_path / "base.yaml"), 8, "pathway.read.service")


def test_a_problem_over_a_base_is_told_with_the_own_line(tmp_path: Path) -> None:
    told = refusal(tmp_path, "pathway:\n  - id: read\n    service: 8\n")
    assert told.startswith("x.yaml:4: pathway.read.service: 8 has no unit")


def test_a_problem_that_an_override_makes_is_told_with_it(tmp_path: Path) -> None:
    told = refusal(tmp_path, "", "seed=3", "staff.nurse=0")
    assert told == "--set staff.nurse=0: staff.nurse: expected at least 1, got 0"
    assert refusal(tmp_path, "", "staff.reader.count=x").startswith("--set staff.reader.count=x: ")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("staff.nurs=2", "staff has no 'nurs', did you mean 'nurse'?"),
        ("pathway.reed.service=3 min", "pathway has no item 'reed', did you mean 'read'?"),
        ("pathway.9.service=3 min", "pathway has no item '9'"),
        ("pathway.².service=3 min", "pathway has no item '²'"),
        ("name.x=2", "name is 'week' and has no key 'x'"),
        ("horizn=2 d", "horizn: unknown key, did you mean 'horizon'?"),
        ("staff.nurse", "expected key=value"),
        ("=2", "expected key=value"),
        ("staff.nurse=[1", "not readable as YAML"),
        ("gates=[wait.raed.p95 < 3 d]", "gates.0: no metric 'wait.raed.p95'"),
    ],
)
def test_overrides_that_have_no_place(tmp_path: Path, override: str, words: str) -> None:
    told = refusal(tmp_path, "", override)
    assert words in told
    assert told.startswith(f"--set {override}: ")


def test_overrides_are_yaml_and_come_after_the_base(tmp_path: Path) -> None:
    scenario = over(
        tmp_path,
        "seed: 2\n",
        "seed=3",
        "staff.nurse.count=4",
        "pathway.read.queue.overdue_after=2 h",
        "pathway.read.then={end: 1.0, biopsy: 0.0}",
        "gates=[wait.read.mean < 2 h]",
        "about=a=b",
    )
    assert (scenario.seed, scenario.staff["nurse"].count, scenario.about) == (3, 4, "a=b")
    assert scenario.pathway[2].queue.order == "ai"
    assert scenario.gates[0].bound == 120


def test_files_are_found_beside_the_scenario_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log.csv").write_text("arrival\n0\n30\n")
    (tmp_path / "own.csv").write_text("t\n1\n3\n")
    base = BASE.replace("{rate_per_h: 6}", "{replay: {file: log.csv}}")
    (tmp_path / "deep" / "base.yaml").write_text(base)
    text = "extends: deep/base.yaml\npathway:\n  - id: read\n"
    own = "service: {empirical: {file: own.csv, column: t, unit: min}}"
    scenario = load(f"{text}    {own}\n", str(tmp_path / "x.yaml"))
    assert scenario.arrivals.replay.times == (0, 30)
    assert scenario.pathway[2].service.mean_min == 2
    override = "pathway.read.service={empirical: {file: own.csv, column: t, unit: h}}"
    scenario = load(f"{text}", str(tmp_path / "x.yaml"), [override])
    assert scenario.pathway[2].service.mean_min == 120


def test_a_device_without_end_is_no_file(tmp_path: Path) -> None:
    assert "is no file" in refusal(tmp_path, "arrivals: {replay: {file: /dev/zero}}\n")
    with pytest.raises(ScenarioError, match="it is no file"):
        load("extends: /dev/zero\n", str(tmp_path / "x.yaml"))


def test_dates_are_placed_on_the_week_of_the_start(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("arrival\n2024-03-05 09:00\n")  # a Tuesday
    arrivals = "arrivals: {replay: {file: log.csv, unit: datetime}}\nstart: Mon 09:00\n"
    assert over(tmp_path, arrivals).arrivals.replay.times == (1440,)


def test_named_is_what_change_takes() -> None:
    data = {"pathway": [{"id": "read", "queue": "ai"}, {"id": "x"}, {"id": "x"}, 3]}
    path = change(data, "pathway.read.queue.order", "fifo")
    assert (path, named(data, path)) == (
        ("pathway", 0, "queue", "order"),
        "pathway.read.queue.order",
    )
    assert data["pathway"][0]["queue"] == {"order": "fifo"}
    assert named(data, ("pathway", 2, "then")) == "pathway.2.then"  # two of that name
    assert named(data, ("pathway", 3, "then")) == "pathway.3.then"
    assert named(data, ("nowhere", 7)) == "nowhere.7"
    with pytest.raises(QuantityError):
        change(data, "pathway.y.queue", "fifo")
