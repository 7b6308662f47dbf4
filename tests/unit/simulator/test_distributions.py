"""Each distribution has the moments it states, and its numbers in the order of the uniform ones."""

import math
import pickle
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from simulator.draws.contract import settled_all
from simulator.draws.distributions import (
    DISTRIBUTIONS,
    PUNCTUALITIES,
    Constant,
    Discrete,
    Distribution,
    Empirical,
    Erlang,
    Exponential,
    ExponentialOfRate,
    Gamma,
    GammaOfShape,
    Hyperexponential,
    HyperexponentialOfMeans,
    Loglogistic,
    Lognormal,
    LognormalOfMedian,
    Normal,
    Pert,
    SignedConstant,
    SignedNormal,
    Triangular,
    Uniform,
    UniformOfMean,
    Weibull,
    WeibullOfShape,
)
from simulator.draws.skewed import weibull_shape
from simulator.quantities import QuantityError, settled

# Each with its mean and standard deviation, by a formula that the code does not use or by hand,
# and with the quantile function of SciPy.
ROOT = math.sqrt
EXAMPLES = [
    (Constant(value_min=6.0), 6, 0, None),
    (Exponential(mean_min=6.0), 6, 6, stats.expon(scale=6)),
    (ExponentialOfRate(rate_per_h=12.0), 5, 5, stats.expon(scale=5)),
    (Lognormal(mean_min=9.0, sd_min=4.0), 9, 4, None),
    (Lognormal(mean_min=2.0, sd_min=5.0), 2, 5, None),
    (
        LognormalOfMedian(median_min=6.0, sigma=0.4),
        6 * math.exp(0.08),
        6 * math.exp(0.08) * ROOT(math.exp(0.16) - 1),
        stats.lognorm(0.4, scale=6),
    ),
    (Gamma(mean_min=9.0, sd_min=4.0), 9, 4, stats.gamma(81 / 16, scale=16 / 9)),
    (Gamma(mean_min=3.0, sd_min=6.0), 3, 6, stats.gamma(1 / 4, scale=12)),
    (GammaOfShape(shape=4.0, scale_min=1.5), 6, 3, stats.gamma(4, scale=1.5)),
    (Erlang(phases=4, mean_min=6.0), 6, 3, stats.gamma(4, scale=1.5)),
    (Weibull(mean_min=9.0, sd_min=4.0), 9, 4, None),
    (Weibull(mean_min=3.0, sd_min=6.0), 3, 6, None),
    (
        WeibullOfShape(shape=2.0, scale_min=6.0),
        6 * ROOT(math.pi) / 2,
        6 * ROOT(1 - math.pi / 4),
        stats.weibull_min(2, scale=6),
    ),
    (Uniform(low_min=3.0, high_min=9.0), 6, ROOT(3), stats.uniform(3, 6)),
    (UniformOfMean(mean_min=6.0, sd_min=ROOT(3)), 6, ROOT(3), stats.uniform(3, 6)),
    (UniformOfMean(mean_min=6.0, sd_min=3.464102), 6, 3.464102, None),  # low is all but 0
    (
        Triangular(low_min=15.0, mode_min=20.0, high_min=40.0),
        25,
        ROOT(525 / 18),  # variance (a² + b² + c² - ab - ac - bc) / 18
        stats.triang(0.2, 15, 25),
    ),
    (Triangular(low_min=0.0, mode_min=0.0, high_min=3.0), 1, ROOT(0.5), stats.triang(0, 0, 3)),
    (Triangular(low_min=0.0, mode_min=3.0, high_min=3.0), 2, ROOT(0.5), stats.triang(1, 0, 3)),
    (Pert(low_min=0.0, mode_min=5.0, high_min=10.0), 5, ROOT(25 / 7), stats.beta(3, 3, 0, 10)),
    (Pert(low_min=2.0, mode_min=2.0, high_min=8.0), 3, ROOT(5 / 7), stats.beta(1, 5, 2, 6)),
    (
        Normal(centre_min=6.0, spread_min=4.0),
        stats.truncnorm(-1.5, np.inf, 6, 4).mean(),
        stats.truncnorm(-1.5, np.inf, 6, 4).std(),
        stats.truncnorm(-1.5, np.inf, 6, 4),
    ),
    (Normal(centre_min=60.0, spread_min=4.0), 60, 4, stats.norm(60, 4)),
    (Hyperexponential(mean_min=3.0, sd_min=6.0), 3, 6, None),
    (Hyperexponential(mean_min=3.0, sd_min=3.001), 3, 3.001, None),
    (
        HyperexponentialOfMeans(means_min=(2.0, 30.0, 500.0), shares=(0.8, 0.2, 0.0)),
        7.6,
        ROOT(2 * (0.8 * 4 + 0.2 * 900) - 7.6**2),
        None,
    ),
    (
        Loglogistic(median_min=6.0, shape=4.0),
        6 * (math.pi / 4) * ROOT(2),
        6 * ROOT(math.pi / 2 - (math.pi / 4) ** 2 * 2),
        stats.fisk(4, scale=6),
    ),
    (Discrete(values_min=(10.0, 5.0, 7.0), shares=(0.3, 0.7, 0.0)), 6.5, ROOT(5.25), None),
    (Empirical(values_min=(9.0, 5.0, 4.0, 5.0, 2.0)), 5, ROOT(26 / 5), None),
    (SignedConstant(value_min=-5.0), -5, 0, None),
    (SignedNormal(mean_min=-5.0, sd_min=10.0), -5, 10, stats.norm(-5, 10)),
]
every = pytest.mark.parametrize(
    ("distribution", "mean", "sd", "reference"), EXAMPLES, ids=[str(row[0]) for row in EXAMPLES]
)

# Midpoints of t in (0, 1) with u(t) a smooth step of order 7, so that tails have many points.
STEPS = (np.arange(40_000) + 0.5) / 40_000
U = np.clip(STEPS**4 * (35 - 84 * STEPS + 70 * STEPS**2 - 20 * STEPS**3), 2.0**-53, 1 - 2.0**-53)
WEIGHTS = 140 * (STEPS * (1 - STEPS)) ** 3 / len(STEPS)


def test_every_distribution_has_an_example() -> None:
    kinds = {kind for of in (DISTRIBUTIONS, PUNCTUALITIES) for ks in of.values() for kind in ks}
    assert {type(row[0]) for row in EXAMPLES} == kinds


@every
def test_stated_and_drawn_moments_are_those_of_the_formula(
    distribution: Distribution, mean: float, sd: float, reference: object
) -> None:
    assert distribution.mean_min == pytest.approx(mean, rel=1e-9)
    assert distribution.sd_min == pytest.approx(sd, rel=1e-9, abs=1e-12)
    assert distribution.scv == pytest.approx((sd / mean) ** 2)
    times = distribution.from_uniform(U)
    drawn = WEIGHTS @ times
    # One part in ten thousand: steps of a discrete distribution fall between two midpoints.
    assert drawn == pytest.approx(mean, rel=1e-4)
    assert math.sqrt(WEIGHTS @ (times - drawn) ** 2) == pytest.approx(sd, rel=2e-4, abs=1e-6)


@every
def test_a_larger_number_gives_no_shorter_time(
    distribution: Distribution, mean: float, sd: float, reference: object
) -> None:
    times = distribution.from_uniform(np.sort(U))
    assert (np.diff(times) >= 0).all()
    assert np.isfinite(times).all()
    if not isinstance(distribution, SignedConstant | SignedNormal):
        assert times[0] >= 0


@pytest.mark.parametrize(
    ("distribution", "reference"),
    [(row[0], row[3]) for row in EXAMPLES if row[3] is not None],
    ids=[str(row[0]) for row in EXAMPLES if row[3] is not None],
)
def test_times_are_those_of_scipy(distribution: Distribution, reference: object) -> None:
    inner = U[(U > 1e-6) & (U < 1 - 1e-6)]
    expected = reference.ppf(inner)  # type: ignore[attr-defined]
    np.testing.assert_allclose(distribution.from_uniform(inner), expected, atol=1.1e-6, rtol=1e-9)


@every
def test_times_are_settled_and_of_the_shape_asked(
    distribution: Distribution, mean: float, sd: float, reference: object
) -> None:
    u = U[::400].reshape(4, 25)
    times = distribution.from_uniform(u)
    assert times.shape == u.shape
    assert times.dtype == np.float64
    assert all(settled(time) == time for time in times.ravel().tolist())
    assert np.array_equal(times.ravel(), distribution.from_uniform(u.ravel()))


@every
def test_they_are_values(
    distribution: Distribution, mean: float, sd: float, reference: object
) -> None:
    copy = pickle.loads(pickle.dumps(distribution))  # noqa: S301 our own bytes
    assert copy == distribution
    assert hash(copy) == hash(distribution)
    assert np.array_equal(copy.from_uniform(U[:9]), distribution.from_uniform(U[:9]))
    with pytest.raises(AttributeError):
        setattr(distribution, fields(distribution)[0].name, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(("mean", "sd"), [(9, 4), (2, 5)])
def test_lognormal_median(mean: float, sd: float) -> None:
    # Median mean / √(1 + cv²): the conversion is that of the variable's own mean and sd.
    [median] = Lognormal(mean_min=mean, sd_min=sd).from_uniform(np.array([0.5]))
    assert median == pytest.approx(mean / math.sqrt(1 + (sd / mean) ** 2), abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "sd"),
    [
        (kind, sd)
        for kind in (Lognormal, Gamma, Weibull, Normal, Hyperexponential)
        for sd in (6e-3, 6.0000001, 600.0)
        if kind is not Hyperexponential or sd > 6
    ],
)
def test_the_widest_and_the_narrowest_spread(kind: type, sd: float) -> None:
    mean_name, sd_name = [field.name for field in fields(kind)]
    times = kind(**{mean_name: 6.0, sd_name: sd}).from_uniform(np.sort(U))
    assert np.isfinite(times).all()
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0


@pytest.mark.parametrize("cv", [1e-3, 0.1, 0.5, 1, 2, 10, 100])
def test_weibull_shape_gives_the_spread(cv: float) -> None:
    shape = weibull_shape(cv)
    assert WeibullOfShape(shape=shape, scale_min=6.0).scv == pytest.approx(cv**2, rel=1e-6)


@pytest.mark.parametrize(
    "distribution",
    [
        Hyperexponential(mean_min=3.0, sd_min=6.0),
        Hyperexponential(mean_min=3.0, sd_min=300.0),
        Hyperexponential(mean_min=3.0, sd_min=3.0001),
        HyperexponentialOfMeans(means_min=(1.0, 10_000.0), shares=(1 - 1e-6, 1e-6)),
        HyperexponentialOfMeans(means_min=(1.0, 10_000.0), shares=(1e-6, 1 - 1e-6)),
        HyperexponentialOfMeans(means_min=(5.0, 5.0), shares=(0.5, 0.5)),
        HyperexponentialOfMeans(means_min=(7.0,), shares=(1.0,)),
    ],
    ids=str,
)
def test_hyperexponential_times_are_quantiles(distribution: Distribution) -> None:
    u = U[(U > 1e-9) & (U < 1 - 1e-9)]
    if isinstance(distribution, HyperexponentialOfMeans):
        means, shares = np.array(distribution.means_min), np.array(distribution.shares)
    else:
        scv = distribution.scv
        share = (1 + math.sqrt((scv - 1) / (scv + 1))) / 2  # Whitt 1982
        shares = np.array([share, 1 - share])
        means = distribution.mean_min / (2 * shares)
    times = distribution.from_uniform(u)[:, None]
    left = (shares * np.exp(-times / means)).sum(axis=1)
    # Half a millionth of a minute, by the density of the shortest
    assert np.abs(left - (1 - u)).max() < 0.51e-6 * (shares / means).sum() + 1e-12


def test_only_observed_values_occur() -> None:
    empirical = Empirical(values_min=(9.0, 5.0, 4.0, 5.0))
    quarters = np.array([0.01, 0.24, 0.26, 0.74, 0.76, 1 - 2.0**-53])
    assert empirical.from_uniform(quarters).tolist() == [4, 4, 5, 5, 9, 9]
    many = Empirical(values_min=tuple(float(i) for i in range(10_001)))
    assert many.from_uniform(np.array([2.0**-53, 1 - 2.0**-53])).tolist() == [0, 10_000]


def test_values_without_a_share_never_occur() -> None:
    discrete = Discrete(values_min=(1.0, 2.0, 3.0, 4.0), shares=(0.0, 0.1, 0.9, 0.0))
    assert set(discrete.from_uniform(U).tolist()) == {2.0, 3.0}
    tenths = Discrete(values_min=tuple(map(float, range(10))), shares=(0.1,) * 10)
    assert tenths.from_uniform(np.array([1 - 2.0**-53])).tolist() == [9.0]


def test_a_heavy_tail_has_no_standard_deviation() -> None:
    stay = Loglogistic(median_min=6.0, shape=2.0)
    assert stay.sd_min == stay.scv == math.inf
    assert stay.mean_min == pytest.approx(6 * math.pi / 2)


def test_a_constant_of_nothing_has_no_spread() -> None:
    assert Constant(value_min=0.0).scv == 0


def test_rounding_is_that_of_one_time() -> None:
    times = np.random.default_rng(1).exponential(50, 2000)
    assert settled_all(times).tolist() == [settled(time) for time in times.tolist()]
    assert settled_all(np.array([1e300, 1e11 + 0.123])).tolist() == [1e300, 1e11 + 0.123]


@pytest.mark.parametrize(
    ("kind", "values", "path", "words"),
    [
        (Constant, {"value_min": -1.0}, (), "-1.0 min"),
        (Exponential, {"mean_min": 0.0}, ("mean",), "above 0"),
        (ExponentialOfRate, {"rate_per_h": 0.0}, ("rate_per_h",), "got 0"),
        (ExponentialOfRate, {"rate_per_h": math.nan}, ("rate_per_h",), "got nan"),
        (Lognormal, {"mean_min": 6.0, "sd_min": math.nan}, ("sd",), "above 0"),
        (Lognormal, {"mean_min": 6.0, "sd_min": 6000.0}, ("sd",), "100 times the mean, got 1000"),
        (Lognormal, {"mean_min": 1e300, "sd_min": 1e-9}, ("sd",), "times the mean"),
        (LognormalOfMedian, {"median_min": 0.0, "sigma": 1.0}, ("median",), "above 0"),
        (LognormalOfMedian, {"median_min": 1.0, "sigma": 4.0}, ("sigma",), "got 4"),
        (Gamma, {"mean_min": -3.0, "sd_min": 1.0}, ("mean",), "-3.0 min"),
        (GammaOfShape, {"shape": 0.0, "scale_min": 1.0}, ("shape",), "got 0"),
        (GammaOfShape, {"shape": 1.0, "scale_min": 0.0}, ("scale",), "above 0"),
        (Erlang, {"phases": 0, "mean_min": 6.0}, ("phases",), "from 1 to 10000, got 0"),
        (Weibull, {"mean_min": 6.0, "sd_min": 0.0}, ("sd",), "constant"),
        (WeibullOfShape, {"shape": 0.01, "scale_min": 6.0}, ("shape",), "got 0.01"),
        (Uniform, {"low_min": 6.0, "high_min": 5.0}, (), "low <= high"),
        (Uniform, {"low_min": -1.0, "high_min": 5.0}, ("low",), "-1.0 min"),
        (UniformOfMean, {"mean_min": 6.0, "sd_min": 3.5}, ("sd",), "3.4641 min"),
        (Triangular, {"low_min": 1.0, "mode_min": 5.0, "high_min": 3.0}, (), "mode <= high"),
        (Pert, {"low_min": 1.0, "mode_min": 1.0, "high_min": 1.0}, ("high",), "constant"),
        (Normal, {"centre_min": 0.0, "spread_min": 1.0}, ("mean",), "above 0"),
        (Hyperexponential, {"mean_min": 6.0, "sd_min": 6.0}, ("sd",), "above the mean of 6 min"),
        (HyperexponentialOfMeans, {"means_min": (), "shares": ()}, ("means",), "at least one"),
        (HyperexponentialOfMeans, {"means_min": (0.0,), "shares": (1.0,)}, ("means",), "above 0"),
        (
            HyperexponentialOfMeans,
            {"means_min": (1.0, 1e9), "shares": (0.5, 0.5)},
            ("means",),
            "10000 times the shortest",
        ),
        (
            HyperexponentialOfMeans,
            {"means_min": (1.0, 2.0), "shares": (0.5,)},
            ("shares",),
            "1 shares for 2 means",
        ),
        (Loglogistic, {"median_min": 6.0, "shape": 1.0}, ("shape",), "got 1"),
        (Discrete, {"values_min": (), "shares": ()}, ("values",), "at least one"),
        (Discrete, {"values_min": (1.0,), "shares": (0.9,)}, ("shares",), "sum to 0.9"),
        (Discrete, {"values_min": (1.0, 2.0), "shares": (1.5, -0.5)}, ("shares",), "got -0.5"),
        (Discrete, {"values_min": (1.0,), "shares": (math.nan,)}, ("shares",), "nan"),
        (Discrete, {"values_min": (-1.0,), "shares": (1.0,)}, ("values",), "-1.0 min"),
        (Empirical, {"values_min": ()}, ("values",), "at least one"),
        (Empirical, {"values_min": (1.0, math.inf)}, ("values",), "inf"),
        (SignedNormal, {"mean_min": -5.0, "sd_min": 0.0}, ("sd",), "constant"),
    ],
)
def test_impossible_parameters_are_refused(
    kind: type, values: dict[str, object], path: tuple[str, ...], words: str
) -> None:
    with pytest.raises(QuantityError) as caught:
        kind(**values)
    assert caught.value.args[0] == path
    assert words in caught.value.args[1]
