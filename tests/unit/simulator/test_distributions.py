import math
import statistics

import numpy as np
import pytest

from simulator.draws.distributions import (
    DISTRIBUTIONS,
    Constant,
    Distribution,
    Exponential,
    Gamma,
    Lognormal,
    Triangular,
    from_plain,
    nearest,
    to_plain,
)
from simulator.language.quantities import QuantityError

# Each with its standard deviation.
EXAMPLES: list[tuple[Distribution, float]] = [
    (Constant(value_min=6.0), 0.0),
    (Exponential(mean_min=6.0), 6.0),
    (Lognormal(mean_min=9.0, sd_min=4.0), 4.0),
    (Lognormal(mean_min=2.0, sd_min=5.0), 5.0),
    # Variance (a² + b² + c² - ab - ac - bc) / 18
    (Triangular(low_min=15.0, mode_min=20.0, high_min=40.0), math.sqrt(525 / 18)),
    (Gamma(mean_min=9.0, sd_min=4.0), 4.0),
    (Gamma(mean_min=3.0, sd_min=6.0), 6.0),
]


def test_every_distribution_has_an_example() -> None:
    assert {type(distribution) for distribution, _ in EXAMPLES} == set(DISTRIBUTIONS.values())


@pytest.mark.parametrize(("distribution", "sd_min"), EXAMPLES, ids=str)
def test_draws_have_the_stated_mean_and_spread(distribution: Distribution, sd_min: float) -> None:
    generator = np.random.default_rng(1)
    draws = [distribution.draw(generator) for _ in range(20_000)]
    assert min(draws) >= 0
    error = 4 * sd_min / math.sqrt(len(draws))
    assert statistics.fmean(draws) == pytest.approx(distribution.mean_min, abs=error + 1e-9)
    # 15 %: the sample spread of the heaviest tail above; the others come within 3 %.
    assert statistics.pstdev(draws) == pytest.approx(sd_min, rel=0.15)


@pytest.mark.parametrize(("distribution", "sd_min"), EXAMPLES, ids=str)
def test_equal_generators_give_equal_draws(distribution: Distribution, sd_min: float) -> None:
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    assert [distribution.draw(one) for _ in range(3)] == [distribution.draw(two) for _ in range(3)]


@pytest.mark.parametrize(("distribution", "sd_min"), EXAMPLES, ids=str)
def test_plain_values_go_there_and_back(distribution: Distribution, sd_min: float) -> None:
    assert from_plain(to_plain(distribution)) == distribution


def test_lognormal_quantiles() -> None:
    # Median mean / sqrt(1 + cv²): the conversion is that of the variable's own mean and sd.
    draws = [Lognormal(mean_min=9, sd_min=4).draw(np.random.default_rng(i)) for i in range(4000)]
    assert statistics.median(draws) == pytest.approx(9 / math.sqrt(1 + 16 / 81), rel=0.02)


def test_a_bare_duration_is_a_constant() -> None:
    assert from_plain("6 min") == from_plain({"constant": "6 min"}) == Constant(value_min=6.0)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        (6, (), "no unit"),
        ("6", (), "no duration"),
        (None, (), "no duration"),
        ({}, (), "0 keys"),
        ({"gamma": {}, "constant": "6 min"}, (), "2 keys"),
        ({"lognorml": {}}, ("lognorml",), "did you mean 'lognormal'"),
        ({"uniform": {}}, ("uniform",), "there are constant, exponential"),
        ({"gamma": "6 min"}, ("gamma",), "mean, sd"),
        ({"gamma": {"mean": "6 min"}}, ("gamma", "sd"), "is required"),
        ({"gamma": {"mean": "6 min", "std": "1 min"}}, ("gamma", "std"), "did you mean 'sd'"),
        ({"gamma": {"mean": "6 min", "sd": 1}}, ("gamma", "sd"), "no unit"),
        ({"gamma": {"mean": "6 min", "sd": "0 min"}}, ("gamma", "sd"), "above 0"),
        ({"gamma": {"mean": "0 min", "sd": "1 min"}}, ("gamma", "mean"), "above 0"),
        ({"lognormal": {"mean": "6 min", "sd": "0 min"}}, ("lognormal", "sd"), "above 0"),
        ({"lognormal": {"mean": "0 min", "sd": "1 s"}}, ("lognormal", "mean"), "above 0"),
        ({"exponential": {"mean": "0 min"}}, ("exponential", "mean"), "above 0"),
        ({"constant": 5}, ("constant",), "no unit"),
        (
            {"triangular": {"low": "1 min", "mode": "5 min", "high": "3 min"}},
            ("triangular",),
            "low <= mode <= high",
        ),
        (
            {"triangular": {"low": "1 min", "mode": "1 min", "high": "1 min"}},
            ("triangular", "high"),
            "constant",
        ),
    ],
)
def test_refusals_name_the_part_at_fault(value: object, path: tuple[str, ...], words: str) -> None:
    with pytest.raises(QuantityError) as caught:
        from_plain(value)
    assert caught.value.args[0] == path
    assert words in caught.value.args[1]


def test_nearest_word() -> None:
    assert nearest("rate", ["rate_per_h"]) == ", did you mean 'rate_per_h'?"
    assert nearest("zebra", ["rate_per_h"]) == ""
