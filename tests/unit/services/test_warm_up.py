import numpy as np
import pytest

from services.experiments.warmup import warm_up_of
from simulator.language.scenario import load

CLINIC = """\
name: clinic
cases: {source: nominal, count: 50}
arrivals: {rate_per_h: 3}
pathway: [{id: desk, staff: clerk, service: 10 min, then: end}]
staff: {clerk: 1}
"""


def test_a_stated_warm_up_is_taken_as_it_is() -> None:
    warm = warm_up_of(load(CLINIC + "horizon: 1 d\nwarmup: 2 h\n", "x.yaml"), [])
    assert (warm.warmup_min, warm.how, warm.valid) == (120.0, "given", True)


def test_without_a_horizon_nothing_is_left_out_and_that_is_said() -> None:
    warm = warm_up_of(load(CLINIC + "warmup: auto\n", "x.yaml"), [])
    assert (warm.warmup_min, warm.how, warm.valid) == (0.0, "MSER-5", False)
    assert "no horizon" in warm.reason


def test_the_cut_is_read_off_the_average_of_the_pilots() -> None:
    clinic = load(CLINIC + "horizon: 2000 min\nwarmup: auto\n", "x.yaml")
    rng = np.random.default_rng(1)
    rise = np.minimum(np.arange(2000) / 200, 1) * 10
    warm = warm_up_of(clinic, [(rise + rng.normal(0, 1, 2000)).tolist() for _ in range(5)])
    assert warm.pilots == 5
    assert warm.valid
    assert warm.warmup_min == pytest.approx(200, abs=40)
