"""What people write becomes a distribution, and what they got wrong is named."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from simulator.language.distribution_field import (
    format_signed_duration,
    from_plain,
    nearest,
    parse_signed_duration,
    punctuality_from_plain,
    to_plain,
)
from simulator.quantities import QuantityError

PLAIN: list[tuple[object, Distribution]] = [
    ({"constant": "6 min"}, Constant(value_min=6.0)),
    ({"exponential": {"mean": "6 min"}}, Exponential(mean_min=6.0)),
    ({"exponential": {"rate_per_h": 10}}, ExponentialOfRate(rate_per_h=10.0)),
    ({"lognormal": {"mean": "6 min", "sd": "2 min"}}, Lognormal(mean_min=6.0, sd_min=2.0)),
    (
        {"lognormal": {"median": "6 min", "sigma": 0.4}},
        LognormalOfMedian(median_min=6.0, sigma=0.4),
    ),
    ({"gamma": {"mean": "6 min", "sd": "2 min"}}, Gamma(mean_min=6.0, sd_min=2.0)),
    ({"gamma": {"shape": 2, "scale": "3 min"}}, GammaOfShape(shape=2.0, scale_min=3.0)),
    ({"erlang": {"phases": 3, "mean": "1 h"}}, Erlang(phases=3, mean_min=60.0)),
    ({"weibull": {"mean": "6 min", "sd": "2 min"}}, Weibull(mean_min=6.0, sd_min=2.0)),
    ({"weibull": {"shape": 1.5, "scale": "3 min"}}, WeibullOfShape(shape=1.5, scale_min=3.0)),
    ({"uniform": {"low": "3 min", "high": "9 min"}}, Uniform(low_min=3.0, high_min=9.0)),
    ({"uniform": {"mean": "6 min", "sd": "2 min"}}, UniformOfMean(mean_min=6.0, sd_min=2.0)),
    (
        {"triangular": {"low": "1 min", "mode": "3 min", "high": "9 min"}},
        Triangular(low_min=1.0, mode_min=3.0, high_min=9.0),
    ),
    (
        {"pert": {"low": "1 min", "mode": "3 min", "high": "9 min"}},
        Pert(low_min=1.0, mode_min=3.0, high_min=9.0),
    ),
    ({"normal": {"mean": "6 min", "sd": "2 min"}}, Normal(centre_min=6.0, spread_min=2.0)),
    (
        {"hyperexponential": {"mean": "6 min", "sd": "9 min"}},
        Hyperexponential(mean_min=6.0, sd_min=9.0),
    ),
    (
        {"hyperexponential": {"means": ["5 min", "1 h"], "shares": [0.9, "10 %"]}},
        HyperexponentialOfMeans(means_min=(5.0, 60.0), shares=(0.9, 0.1)),
    ),
    ({"loglogistic": {"median": "6 min", "shape": 3}}, Loglogistic(median_min=6.0, shape=3.0)),
    (
        {"discrete": {"values": ["5 min", "10 min"], "shares": [0.3, 0.7]}},
        Discrete(values_min=(5.0, 10.0), shares=(0.3, 0.7)),
    ),
    ({"empirical": {"values": ["30 s", "2 min"]}}, Empirical(values_min=(0.5, 2.0))),
]
SIGNED: list[tuple[object, Distribution]] = [
    ({"constant": "-5 min"}, SignedConstant(value_min=-5.0)),
    ({"normal": {"mean": "-5 min", "sd": "10 min"}}, SignedNormal(mean_min=-5.0, sd_min=10.0)),
    ({"normal": {"mean": "1 min", "sd": "10 min"}}, SignedNormal(mean_min=1.0, sd_min=10.0)),
]


def test_every_set_of_parameters_has_an_example() -> None:
    kinds = {kind for kinds in DISTRIBUTIONS.values() for kind in kinds}
    assert {type(distribution) for _, distribution in PLAIN} == kinds
    signed = {kind for kinds in PUNCTUALITIES.values() for kind in kinds}
    assert {type(distribution) for _, distribution in SIGNED} == signed


@pytest.mark.parametrize(("plain", "distribution"), PLAIN, ids=str)
def test_what_is_written_becomes_a_distribution(plain: object, distribution: Distribution) -> None:
    assert from_plain(plain) == distribution
    assert from_plain(distribution) is distribution
    assert from_plain(json.loads(json.dumps(to_plain(distribution)))) == distribution


@pytest.mark.parametrize(("plain", "distribution"), SIGNED, ids=str)
def test_punctuality(plain: object, distribution: Distribution) -> None:
    assert punctuality_from_plain(plain) == distribution
    assert to_plain(distribution) == plain
    assert punctuality_from_plain(distribution) is distribution


@pytest.mark.parametrize(
    ("plain", "distribution"), [row for row in PLAIN if "10 %" not in str(row)], ids=str
)
def test_the_set_of_parameters_that_was_given_comes_back(
    plain: object, distribution: Distribution
) -> None:
    assert to_plain(from_plain(plain)) == plain


def test_a_bare_duration_is_a_constant() -> None:
    assert from_plain("6 min") == from_plain({"constant": "6 min"}) == Constant(value_min=6.0)
    assert punctuality_from_plain("-6 min") == SignedConstant(value_min=-6.0)


def _any_distribution() -> st.SearchStrategy[Distribution]:
    time = st.floats(1e-3, 1e5)
    spread = st.tuples(time, st.floats(0.01, 90)).map(lambda p: (p[0], p[0] * p[1]))
    three = st.lists(time, min_size=3, max_size=3, unique=True).map(sorted)
    times = st.lists(time, min_size=1, max_size=9).map(tuple)
    return st.one_of(
        st.builds(Constant, value_min=st.floats(0, 1e6)),
        st.builds(ExponentialOfRate, rate_per_h=st.floats(1e-3, 1e3)),
        st.builds(Erlang, phases=st.integers(1, 50), mean_min=time),
        st.builds(LognormalOfMedian, median_min=time, sigma=st.floats(0.01, 3)),
        st.builds(Loglogistic, median_min=time, shape=st.floats(1.5, 20)),
        *(
            spread.map(lambda p, kind=kind: kind(mean_min=p[0], sd_min=p[1]))
            for kind in (Lognormal, Gamma, Weibull)
        ),
        spread.map(lambda p: Normal(centre_min=p[0], spread_min=p[1])),
        *(
            three.map(lambda t, kind=kind: kind(low_min=t[0], mode_min=t[1], high_min=t[2]))
            for kind in (Triangular, Pert)
        ),
        st.builds(Empirical, values_min=times),
        times.map(lambda t: Discrete(values_min=t, shares=(1 / len(t),) * len(t))),
    )


@given(distribution=_any_distribution())
def test_any_distribution_goes_there_and_back(distribution: Distribution) -> None:
    assert from_plain(to_plain(distribution)) == distribution
    assert from_plain(json.loads(json.dumps(to_plain(distribution)))) == distribution


@given(minutes=st.floats(-1e9, 1e9))
def test_signed_durations_go_there_and_back(minutes: float) -> None:
    assert parse_signed_duration(format_signed_duration(minutes)) == minutes


@pytest.mark.parametrize("value", ["--5 min", "-5", "- min", "-5 m", -5, None, "5 - min"])
def test_what_is_no_signed_duration(value: object) -> None:
    with pytest.raises(QuantityError, match=re.escape(repr(value).strip("'"))):
        parse_signed_duration(value)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        (6, (), "no unit"),
        ("6", (), "no duration"),
        ("-6 min", (), "no duration"),
        (None, (), "no duration"),
        ({}, (), "0 keys"),
        ({"gamma": {}, "constant": "6 min"}, (), "2 keys"),
        ({"lognorml": {}}, ("lognorml",), "did you mean 'lognormal'"),
        ({"zebra": {}}, ("zebra",), "there are constant, exponential"),
        ({7: {}}, ("7",), "no such distribution"),
        ({"gamma": "6 min"}, ("gamma",), "mean, sd or shape, scale, got '6 min'"),
        ({"gamma": {}}, ("gamma",), "mean, sd or shape, scale, got {}"),
        ({"gamma": {"mean": "6 min"}}, ("gamma", "sd"), "is required"),
        ({"gamma": {"scale": "6 min"}}, ("gamma", "shape"), "is required"),
        ({"gamma": {"mean": "6 min", "std": "1 min"}}, ("gamma", "std"), "did you mean 'sd'"),
        ({"gamma": {7: "6 min"}}, ("gamma", "7"), "unknown key"),
        (
            {"lognormal": {"mean": "6 min", "sigma": 0.4}},
            ("lognormal", "sigma"),
            "does not go with mean; accepted are mean, sd or median, sigma",
        ),
        (
            {"lognormal": {"mean": "6 min", "median": "5 min", "sigma": 0.4}},
            ("lognormal", "mean"),
            "does not go with median, sigma",
        ),
        ({"lognormal": {"median": "6 min", "sigma": "2 min"}}, ("lognormal", "sigma"), "no number"),
        ({"lognormal": {"median": "6 min", "sigma": True}}, ("lognormal", "sigma"), "no number"),
        ({"lognormal": {"median": "6 min", "sigma": 10**400}}, ("lognormal", "sigma"), "too large"),
        ({"erlang": {"phases": 2.5, "mean": "1 h"}}, ("erlang", "phases"), "2.5 is no whole"),
        ({"gamma": {"mean": "6 min", "sd": 1}}, ("gamma", "sd"), "no unit"),
        ({"gamma": {"mean": "6 min", "sd": "0 min"}}, ("gamma", "sd"), "above 0"),
        ({"gamma": {"mean": "0 min", "sd": "1 min"}}, ("gamma", "mean"), "above 0"),
        ({"normal": {"mean": "0 min", "sd": "1 min"}}, ("normal", "mean"), "above 0"),
        ({"constant": 5}, ("constant",), "no unit"),
        (
            {"triangular": {"low": "1 min", "mode": "5 min", "high": "3 min"}},
            ("triangular",),
            "low <= mode <= high",
        ),
        ({"discrete": {"values": "5 min", "shares": [1]}}, ("discrete", "values"), "a list"),
        (
            {"discrete": {"values": ["5 min", 7], "shares": [0.5, 0.5]}},
            ("discrete", "values"),
            "entry 2: 7 has no unit",
        ),
        (
            {"discrete": {"values": ["5 min"], "shares": [2]}},
            ("discrete", "shares"),
            "entry 1: 2 is no share",
        ),
        ({"empirical": {"values": []}}, ("empirical", "values"), "at least one"),
        (
            {"empirical": {"file": "times.csv", "column": "read", "unit": "min"}},
            ("empirical", "file"),
            "files are read when a scenario is loaded from a file",
        ),
        ({"gamma": {"file": "times.csv"}}, ("gamma", "file"), "unknown key"),
    ],
    ids=str,
)
def test_refusals_name_the_part_at_fault(value: object, path: tuple[str, ...], words: str) -> None:
    with pytest.raises(QuantityError) as caught:
        from_plain(value)
    assert caught.value.args[0] == path
    assert words in caught.value.args[1]
    assert str(caught.value)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ({"lognormal": {"mean": "6 min", "sd": "2 min"}}, ("lognormal",), "constant, normal"),
        ({"normal": {"mean": "-6 min", "sd": "-2 min"}}, ("normal", "sd"), "no duration"),
        ({"normal": {"mean": "-6 mins", "sd": "2 min"}}, ("normal", "mean"), "'-6 mins'"),
        ("6", (), "no duration"),
    ],
)
def test_refusals_of_punctuality(value: object, path: tuple[str, ...], words: str) -> None:
    with pytest.raises(QuantityError) as caught:
        punctuality_from_plain(value)
    assert caught.value.args[0] == path
    assert words in caught.value.args[1]


def test_nearest_word() -> None:
    assert nearest("rate", ["rate_per_h"]) == ", did you mean 'rate_per_h'?"
    assert nearest("zebra", ["rate_per_h"]) == ""
