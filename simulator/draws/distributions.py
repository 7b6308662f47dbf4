"""How long things take: every distribution of a duration, under its name in a scenario.

Each has one class per set of parameters by which people state it.
"""

from collections.abc import Mapping
from typing import Final

from simulator.draws.bounded import Constant, Pert, Triangular, Uniform, UniformOfMean
from simulator.draws.contract import Distribution
from simulator.draws.normal import Normal, Punctuality, SignedConstant, SignedNormal
from simulator.draws.observed import Discrete, Empirical
from simulator.draws.phases import (
    Erlang,
    Exponential,
    ExponentialOfRate,
    Hyperexponential,
    HyperexponentialOfMeans,
)
from simulator.draws.skewed import (
    Gamma,
    GammaOfShape,
    Loglogistic,
    Lognormal,
    LognormalOfMedian,
    Weibull,
    WeibullOfShape,
)

__all__ = [
    "DISTRIBUTIONS",
    "PUNCTUALITIES",
    "Constant",
    "Discrete",
    "Distribution",
    "Empirical",
    "Erlang",
    "Exponential",
    "ExponentialOfRate",
    "Gamma",
    "GammaOfShape",
    "Hyperexponential",
    "HyperexponentialOfMeans",
    "Loglogistic",
    "Lognormal",
    "LognormalOfMedian",
    "Normal",
    "Pert",
    "Punctuality",
    "SignedConstant",
    "SignedNormal",
    "Triangular",
    "Uniform",
    "UniformOfMean",
    "Weibull",
    "WeibullOfShape",
]

# A distribution's name in a scenario, and a class for each set of its parameters.
DISTRIBUTIONS: Final[Mapping[str, tuple[type[Distribution], ...]]] = {
    "constant": (Constant,),
    "exponential": (Exponential, ExponentialOfRate),
    "lognormal": (Lognormal, LognormalOfMedian),
    "gamma": (Gamma, GammaOfShape),
    "erlang": (Erlang,),
    "weibull": (Weibull, WeibullOfShape),
    "uniform": (Uniform, UniformOfMean),
    "triangular": (Triangular,),
    "pert": (Pert,),
    "normal": (Normal,),
    "hyperexponential": (Hyperexponential, HyperexponentialOfMeans),
    "loglogistic": (Loglogistic,),
    "discrete": (Discrete,),
    "empirical": (Empirical,),
}

# The same for times relative to an appointment: negative is early.
PUNCTUALITIES: Final[Mapping[str, tuple[type[Punctuality], ...]]] = {
    "constant": (SignedConstant,),
    "normal": (SignedNormal,),
}
