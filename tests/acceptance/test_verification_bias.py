"""Labels of those whom the readers referred, taken for a sample of all: the harm, and the mending.

Few seeds of `python -m benchmarks.verification_bias`, which prints intervals over twenty.
"""

from functools import cache

from benchmarks.gaussian_clinic import bank
from benchmarks.verification_bias import EPOCH_DAYS, Ran, changes_by, estimate_errors, run
from simulator.analysis.intervals import replication_interval
from twin.events import StackPromoted, StackRejected

SEEDS = (1, 2, 3, 4)


@cache
def unweighted(seed: int, gate: str = "on") -> Ran:
    """One decision after four weeks, by the labels as they come."""
    restack = {"every": f"{EPOCH_DAYS} d", "weighting": "none"}
    off = {"gate": "off"} if gate == "off" else {}
    return run(seed, bank(seed), restack | off, "42 d" if off else f"{EPOCH_DAYS + 1} d")


def interval(values: list[float]) -> tuple[float, float]:
    found = replication_interval(values)
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_labels_mislead_until_they_are_weighted() -> None:
    errors = [estimate_errors(unweighted(seed, "off")) for seed in SEEDS]
    for name, sign in (("prevalence", 1), ("sensitivity", 1), ("specificity", -1)):
        low, high = interval([sign * one[f"none.{name}"] for one in errors])
        assert 0.05 < low < high, name
        for weighting in ("known", "estimated"):
            low, high = interval([one[f"{weighting}.{name}"] for one in errors])
            assert low <= 0 <= high, (weighting, name)


def test_a_stack_fitted_to_them_as_they_come_does_harm() -> None:
    """Without a gate, on all patients of the next two weeks, by the truth."""
    changes = [changes_by(unweighted(seed, "off")) for seed in SEEDS]
    assert interval([one["sensitivity"] for one in changes])[1] < -0.05
    assert interval([one["calibration_error"] for one in changes])[0] > 0


def test_the_gate_refuses_it() -> None:
    """It judges the same challengers by labels that are weighted."""
    for seed in SEEDS[:2]:
        first, refused = unweighted(seed).decisions
        passed = unweighted(seed, "off").decisions[-1]
        assert isinstance(first, StackPromoted)
        assert isinstance(passed, StackPromoted)
        assert isinstance(refused, StackRejected)
        assert (refused.verdict, refused.version) == ("rejected", 0)
        assert (refused.how, refused.threshold) == (passed.how, passed.threshold)
        assert "sensitivity" in refused.reason
