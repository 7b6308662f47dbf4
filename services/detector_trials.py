"""The trials of `dermtwin detectors`: one scenario, but for what shifts and by how much."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.experiments.clinic_only import ensure_clinic
from services.experiments.plan import Point
from simulator.cases.bank import Severities
from simulator.experiment.detector_table import PREVALENCE
from simulator.language.scenario import load, plain
from simulator.language.schema import Scenario
from simulator.language.sweep import vary
from simulator.quantities import QuantityError, format_duration, parse_duration
from twin.acquisition.acquisition import SEVERITIES
from twin.acquisition.shifts import SHIFTS
from twin.errors import ScenarioError, SettingsError

_ODDS: Final = 3.0  # of malignant to benign after the prevalence shift, by those before; assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOrder:
    """What a user asked for."""

    text: str  # of the scenario file
    source: str  # its name, for messages
    shifts: tuple[str, ...] = tuple(SHIFTS)
    severities: tuple[int, ...] = tuple(SEVERITIES)
    prevalence: tuple[float, ...] | None = None  # after a shift; None: odds of malignant times 3
    at: str | None = None  # onset; None: that of the scenario's first shift, or half the horizon
    replications: int | None = None  # None: the scenario's
    model: str | None = None
    overrides: tuple[str, ...] = ()
    out: Path | None = None
    workers: int | None = None
    skip_bad: bool = False


class Trials:
    """The scenarios to be run: each is the given one, but for what shifts."""

    def __init__(self, order: DetectorOrder) -> None:
        self._order = order
        self.base = load(order.text, order.source, order.overrides)
        ensure_clinic(self.base, order.source)
        _usable(self.base, order)
        assert self.base.horizon_min is not None  # or nothing could be watched
        self.onset_min = _onset(self.base, order, self.base.horizon_min)
        left_out = ("sweep", "gates", "shifts")
        self._plain = {k: v for k, v in plain(self.base).items() if k not in left_out}
        self._plain["warmup"] = "0 d"
        if order.replications is not None:
            spec = {"min": order.replications, "max": order.replications}
            spec |= {"confidence": self.base.replications.confidence}  # type: ignore[dict-item]
            self._plain["replications"] = spec

    @property
    def ways(self) -> list[Severities]:
        """All ways in which images are taken, beside that of no shift."""
        return [((kind, level),) for kind in self._order.shifts for level in self._order.severities]

    def point(self, shift: str = "", level: float = 0.0) -> Point:
        """Return one trial; without a shift, the one that all are held against."""
        changed: dict[str, object] = {}
        if shift:
            change = {"population": {"prevalence": round(level, 6)}}
            if shift != PREVALENCE:
                change = {"image": {shift: int(level)}}
            changed["shifts"] = [{"id": "shift", "at": format_duration(self.onset_min), **change}]
        scenario = vary(self._plain, changed, self._order.source)
        return Point({"shift": shift, "level": level}, scenario)

    def shifted(self, prevalence: float) -> list[Point]:
        """Return all trials with a shift.

        Parameters:
            prevalence: before any shift.

        Raises:
            SettingsError: nothing is left that could shift.
        """
        after = self._order.prevalence
        if after is None:
            odds = _ODDS * prevalence / (1 - prevalence) if prevalence < 1 else 0.0
            after = (round(odds / (1 + odds), 2),) if 0 < prevalence < 1 else ()
        if not after and not self.ways:
            raise SettingsError("--shifts", "none", "nothing shifts then: give --prevalence")
        return [
            *(self.point(PREVALENCE, share) for share in after),
            *(self.point(kind, level) for way in self.ways for kind, level in way),
        ]


def _usable(scenario: Scenario, order: DetectorOrder) -> None:
    source = order.source
    if scenario.drift is None:
        raise ScenarioError(source, 0, "drift", "is not given: nothing watches; add drift: {}")
    if scenario.bank is None:
        reason = "is not given: trials are run from a bank of scored images; say how many"
        raise ScenarioError(source, 0, "cases.bank", reason)
    if scenario.sweep is not None:
        raise ScenarioError(source, 0, "sweep", "is given: detectors takes single scenarios")
    for name in order.shifts:
        if name not in SHIFTS:
            raise SettingsError("--shifts", name, f"there are {', '.join(SHIFTS)}")
    for level in order.severities:
        if level not in SEVERITIES:
            raise SettingsError("--severities", level, "expected 1 to 5, as 1,3,5 or 1..5")
    for share in order.prevalence or ():
        if not 0 < share < 1:
            raise SettingsError("--prevalence", share, "expected a share between 0 and 1")


def _onset(scenario: Scenario, order: DetectorOrder, horizon_min: float) -> float:
    if order.at is not None:
        try:
            onset_min = parse_duration(order.at)
        except QuantityError as error:
            raise SettingsError("--at", order.at, str(error)) from error
        if not 0 < onset_min < horizon_min:
            ends = format_duration(horizon_min)
            raise SettingsError("--at", order.at, f"is not within the horizon, {ends}")
        return onset_min
    if scenario.shifts and scenario.shifts[0].at_min > 0:
        return scenario.shifts[0].at_min
    return horizon_min / 2
