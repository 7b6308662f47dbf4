"""The knee: the largest rate that a twin keeps up with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.stress.book import Entries
from services.stress.figures import count_at, lag_at, latencies, pace, percentile, theil_sen

# Assumptions: what the twin does in the first part of a step belongs to its filling; below the
# share a twin falls behind, and above it the difference may be chance.
SETTLE_SHARE: Final = 0.2
LEAST_SHARE: Final = 0.98
_LAG_POINTS: Final = 200
_DOWN: Final = 5  # halvings below the first rate, where that is too much already


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was measured at one rate, after it had settled."""

    rate_per_s: float  # asked for
    offered_per_s: float  # due
    throughput_per_s: float  # answered
    p50_ms: float
    p99_ms: float
    lag_growth_per_s: float  # cases by which those under way grow each second
    lag_end: int
    cases: int  # that the percentiles rest on
    late_p99_ms: float  # of the sender
    hold_s: float
    cut: bool  # ended early, as it was hopeless
    why: tuple[str, ...]  # it does not keep up; empty where it does

    @property
    def keeps_up(self) -> bool:
        """Whether the objective holds, all is answered, and nothing piles up."""
        return not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """What the search found."""

    rate_per_s: float | None  # None: not even the least rate tried is kept up with
    too_much_per_s: float | None  # the least rate that was too much; None: all were kept up with
    steps: tuple[Step, ...]  # in the order in which they were made
    words: str

    @property
    def best(self) -> Step | None:
        """The step at the knee."""
        found = [one for one in self.steps if one.rate_per_s == self.rate_per_s and one.keeps_up]
        return found[-1] if found else None


def settling_s(held_s: float, settle_s: float | None, *, cut: bool) -> float:
    """Return how long the begin of a step is that figures leave out."""
    return SETTLE_SHARE * held_s if cut or not settle_s else settle_s


def judged(
    entries: Entries,
    *,
    rate_per_s: float,
    from_s: float,
    to_s: float,
    limits_ms: Mapping[str, float],
    cut: bool,
    settle_s: float | None = None,
) -> Step:
    """Return what a step has shown.

    Parameters:
        entries: of the step, drained: what has no answer by now has none.
        from_s, to_s: when the rate was held.
        limits_ms: the objective, such as `{"latency.p99_ms": 2000}`.
        cut: whether it was ended early.
        settle_s: left out of the figures at its begin; a fifth of the step if None.
    """
    settled_s = from_s + settling_s(to_s - from_s, settle_s, cut=cut)
    seen = entries.within(settled_s, to_s)
    latency_ms = seen.latency_s * 1000
    offered, answered = (pace(one, settled_s, to_s) for one in (entries.due_s, entries.answered_s))
    grid = np.linspace(settled_s, to_s, _LAG_POINTS)
    # Against what was due, not sent: a sender that falls behind must not hide a twin that does.
    open_cases = count_at(entries.due_s, grid) - count_at(entries.answered_s, grid)
    grows = theil_sen(grid, open_cases)
    late_ms = (seen.sent_s - seen.due_s)[~seen.shed] * 1000
    why = []
    if cut:
        why.append("it was hopeless and ended early")
    found_ms = latencies(latency_ms)
    for metric, limit_ms in limits_ms.items():
        if not found_ms[metric] <= limit_ms:
            why.append(f"{metric} {found_ms[metric]:.0f} is above {limit_ms:.0f}")
    if answered < LEAST_SHARE * offered:
        why.append(f"{answered:.1f} of {offered:.1f} cases per second are answered")
    # Beyond what the share above allows, and beyond a batch more or less at the end.
    lags = open_cases.reshape(4, -1)
    if grows > (1 - LEAST_SHARE) * rate_per_s and np.median(lags[-1]) > 1.5 * np.median(lags[0]):
        why.append(f"{grows:.2g} more cases wait each second")
    return Step(
        rate_per_s=rate_per_s,
        offered_per_s=offered,
        throughput_per_s=answered,
        p50_ms=found_ms["latency.p50_ms"],
        p99_ms=found_ms["latency.p99_ms"],
        lag_growth_per_s=grows,
        lag_end=int(lag_at(entries, np.array([to_s]))[0]),
        cases=len(latency_ms),
        late_p99_ms=percentile(late_ms, 99),
        hold_s=to_s - from_s,
        cut=cut,
        why=tuple(why),
    )


def find_knee(
    step: Callable[[float], Step],
    *,
    from_per_s: float,
    to_per_s: float,
    precision: float,
    tries: int = 1,
) -> Knee:
    """Search the largest rate that is kept up with: by doubling, then by halving what is between.

    Parameters:
        step: holds a rate and returns what came of it, with nothing left over for the next.
        precision: ends the search: a share of the rate, such as 0.05.
        tries: a rate is too much once it was so often; a machine may have stood still by chance.
    """
    steps: list[Step] = []

    def tried(rate_per_s: float) -> bool:
        for _ in range(tries):
            steps.append(step(rate_per_s))
            if steps[-1].keeps_up:
                return True
        return False

    good: float | None = None
    bad: float | None = None
    rate = from_per_s
    while bad is None and (good is None or good < to_per_s):
        if tried(rate):
            good = rate
            rate = min(2 * rate, to_per_s)
        else:
            bad = rate
    least = from_per_s / 2**_DOWN
    while good is None and bad is not None and bad / 2 >= least:
        if tried(bad / 2):
            good = bad / 2
        else:
            bad /= 2
    while good is not None and bad is not None and bad > good * (1 + precision):
        middle = (good + bad) / 2
        if tried(middle):
            good = middle
        else:
            bad = middle
    if good is None:
        words = f"not even {bad:g} cases per second are kept up with"
    elif bad is None:
        words = f"{good:g} cases per second, the most that was tried, are kept up with"
    else:
        words = f"{good:.4g} cases per second are kept up with, {bad:.4g} are not"
    return Knee(rate_per_s=good, too_much_per_s=bad, steps=tuple(steps), words=words)
