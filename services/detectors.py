"""Scores drift detectors: one scenario under each kind and severity of shift, and under none."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from actors.tasks import cores
from services.banks import Banks
from services.config import Settings
from services.console import Bars, say
from services.detector_trials import DetectorOrder, Trials
from services.experiments.nominal import Runner
from services.experiments.plan import Point
from services.experiments.store import Store
from services.image_directory import ImageDirectory
from services.learning import model_for
from simulator.experiment.detector_table import Trial, detector_table
from simulator.experiment.result import ReplicationResult
from simulator.language.calendar import DAY_MIN
from simulator.language.scenario import resolved
from simulator.report.detectors import detectors_page

KIND: Final = "detectors"
QUIET: Final = 5  # times as many replications without a shift as of each trial with one; assumption


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
    try:
        first = banks.of(trials.point(), trials.ways)
    except KeyboardInterrupt:
        say("interrupted: images scored so far are kept; the same command goes on from there")
        raise
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
    bars.keep_in(store.folder)
    with store.alone():
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
    # False alarms are rare. More runs tell how rare; those that are done are found in the folder.
    count = QUIET * len(results[0])
    spec = scenario.replications.model_copy(update={"min": count, "max": count, "precision": None})
    alone = Point(points[0].label, scenario.model_copy(update={"replications": spec}))
    results[0] = runner.run([alone])[0][0]
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
