"""Carries a profile out: one course of cases, or the steps of a search for the knee."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.stress.knee import Knee, Step, find_knee, judged, settling_s
from services.stress.load import Load
from services.stress.measured import Span
from simulator.language.stress import KneeProfile, StressSpec
from twin.errors import DependencyError

SOON_S: Final = 0.2  # from now to the first case: threads have to start
# After the load; what is not answered by then, the audit counts as lost: assumption.
DRAIN_S: Final = 120.0
_HOPELESS: Final = 3.0  # a step ends where the wait is so many times the tightest limit: assumption
TRIES: Final = 2  # that a rate gets before it is too much: assumption
_FEW: Final = 30  # cases that a step must have sent before it may end early

Tell = Callable[[str, float], None]  # what is done from now on, and for how many seconds


@dataclass(slots=True)
class Ran:
    """What was sent, and when. Filled while it happens, so that Ctrl-C leaves what is known."""

    began_s: float  # of the load
    ended_s: float  # of the load; the last case is due before
    span: Span  # that figures are of
    knee: Knee | None = None
    drained: bool = False


def course(load: Load, spec: StressSpec, ran: Ran) -> None:
    """Send what a curve says, and wait for the answers."""
    due = np.fromiter(spec.profile.curve().send_times_s(), dtype=np.float64)
    load.send(ran.began_s + due)
    ran.drained = load.await_answers(DRAIN_S)


def planned(spec: StressSpec, began_s: float) -> Ran:
    """Return what is to be run of a curve, from a time of the clock on."""
    ended_s = began_s + spec.profile.length_s
    return Ran(began_s, ended_s, Span(from_s=began_s + spec.warmup_s, to_s=ended_s))


def search(load: Load, spec: StressSpec, profile: KneeProfile, ran: Ran, tell: Tell) -> None:
    """Search the knee, with all answers there before each step begins.

    Raises:
        DependencyError: what a step has left over is not answered.
    """
    if spec.warmup_s > 0:
        tell("warm-up", spec.warmup_s)
        load.send(_steady(profile.from_per_s, time.monotonic() + SOON_S, spec.warmup_s))
        _drain(load)
    spans: dict[int, Span] = {}
    limits_ms = spec.objective.limits_ms()
    most_s = _HOPELESS * min(limits_ms.values()) / 1000

    def step(rate_per_s: float) -> Step:
        tell(f"{rate_per_s:.4g} per second", profile.hold_s)
        first, begun_s = len(load.book), time.monotonic() + SOON_S
        due_s = _steady(rate_per_s, begun_s, profile.hold_s)

        def is_hopeless() -> bool:
            oldest_s = load.book.oldest_open_s()
            waits = oldest_s is not None and time.monotonic() - oldest_s > most_s
            return waits and len(load.book) - first > _FEW

        whole = load.send(due_s, is_hopeless=is_hopeless)
        ends_s = begun_s + profile.hold_s if whole else time.monotonic()
        _drain(load)
        found = judged(
            load.book.entries(first),
            rate_per_s=rate_per_s,
            from_s=begun_s,
            to_s=ends_s,
            limits_ms=limits_ms,
            cut=not whole,
            settle_s=spec.warmup_s,
        )
        settled_s = settling_s(ends_s - begun_s, spec.warmup_s, cut=not whole)
        spans[id(found)] = Span(from_s=begun_s + settled_s, to_s=ends_s)
        ran.ended_s = ends_s
        return found

    ran.knee = find_knee(
        step,
        from_per_s=profile.from_per_s,
        to_per_s=profile.to_per_s,
        precision=profile.precision,
        tries=TRIES,
    )
    shown = ran.knee.best or ran.knee.steps[-1]
    ran.span, ran.drained = spans[id(shown)], True


def _steady(rate_per_s: float, from_s: float, for_s: float) -> NDArray[np.float64]:
    return from_s + np.arange(max(1, round(rate_per_s * for_s))) / rate_per_s


def _drain(load: Load) -> None:
    if not load.await_answers(DRAIN_S):
        raise DependencyError(f"{load.book.lag} cases have no answer after {DRAIN_S:g} s")
