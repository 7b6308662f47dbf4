"""Distributions in a scenario: what people write, turned into one, and back.

All of it is made from one table of distributions (`simulator.draws.distributions`) and one of
parameters (`simulator.language.parameters`), and so is the schema for editors.
"""

from collections.abc import Mapping
from typing import Final

from simulator.draws.distributions import DISTRIBUTIONS, PUNCTUALITIES, Distribution
from simulator.language.columns import read_column, read_values
from simulator.language.distribution_schema import json_schema, punctuality_json_schema
from simulator.language.nearest import nearest
from simulator.language.parameters import Parameter, parameters
from simulator.language.signed import format_signed_duration, parse_signed_duration
from simulator.quantities import QuantityError, format_duration, parse_duration

__all__ = [
    "format_signed_duration",
    "from_plain",
    "json_schema",
    "nearest",
    "parse_signed_duration",
    "punctuality_from_plain",
    "punctuality_json_schema",
    "read_column",
    "read_values",
    "to_plain",
]

Registry = Mapping[str, tuple[type[Distribution], ...]]

_NAMES: Final[Mapping[type, str]] = {
    kind: name
    for registry in (DISTRIBUTIONS, PUNCTUALITIES)
    for name, kinds in registry.items()
    for kind in kinds
}


def from_plain(value: object) -> Distribution:
    """Return the distribution that a scenario's value names; a bare duration is a constant.

    Raises:
        QuantityError: not a distribution, with the path to the part at fault.

    >>> from_plain({"lognormal": {"mean": "6 min", "sd": "2 min"}})
    Lognormal(mean_min=6.0, sd_min=2.0)
    >>> from_plain({"lognormal": {"median": "6 min", "sigma": 0.3}})
    LognormalOfMedian(median_min=6.0, sigma=0.3)
    >>> from_plain("30 s")
    Constant(value_min=0.5)
    """
    return _from_plain(value, DISTRIBUTIONS, signed=False)


def punctuality_from_plain(value: object) -> Distribution:
    """Return the distribution of a time relative to an appointment; negative is early.

    Raises:
        QuantityError: not such a distribution, with the path to the part at fault.

    >>> punctuality_from_plain({"normal": {"mean": "-5 min", "sd": "10 min"}})
    SignedNormal(mean_min=-5.0, sd_min=10.0)
    >>> punctuality_from_plain("-5 min")
    SignedConstant(value_min=-5.0)
    """
    return _from_plain(value, PUNCTUALITIES, signed=True)


def to_plain(distribution: Distribution) -> dict[str, object]:
    """Return the scenario's value that is read back as `distribution`, with the same parameters.

    >>> to_plain(from_plain({"exponential": {"rate_per_h": 6}}))
    {'exponential': {'rate_per_h': 6.0}}
    >>> to_plain(punctuality_from_plain("-5 min"))
    {'constant': '-5 min'}
    """
    kind: type[Distribution] = type(distribution)
    name = _NAMES[kind]
    signed = name in PUNCTUALITIES and kind in PUNCTUALITIES[name]
    if name == "constant":
        shown = format_signed_duration if signed else format_duration
        return {name: shown(distribution.mean_min)}
    return {
        name: {
            key: parameter.write(getattr(distribution, parameter.field), signed=signed)
            for key, parameter in parameters(kind).items()
        }
    }


def _from_plain(value: object, registry: Registry, *, signed: bool) -> Distribution:
    if type(value) in _NAMES and type(value) in registry.get(_NAMES[type(value)], ()):
        return value  # type: ignore[return-value]  # already one, as where a program builds it
    if not isinstance(value, Mapping):
        return _constant((), value, registry, signed=signed)
    if len(value) != 1:
        known = ", ".join(registry)
        raise QuantityError((), f"expected exactly one of {known}, got {len(value)} keys")
    [(name, given)] = value.items()
    if name not in registry:
        reason = f"no such distribution{nearest(name, registry)}"
        raise QuantityError((str(name),), f"{reason}; there are {', '.join(registry)}")
    if name == "constant":
        return _constant((name,), given, registry, signed=signed)
    try:
        kind, wanted = _choose(given, registry[name])
        values = {
            parameter.field: _read(key, given[key], parameter, signed=signed)
            for key, parameter in wanted.items()
        }
        return kind(**values)
    except QuantityError as error:
        path, reason = error.args
        raise QuantityError((name, *path), reason) from error


def _choose(
    given: object, kinds: tuple[type[Distribution], ...]
) -> tuple[type[Distribution], Mapping[str, Parameter]]:
    """Return the class whose parameters are given, and these parameters by their key."""
    choices = {kind: parameters(kind) for kind in kinds}
    accepted = " or ".join(", ".join(choice) for choice in choices.values())
    if not isinstance(given, Mapping) or not given:
        raise QuantityError((), f"expected a mapping with {accepted}, got {given!r}")
    if "file" in given and any("values" in choice for choice in choices.values()):
        reason = "files are read when a scenario is loaded from a file; give values here"
        raise QuantityError(("file",), reason)
    valid = [key for choice in choices.values() for key in choice]
    for key in given:
        if key not in valid:
            reason = f"unknown key{nearest(key, valid)}"
            raise QuantityError((str(key),), f"{reason}; accepted are {accepted}")
    # The choice with most of the keys given, the first of equals.
    kind = max(kinds, key=lambda kind: len(choices[kind].keys() & given.keys()))
    wanted = choices[kind]
    for key in given:
        if key not in wanted:
            reason = f"does not go with {', '.join(k for k in given if k in wanted)}"
            raise QuantityError((key,), f"{reason}; accepted are {accepted}")
    for key in wanted:
        if key not in given:
            also = f"; accepted are {accepted}" if len(kinds) > 1 else ""
            raise QuantityError((key,), f"is required{also}")
    return kind, wanted


def _read(key: str, value: object, parameter: Parameter, *, signed: bool) -> object:
    try:
        return parameter.read(value, signed=signed)
    except QuantityError as error:
        raise QuantityError((key,), error.args[1]) from error


def _constant(
    path: tuple[str, ...], value: object, registry: Registry, *, signed: bool
) -> Distribution:
    [kind] = registry["constant"]
    parse = parse_signed_duration if signed else parse_duration
    try:
        return kind(**{"value_min": parse(value)})
    except QuantityError as error:
        raise QuantityError(path, error.args[1]) from error
