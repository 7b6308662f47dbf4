"""Scores drift detectors: one scenario under each kind and severity of shift, and under none."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from actors.tasks import cores
from services.banks import Banks
from services.config import Settings
from services.console import Bars, say
from services.experiments.nominal import Runner
from services.experiments.plan import Point
from services.experiments.store import Store
from services.image_directory import ImageDirectory
from services.learning import model_for
from simulator.cases.bank import Severities
from simulator.experiment.detector_table import PREVALENCE, Trial, detector_table
from simulator.experiment.result import ReplicationResult
from simulator.language.calendar import DAY_MIN
from simulator.language.scenario import load, plain, resolved
from simulator.language.schema import Scenario
from simulator.language.sweep import vary
from simulator.quantities import QuantityError, format_duration, parse_duration
from simulator.report.detectors import detectors_page
from twin.acquisition.acquisition import SEVERITIES
from twin.acquisition.shifts import SHIFTS
from twin.errors import ScenarioError, SettingsError

KIND: Final = "detectors"
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


def score_detectors(order: DetectorOrder, settings: Settings, bars: Bars) -> dict[str, Any]:
    """Run all trials, keep their files, and return the table as plain data.

    Raises:
        ScenarioError: the scenario has no bank, watches nothing, or has a sweep.
        SettingsError: an option is not valid.
    """
    trials = Trials(order)
    images = ImageDirectory(settings.data, skip_bad=order.skip_bad)
    say("the bank is scored first: every image in every way that it can be taken")
    banks = _banks(order.model, settings, bars, images)
    first = banks.of(trials.point(), trials.ways)
    points = [trials.point(), *trials.shifted(first.mixture.prevalence)]
    store = Store.create(order.out, settings.home, f"detectors-{trials.base.name}"[:60])
    kept = {"kind": KIND, **{k: v for k, v in asdict(order).items() if k not in ("text", "out")}}
    store.begin(points, kept, resolved(points[0].scenario))
    return _carry_out(points, kept, store, settings, bars, banks)


def carry_on(
    points: Sequence[Point], kept: dict[str, Any], store: Store, settings: Settings, bars: Bars
) -> dict[str, Any]:
    """Go on with trials that were interrupted; return what they would have given."""
    images = ImageDirectory(settings.data, skip_bad=kept["skip_bad"])
    banks = _banks(kept["model"], settings, bars, images)
    return _carry_out(points, kept, store, settings, bars, banks)


class Trials:
    """The scenarios to be run: each is the given one, but for what shifts."""

    def __init__(self, order: DetectorOrder) -> None:
        self._order = order
        self.base = load(order.text, order.source, order.overrides)
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
        """
        after = self._order.prevalence
        if after is None:
            odds = _ODDS * prevalence / (1 - prevalence) if prevalence < 1 else 0.0
            after = (round(odds / (1 + odds), 2),) if 0 < prevalence < 1 else ()
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


def _banks(model: str | None, settings: Settings, bars: Bars, images: ImageDirectory) -> Banks:
    return Banks(settings, lambda one: model_for(one, model, settings, bars, images), bars, images)


def _carry_out(
    points: Sequence[Point],
    kept: dict[str, Any],
    store: Store,
    settings: Settings,
    bars: Bars,
    banks: Banks,
) -> dict[str, Any]:
    try:
        return _run(points, kept, store, settings, bars, banks)
    except KeyboardInterrupt:
        say(f"interrupted: dermtwin resume {store.folder} carries on")
        raise


def _run(
    points: Sequence[Point],
    kept: dict[str, Any],
    store: Store,
    settings: Settings,
    bars: Bars,
    banks: Banks,
) -> dict[str, Any]:
    started_s = time.perf_counter()
    built = [banks.of(point) for point in points]
    runner = Runner(
        store,
        kept["workers"],
        cores(),
        settings.ray,
        bars,
        {place: one.bank for place, one in enumerate(built)},
        keeps_records=False,  # of a hundred scenarios, gigabytes
    )
    results, _ = runner.run(points)
    scenario = points[0].scenario
    onset_min = next(point.scenario.shifts[0].at_min for point in points if point.label["shift"])
    assert scenario.horizon_min is not None  # or nothing could be watched
    table = detector_table(
        [
            Trial(
                shift=str(point.label["shift"]), level=float(str(point.label["level"])), results=r
            )
            for point, r in zip(points, results, strict=True)
        ],
        onset_min=onset_min,
        horizon_min=scenario.horizon_min,
        confidence=scenario.replications.confidence,
    )
    checks = [one for done in results for result in done for one in result.checks]
    bank = built[0].bank
    result: dict[str, Any] = {
        "kind": KIND,
        "scenario": scenario.name,
        "model_id": bank.model_id,
        "bank": {"images": len(bank), "malignant": int(bank.malignant.sum())},
        "prevalence": built[0].mixture.prevalence,
        "cases_per_day": _cases_per_day(results, onset_min),
        **table,
        "degraded": list(dict.fromkeys(words for one in built for words in one.complaints)),
        "checks_hold": all(one.holds for one in checks),
        "run_dir": str(store.folder),
        "wall_s": round(time.perf_counter() - started_s, 1),
    }
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    store.write("detectors.json", text)
    told_back: dict[str, Any] = json.loads(text)  # plain data, as whoever reads the file sees it
    store.write("detectors.html", detectors_page(told_back))
    return told_back


def _cases_per_day(results: Sequence[Sequence[ReplicationResult]], onset_min: float) -> float:
    """Return how many patients came a day before the onset, by those trials that have one."""
    before: list[int] = [
        one.loop["drift"]["onset_cases"][0]
        for done in results
        for one in done
        if one.loop["drift"]["onset_cases"]
    ]
    return round(sum(before) / len(before) / (onset_min / DAY_MIN), 1)
