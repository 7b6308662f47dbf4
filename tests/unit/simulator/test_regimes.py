import doctest
import math
from typing import Any

import pytest

from simulator.cases import referral as filters
from simulator.cases import regimes as module
from simulator.cases.regimes import NO_SHIFT, Populations, Regime, Regimes, severities_of
from simulator.language import referral
from simulator.language.populations import PopulationSpec
from simulator.language.shifts import ShiftSpec

N = 4000


def shift(**fields: Any) -> ShiftSpec:
    return ShiftSpec.model_validate({"at": "0 d", "image": {"defocus": 3}} | fields)


def told(*shifts: ShiftSpec, at_min: float = 0.0, name: str = "s") -> list[Regime]:
    names = [f"{name}{place}" for place, _ in enumerate(shifts)]
    regimes = Regimes(shifts, names, 1, 0, "patient")
    return [regimes.of(key, at_min) for key in range(N)]


@pytest.mark.parametrize("module", [module, referral, filters])
def test_examples_of_the_docstrings(module: Any) -> None:
    found = doctest.testmod(module)
    assert found.failed == 0 and found.attempted > 0


def test_nobody_is_in_a_shift_before_it_and_all_are_after_its_ramp() -> None:
    ramp = shift(at="2 d", over="10 d")
    assert set(told(ramp, at_min=2 * 1440.0 - 1)) == {NO_SHIFT}
    assert set(told(ramp, at_min=12 * 1440.0)) == {(0,)}


@pytest.mark.parametrize(
    ("day", "share"),
    [(1, 0.0), (3, 0.06), (6, 0.24), (12, 0.6), (20, 0.6), (25, 0.3), (29, 0.06), (31, 0.0)],
)
def test_the_share_follows_both_ramps(day: float, share: float) -> None:
    """From day 2 over 10 days to 60 %, from day 20 down again."""
    ramp = shift(at="2 d", over="10 d", until="20 d", share=0.6)
    found = sum(regime == (0,) for regime in told(ramp, at_min=day * 1440.0)) / N
    assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / N))


def test_a_greater_share_takes_more_and_leaves_nobody_out() -> None:
    few, many = (told(shift(share=share)) for share in (0.3, 0.6))
    assert all(b == (0,) for a, b in zip(few, many, strict=True) if a == (0,))
    assert 0 < few.count((0,)) < many.count((0,)) < N


def test_shifts_are_drawn_independently_and_by_name() -> None:
    found = told(shift(share=0.5), shift(share=0.5))
    for regime in (NO_SHIFT, (0,), (1,), (0, 1)):
        assert found.count(regime) / N == pytest.approx(0.25, abs=4 * math.sqrt(0.1875 / N))
    alone = told(shift(share=0.5))
    assert [0 in regime for regime in found] == [0 in regime for regime in alone], "law 9"
    assert alone != told(shift(share=0.5), name="t")


def test_changes_are_made_in_the_order_of_the_shifts() -> None:
    shifts = [
        shift(population={"prevalence": 0.2, "diagnoses": {"melanoma": 1}}),
        shift(population={"prevalence": 0.3, "sex": {"male": 1}}),
        shift(),
    ]
    base = PopulationSpec(diagnoses={"nevus": 1.0})
    populations = Populations(base, shifts)
    assert populations.of(NO_SHIFT) == populations.of((2,)) == base
    both = populations.of((0, 1, 2))
    assert (both.prevalence, both.sex) == (0.3, {"male": 1})
    assert both.diagnoses == {"nevus": 1, "melanoma": 1}
    assert populations.of((0,)).prevalence == 0.2


def test_of_two_severities_the_later_shift_has_its_way() -> None:
    shifts = [
        shift(image={"defocus": 3, "noise": 1}),
        shift(population={"prevalence": 0.2}, image={}),
        shift(image={"defocus": 5}),
    ]
    assert severities_of((0, 1, 2), shifts) == {"defocus": 5, "noise": 1}
    assert severities_of((0,), shifts) == {"defocus": 3, "noise": 1}
    assert severities_of((1,), shifts) == severities_of(NO_SHIFT, shifts) == {}
