"""What the gate lets through: a clinic of each kind of the promotions benchmark, by the engine.

`python -m benchmarks.promotions` runs fifty of each.
"""

import pytest

from benchmarks.made_up_bank import made_up
from benchmarks.promotions import MARGIN, SETTINGS, Counts, Outcome, clinic, outcome

BY_NAME = {one.name: one for one in SETTINGS}


def run(name: str, seed: int = 0) -> Outcome:
    setting = BY_NAME[name]
    scenario = clinic(setting, seed)
    return outcome(setting, scenario, seed, made_up(scenario, seed))


@pytest.mark.parametrize("name", ["poisoned feed", "poisoned feed, true shift"])
def test_a_poisoned_feed_gets_no_stack_promoted_and_is_told_why(name: str) -> None:
    found = run(name)
    assert found.promotions == 0
    assert any("contradict the scores" in reason for reason in found.refusals)


def test_after_a_true_shift_a_better_stack_is_promoted() -> None:
    found = run("true shift")
    assert found.promotions > 0
    assert found.gain > 0.05
    assert found.worst_drop <= MARGIN


def test_where_nothing_happened_no_promotion_costs_sensitivity() -> None:
    assert run("no shift").worst_drop <= MARGIN


def test_gates_count_clinics() -> None:
    none = Counts(clinics=50, promoted=0, harmed=0, better=0, promotions=0)
    one = Counts(clinics=50, promoted=1, harmed=1, better=1, promotions=1)
    most = Counts(clinics=50, promoted=45, harmed=3, better=45, promotions=60)
    met = {name: [setting.met(of) for of in (none, one, most)] for name, setting in BY_NAME.items()}
    assert met["poisoned feed"] == met["poisoned feed, true shift"] == [True, False, False]
    assert met["true shift"] == [False, False, True]
    assert met["no shift"] == [True, True, False]
