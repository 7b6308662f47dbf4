"""What a user asks `dermtwin stress` for."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from simulator.language.scenario import load
from simulator.language.schema import Scenario
from simulator.language.stress import StressSpec
from twin.errors import ScenarioError, SettingsError

_RATED: Final = ("constant", "soak")
_TIMED: Final = ("constant", "soak", "ramp", "spike")


@dataclass(frozen=True, slots=True, kw_only=True)
class StressOrder:
    """A scenario, and what of it is to be otherwise."""

    text: str  # of the scenario file
    source: str  # its name, for messages
    overrides: tuple[str, ...] = ()  # key=value
    rate_per_s: float | None = None
    lasts: str | None = None  # such as "30 min"
    seed: int | None = None
    workers: int | None = None
    model: str | None = None  # id or directory; None: as the scenario says
    batch: int = 64  # most cases scored together
    out: Path | None = None  # run folder; None: a new one below home


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sound order."""

    scenario: Scenario
    stress: StressSpec
    order: StressOrder = field(repr=False)


def asked(order: StressOrder) -> Asked:
    """Return the scenario as it was asked for.

    Raises:
        ScenarioError: it is not valid, or says nothing of stress.
        SettingsError: an option does not fit its profile.
    """
    scenario = load(order.text, order.source, order.overrides)
    if scenario.stress is None:
        reason = "is missing: it says what load comes; dermtwin run takes scenarios without"
        raise ScenarioError(order.source, 0, "stress", reason)
    kind = scenario.stress.profile.kind
    more = []
    if order.rate_per_s is not None:
        _ensure(kind in _RATED, "--rate", f"{order.rate_per_s:g}", kind)
        more.append(f"stress.profile.{kind}.rate_per_s={order.rate_per_s!r}")
    if order.lasts is not None:
        _ensure(kind in _TIMED, "--for", order.lasts, kind)
        more.append(f"stress.profile.{kind}.for={order.lasts}")
    if order.seed is not None:
        more.append(f"seed={order.seed}")
    if order.workers is not None:
        more.append(f"stress.workers={order.workers}")
    if more:
        order = replace(order, overrides=(*order.overrides, *more))
        scenario = load(order.text, order.source, order.overrides)
    assert scenario.stress is not None  # no override takes it away
    return Asked(scenario=scenario, stress=scenario.stress, order=order)


def _ensure(fits: bool, option: str, value: str, kind: str) -> None:
    if not fits:
        reason = f"the profile is {kind}, which takes no such option: use --set stress.profile..."
        raise SettingsError(option, value, reason)
