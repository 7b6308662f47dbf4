import pytest
from broken_scenarios import BASE

from simulator.language.scenario import load, plain
from simulator.language.sweep import vary
from twin.errors import ScenarioError

PLAIN = dict(plain(load(BASE, "x.yaml")))


def test_a_varied_scenario_differs_in_what_was_varied() -> None:
    varied = vary(PLAIN, {"staff.nurse": 3, "pathway.read.queue.order": "fifo"}, "x.yaml")
    lines = BASE.replace("nurse: 1", "nurse: 3").replace("queue: ai", "queue: fifo")
    assert varied == load(lines, "x.yaml")
    assert dict(plain(load(BASE, "x.yaml"))) == PLAIN  # untouched


def test_the_sweep_itself_is_left_out() -> None:
    swept = plain(load(BASE + "sweep: {seed: [1, 2]}\n", "x.yaml"))
    varied = vary(swept, {"seed": 2}, "x.yaml")
    assert (varied.sweep, varied.seed) == (None, 2)


def test_values_are_not_shared_between_points() -> None:
    value = {"count": 2}
    one = vary(PLAIN, {"staff.nurse": value, "staff.nurse.count": 5}, "x.yaml")
    assert (one.staff["nurse"].count, value) == (5, {"count": 2})


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"staff.nurse": 0}, "with staff.nurse=0: staff.nurse: expected at least 1, got 0"),
        ({"staff.nurs": 1}, "with staff.nurs=1: staff has no 'nurs', did you mean 'nurse'?"),
        ({"arrivals.rate_per_h": 9, "staff.reader": 1}, "staff.reader=1: staff.reader: estimated"),
        ({"seed": "x" * 9000}, "seed: expected a whole number, got 'xxx"),
    ],
)
def test_an_unsound_point_is_told_with_its_values(overrides: dict[str, object], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        vary(PLAIN, overrides, "x.yaml")
    assert caught.value.args[:3] == ("x.yaml", 0, "sweep")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_the_values_of_a_sweep_are_tried_together_with_first_values() -> None:
    # 18 an hour is too much for one nurse, as in the file, but not for the sweep's first, 3.
    sweep = "sweep:\n  staff.nurse: [3, 2]\n  staff.reader: [4]\n  arrivals.rate_per_h: [6, 18]\n"
    assert load(BASE + sweep, "x.yaml").sweep
    with pytest.raises(ScenarioError, match=r"nurse=1, .*rate_per_h=18: staff\.nurse: est"):
        load(BASE + sweep.replace("[3, 2]", "[1, 3]"), "x.yaml")


def test_the_ends_of_a_range_are_tried() -> None:
    sweep = "sweep: {ranges: {arrivals.rate_per_h: [1, 60]}, points: 3}\n"
    with pytest.raises(ScenarioError) as caught:
        load(BASE + sweep, "x.yaml")
    assert caught.value.args[1:3] == (11, "sweep.ranges.arrivals.rate_per_h")
    assert "rate_per_h=60" in str(caught.value)


@pytest.mark.parametrize(
    ("sweep", "keys"),
    [
        ("{seed: [-1, -2, -3]}", ["sweep.seed"]),
        ("{seed: [-1, -2], staff.nurse: [0, 1]}", ["sweep"]),
        ("{seed: [1, -2, -3], staff.nurse: [1, 0]}", ["sweep.seed", "sweep.staff.nurse"]),
    ],
)
def test_each_key_of_a_sweep_is_told_once(sweep: str, keys: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(f"{BASE}sweep: {sweep}\n", "x.yaml")
    lines = [line for line in str(caught.value).splitlines() if "x.yaml:11: " in line]
    assert [line.split(": ")[1] for line in lines] == keys
