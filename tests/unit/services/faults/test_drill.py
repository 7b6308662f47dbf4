"""A drill carries faults out at their times, undoes them, and measures the recovery."""

import io
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from services.faults import drill as module
from services.faults import steady
from services.faults.drill import NOT_BEGUN, Drill, FaultOutcome
from services.faults.injector import Injector, RefusedError
from services.faults.steady import Steadiness
from services.logs import open_log
from simulator.language.disturbances import Disturbance
from twin.errors import DependencyError, InvariantError


@dataclass(frozen=True)
class Below:
    metric: str
    bound: float
    op: str = "<"

    @property
    def text(self) -> str:
        return f"{self.metric} {self.op} {self.bound:g}"


CONDITIONS = [Below("lag", 10.0)]


@dataclass
class Patient:
    """A twin that lags from a fault's begin until some time after its end."""

    ill_for_s: float = 0.1
    done: list[str] = field(default_factory=list)
    error: Exception | None = None
    ill_until_s: float = 0.0

    def carry_out(self, asked: Disturbance) -> Callable[[], None] | None:
        self.done.append(f"{asked}")
        if self.error is not None:
            raise self.error
        if asked.for_s is None:
            self.ill_until_s = time.monotonic() + self.ill_for_s
            return None
        self.ill_until_s = float("inf")

        def undo() -> None:
            self.done.append(f"no {asked}")
            self.ill_until_s = time.monotonic() + self.ill_for_s

        return undo

    def probe(self) -> Mapping[str, float]:
        return {"lag": 50.0 if time.monotonic() < self.ill_until_s else 0.0}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(steady, "HOLDS_S", 0.1)


def at(at_s: float, action: str = "kill", for_s: float | None = None) -> Disturbance:
    return Disturbance(at_s=at_s, for_s=for_s, action=action, target="mirror")


class Injecting(Injector):
    """One whose twin is a patient."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    def carry_out(self, asked: Disturbance) -> Callable[[], None] | None:
        return self._patient.carry_out(asked)


def drilled(
    patient: Patient, *asked: Disturbance, load_s: float = 0.6, recover_s: float = 5.0
) -> list[FaultOutcome]:
    drill = Drill(
        asked,
        Injecting(patient),
        patient.probe,
        open_log(io.StringIO()),
        conditions=CONDITIONS,
        recover_s=recover_s,
    )
    drill.begin(time.monotonic())
    time.sleep(load_s)
    outcomes = drill.finish()
    assert drill.finish() == outcomes
    assert not [one for one in threading.enumerate() if one.name.startswith("drill")]
    return outcomes


def test_recovery_counts_from_the_begin_and_from_the_end() -> None:
    patient = Patient(ill_for_s=0.15)

    (found,) = drilled(patient, at(0.1, "freeze", for_s=0.2))

    assert patient.done == ["freeze mirror", "no freeze mirror"]
    assert found.passed
    assert (found.steady_before, found.steady_during, found.steady_after) == (True, False, True)
    assert found.began_s == pytest.approx(0.1, abs=0.08)
    assert found.recovered_s == pytest.approx(0.35, abs=0.12)
    assert found.recovered_from_end_s == pytest.approx(0.15, abs=0.1)
    assert found.broken == {"lag < 10": 50.0}
    json.dumps(found.as_dict())


def test_what_nobody_notices_needs_no_recovery() -> None:
    (found,) = drilled(Patient(ill_for_s=0.0), at(0.1))

    assert found.passed
    assert (found.steady_during, found.recovered_s) == (True, 0.0)


def test_one_that_does_not_come_back_is_told_of_after_a_bounded_wait() -> None:
    began_s = time.monotonic()

    (found,) = drilled(Patient(ill_for_s=60.0), at(0.1), recover_s=0.3)

    assert time.monotonic() - began_s < 5.0
    assert (found.recovered_s, found.steady_after, found.passed) == (None, False, False)


def test_a_fault_that_is_on_when_the_load_ends_is_undone() -> None:
    patient = Patient()

    (found,) = drilled(patient, at(0.1, "freeze", for_s=600.0), load_s=0.3)

    assert patient.done == ["freeze mirror", "no freeze mirror"]
    assert found.passed


def test_a_fault_whose_time_does_not_come_is_told_of() -> None:
    patient = Patient()

    (found,) = drilled(patient, at(60.0))

    assert (patient.done, found.refused, found.passed) == ([], NOT_BEGUN, False)


def test_a_refused_fault_says_why_and_the_others_are_carried_out() -> None:
    patient = Patient(error=RefusedError("redis is not ours"))

    first, second = drilled(patient, at(0.1), at(0.2))

    assert len(patient.done) == 2
    assert (first.refused, second.refused) == ("redis is not ours", "redis is not ours")
    assert not first.passed


def test_a_fault_that_fails_is_told_of() -> None:
    (found,) = drilled(Patient(error=DependencyError("Redis: no answer")), at(0.1))

    assert found.refused == "failed: Redis: no answer"


def test_what_ends_the_drill_is_raised_and_what_was_done_is_undone() -> None:
    patient = Patient()
    injecting = Injecting(patient)
    drill = Drill(
        [at(0.05, "freeze", for_s=600.0), at(0.1)],
        injecting,
        patient.probe,
        open_log(io.StringIO()),
        conditions=CONDITIONS,
    )
    drill.begin(time.monotonic())
    time.sleep(0.07)
    patient.error = ValueError("a bug")
    time.sleep(0.1)

    with pytest.raises(ValueError, match="a bug"):
        drill.finish()

    assert "no freeze mirror" in patient.done


def test_what_cannot_be_measured_does_not_hold() -> None:
    def fails() -> Mapping[str, float]:
        raise DependencyError("Redis: no answer")

    assert list(Steadiness(CONDITIONS, fails).look().broken) == ["lag < 10"]
    assert list(Steadiness(CONDITIONS, dict).look().broken) == ["lag < 10"]
    with pytest.raises(InvariantError):
        Steadiness(CONDITIONS, lambda: (_ for _ in ()).throw(InvariantError("x"))).look()


def test_a_moment_that_is_steady_in_between_is_no_recovery() -> None:
    lags = iter([50.0, 0.0, 50.0, 0.0, 0.0, 0.0])
    times = iter([0.0, 0.05, 0.1, 0.2, 0.25, 0.35])
    steadiness = Steadiness(CONDITIONS, lambda: {"lag": next(lags)}, lambda: next(times))
    for _ in range(6):
        steadiness.look()

    assert steadiness.recovered_s(0.0) == 0.2


def test_what_takes_a_while_to_show_is_no_recovery_at_once() -> None:
    lags = iter([0.0, 0.0, 50.0, 0.0, 0.0])
    times = iter([0.0, 3.0, 4.0, 6.0, 9.0])
    steadiness = Steadiness(CONDITIONS, lambda: {"lag": next(lags)}, lambda: next(times), shows_s=5)
    for _ in range(3):
        steadiness.look()
    assert steadiness.recovered_s(0.0) is None
    steadiness.look()
    steadiness.look()
    assert steadiness.recovered_s(0.0) == 6.0
