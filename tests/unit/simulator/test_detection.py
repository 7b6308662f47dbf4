"""Hand-made reports with known delays and false alarms."""

import math

import pytest

from simulator.analysis.detection import (
    ANY,
    Watched,
    detection,
    false_alarms,
    family_of,
    pairs_of,
    quantiles,
    watched_of,
)
from simulator.analysis.poisson import poisson_interval
from twin.errors import InvariantError
from twin.events import DriftReported, DriftSignal

DAY = 1440.0
ARRIVALS = [place * DAY / 10 for place in range(300)]  # ten a day


def run(
    *alarms: tuple[str, str, float], days: int = 30, streams=(("adwin", "input.0"),)
) -> Watched:
    """A run of daily reports; alarms are (detector, stream, day)."""
    pairs = {*streams, *((by, stream) for by, stream, _ in alarms)}
    reports = []
    for epoch in range(1, days + 1):
        signals = tuple(
            DriftSignal(
                detector=by,
                stream=stream,
                alarms=tuple(
                    day * DAY
                    for who, what, day in alarms
                    if (who, what) == (by, stream) and epoch - 1 < day <= epoch
                ),
                value=0.0,
            )
            for by, stream in sorted(pairs)
        )
        reports.append(DriftReported(at_min=epoch * DAY, epoch=epoch, cases=10, signals=signals))
    return watched_of(reports, ARRIVALS)


def seen(runs: list[Watched], detector: str = ANY, family: str = ANY, to_day: float = 30):
    return detection(
        runs,
        detector,
        family,
        onset_min=20 * DAY,
        onset_cases=[200] * len(runs),
        to_min=to_day * DAY,
    )


def test_the_delay_is_from_the_onset_to_the_first_alarm_after_it() -> None:
    found = seen([run(("adwin", "input.0", 3), ("adwin", "input.0", 21.5), ("adwin", "loss", 24))])
    assert (found.runs, found.detected) == (1, 1)
    assert found.delay_min == (1.5 * DAY,) * 3
    assert found.delay_cases == (16,) * 3, "the case at the alarm is the sixteenth since the onset"


def test_an_alarm_counts_for_its_detector_and_family_alone() -> None:
    runs = [run(("adwin", "input.0", 22), ("kswin", "score.svm", 21), ("hotelling", "all", 25))]
    days = {pair: (seen(runs, *pair).delay_min[1] or math.inf) / DAY for pair in pairs_of(runs)}
    assert days == {
        (ANY, ANY): 1,
        ("adwin", "inputs"): 2,
        ("hotelling", "multivariate"): 5,
        ("kswin", "scores"): 1,
    }
    assert seen(runs, "adwin", "scores").detected == 0


def test_runs_that_do_not_detect_are_later_than_all_others() -> None:
    runs = [run(("adwin", "input.0", 20 + delay)) for delay in (1, 2, 4)] + [run()]
    found = seen(runs)
    assert (found.runs, found.detected, found.share.mean) == (4, 3, 0.75)
    assert 0.3 < (found.share.low or 0) < 0.75 < (found.share.high or 0) < 0.96
    assert found.delay_min == (1 * DAY, 2 * DAY, 4 * DAY)
    late = seen([*runs, run(), run(), run()])
    assert (late.delay_min[0], late.delay_min[1:]) == (2 * DAY, (None, None))
    assert late.delay_cases[1] is None


def test_an_alarm_behind_the_horizon_or_before_the_onset_detects_nothing() -> None:
    runs = [run(("adwin", "input.0", 27), ("adwin", "input.0", 19.9))]
    assert seen(runs, to_day=27).detected == 0
    assert seen(runs, to_day=27.1).detected == 1
    assert seen([run(("adwin", "input.0", 20))]).delay_min[1] == 0


def test_false_alarms_of_one_report_are_one() -> None:
    quiet = run(
        ("adwin", "input.0", 3.2),
        ("adwin", "input.1", 3.4),
        ("adwin", "input.1", 4.0),  # told by the report of day 4, as are those before it
        ("adwin", "input.1", 4.1),
        ("kswin", "score.svm", 4.1),
    )
    both = [quiet, run()]
    assert false_alarms(both, "adwin", "inputs").reports == 2
    assert false_alarms(both, "kswin", ANY).reports == 1
    found = false_alarms(both, ANY, ANY)
    assert (found.reports, found.watched_min) == (2, 60 * DAY)
    assert found.per_month is not None
    assert found.per_month.mean == 1.0
    assert (found.per_month.low, found.per_month.high) == pytest.approx((0.1211, 3.6123), abs=1e-4)


def test_an_alarm_while_a_shift_is_in_force_is_not_false() -> None:
    runs = [run(("adwin", "input.0", 5), ("adwin", "input.0", 20), ("adwin", "input.0", 21))]
    found = false_alarms(runs, ANY, ANY, until_min=20 * DAY)
    assert (found.reports, found.watched_min) == (1, 20 * DAY)


def test_without_an_alarm_the_rate_is_nought_with_an_upper_bound() -> None:
    found = false_alarms([run()], ANY, ANY).per_month
    assert found is not None
    assert (found.mean, found.low) == (0, 0)
    assert found.high == pytest.approx(3.6889, abs=1e-4)
    assert false_alarms([], ANY, ANY).per_month is None


def test_detectors_are_told_with_the_families_that_they_watch() -> None:
    streams = (("adwin", "input.0"), ("adwin", "loss"), ("hotelling", "all"))
    assert pairs_of([run(streams=streams)]) == [
        (ANY, ANY),
        ("adwin", ANY),
        ("adwin", "inputs"),
        ("adwin", "performance"),
        ("hotelling", "multivariate"),
    ]
    with pytest.raises(InvariantError, match="'weather' is of no family"):
        family_of("weather")


def test_quartiles_are_values_that_occur() -> None:
    assert quantiles([5, 1, 3, math.inf]) == (1, 3, 5)
    assert quantiles([2]) == (2, 2, 2)


def test_nothing_can_be_said_of_no_runs() -> None:
    with pytest.raises(ValueError, match="nobody watched"):
        seen([])
    with pytest.raises(ValueError, match="is no rate"):
        poisson_interval(1, 0.0)


def test_bounds_of_a_rate_are_where_the_count_is_in_the_tail() -> None:
    from scipy.stats import poisson

    found = poisson_interval(7, 2.0, 0.9)
    assert poisson.sf(6, 2 * (found.low or 0)) == pytest.approx(0.05)
    assert poisson.cdf(7, 2 * (found.high or 0)) == pytest.approx(0.05)
