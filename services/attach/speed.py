"""How fast an attached run goes."""

from typing import Final

from simulator.clinic.people import People
from simulator.language.load import rate_of
from simulator.language.schema import Scenario
from twin.errors import SettingsError

WATCHED_MIN: Final = 3.0  # wall time of a horizon: long enough to see, short enough to wait for
MAX: Final = "max"
_WITHOUT_RATE: Final = 60.0  # an hour a minute, where nothing tells how long it takes: assumption


def speed_of(given: str | None, scenario: Scenario) -> float | None:
    """Return simulated minutes per wall minute; None for as fast as it goes.

    Parameters:
        given: of the option; None where it was left out.

    Raises:
        SettingsError: it is no speed, or one that the scenario's clock does not have.
    """
    is_real = scenario.clock == "real"
    if given is None:
        return scenario.speed if is_real else _default(scenario)
    if given == MAX:
        if is_real:
            reason = "the scenario has a real clock, whose arrivals come at a pace: give a number"
            raise SettingsError("--speed", given, reason)
        return None
    try:
        speed = float(given)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        reason = f"expected simulated minutes per wall minute, such as 600, or {MAX}"
        raise SettingsError("--speed", given, reason)
    return speed


def _default(scenario: Scenario) -> float:
    lasts_min = scenario.horizon_min
    if lasts_min is None:
        rate_per_min = sum(rate_of(scenario, one) for one in scenario.patient_classes)
        if not rate_per_min or scenario.cases.count is None:
            return _WITHOUT_RATE
        lasts_min = People(scenario, 0).expected / rate_per_min
    return round(lasts_min / WATCHED_MIN, 3)
