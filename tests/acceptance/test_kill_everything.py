"""kill -9 of all processes of a run, and the same command again: as if nothing had happened.

The small form of `python -m benchmarks kill_everything`, which does it at 20 random moments.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kill_everything import PATIENCE_S, Bench, End, bench, disturb


@pytest.fixture(scope="module")
def place() -> Iterator[Bench]:
    with bench() as made:
        yield replace(made, route="inprocess")


@pytest.fixture(scope="module")
def undisturbed(place: Bench) -> End:
    return place.finish(place.start("undisturbed", home=home_of(place)), "undisturbed")


def home_of(place: Bench) -> Path:
    return place.work / "home"


def test_while_its_model_learns(place: Bench, undisturbed: End) -> None:
    trial = disturb(place, "learns", place.work / "empty", [("training", True)], undisturbed)
    assert trial.phases[0].startswith("training")
    assert trial.equal, trial.said


def test_while_cases_stream_over_kafka(place: Bench, undisturbed: End) -> None:
    over_kafka = replace(place, route="kafka")
    trial = disturb(over_kafka, "streams", home_of(place), [("stream", False)], undisturbed)
    assert trial.phases[0].startswith("stream")
    assert trial.equal, trial.said
    # The first process alone got the signal: guards, servers and Ray's found out by themselves.
    assert trial.left_after_s[0] is not None, f"some are still there after {PATIENCE_S} s"
