"""The mathematics of a load, on servers whose answers are known to the last digit."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.stress.book import Book, Entries
from services.stress.figures import growth, lag_at, pace, percentile, theil_sen, windowed
from services.stress.knee import Step, find_knee, judged
from services.stress.levels import Levels
from services.stress.measured import Span, by_level, memory_of, metrics_of, series_of
from services.stress.processes import Look, Processes, component_of
from simulator.language.classes import ClassSpec
from twin.shedding import ExpectedWait, Shedding

Floats = NDArray[np.float64]


def served(due_s: Floats, service_s: float, stall: tuple[float, float] = (0.0, 0.0)) -> Entries:
    """Return what a server makes of cases that takes `service_s` each, one after another.

    Parameters:
        stall: begin and end of a time in which it begins nothing.
    """
    done_s, free_s = np.empty(len(due_s)), 0.0
    for number, at_s in enumerate(due_s):
        begins_s = max(free_s, float(at_s))
        if stall[0] <= begins_s < stall[1]:
            begins_s = stall[1]
        done_s[number] = free_s = begins_s + service_s
    nothing = np.zeros(len(due_s), dtype=np.int64)
    no = np.zeros(len(due_s), dtype=np.bool_)
    return Entries(due_s, due_s.copy(), done_s, nothing, no, no)


def poisson(rate_per_s: float, for_s: float, seed: int) -> Floats:
    """Return so many times at random as the rate says."""
    draws = np.random.default_rng(seed).random(round(rate_per_s * for_s))
    return np.sort(draws) * for_s


@pytest.mark.parametrize(("mu", "limit_ms"), [(50.0, 2000.0), (120.0, 500.0)])
@pytest.mark.parametrize("seed", range(5))
def test_the_knee_of_an_md1_server_is_its_service_rate(
    mu: float, limit_ms: float, seed: int
) -> None:
    def step(rate_per_s: float) -> Step:
        entries = served(poisson(rate_per_s, 40.0, seed), 1 / mu)
        return judged(
            entries,
            rate_per_s=rate_per_s,
            from_s=0.0,
            to_s=40.0,
            limits_ms={"latency.p99_ms": limit_ms},
            cut=False,
        )

    knee = find_knee(step, from_per_s=10, to_per_s=1000, precision=0.05)
    assert knee.rate_per_s is not None
    assert knee.too_much_per_s is not None
    assert knee.too_much_per_s <= knee.rate_per_s * 1.05
    # Within the precision, and what chance moves a queue of 40 s by.
    assert knee.rate_per_s == pytest.approx(mu, rel=0.06)
    assert knee.best is not None
    assert knee.best.throughput_per_s == pytest.approx(knee.rate_per_s, rel=0.03)


def test_a_knee_beyond_what_is_tried_and_one_below() -> None:
    def of(mu: float) -> float | None:
        def step(rate_per_s: float) -> Step:
            due_s = np.arange(round(rate_per_s * 20)) / rate_per_s
            limits_ms = {"latency.p99_ms": 1000.0}
            return judged(
                served(due_s, 1 / mu),
                rate_per_s=rate_per_s,
                from_s=0,
                to_s=20,
                limits_ms=limits_ms,
                cut=False,
            )

        knee = find_knee(step, from_per_s=8, to_per_s=64, precision=0.1)
        assert knee.words
        return knee.rate_per_s

    assert of(1000.0) == 64
    assert of(5.0) == pytest.approx(5.0, rel=0.12)  # below what it began with
    assert of(0.05) is None


def test_one_bad_moment_does_not_make_a_rate_too_much() -> None:
    seen: list[float] = []

    def step(rate_per_s: float) -> Step:
        seen.append(rate_per_s)
        stall = (5.0, 9.0) if len(seen) == 2 else (0.0, 0.0)
        return judged(
            served(np.arange(round(rate_per_s * 20)) / rate_per_s, 1 / 50, stall),
            rate_per_s=rate_per_s,
            from_s=0,
            to_s=20,
            limits_ms={"latency.p99_ms": 1000.0},
            cut=False,
        )

    knee = find_knee(step, from_per_s=20, to_per_s=200, precision=0.1, tries=2)
    assert seen[:5] == [20, 40, 40, 80, 80]
    assert knee.rate_per_s == pytest.approx(50, rel=0.1)


def test_a_step_says_why_it_does_not_keep_up() -> None:
    entries = served(np.arange(800) / 40, 1 / 30)  # a third more than it can do
    step = judged(
        entries,
        rate_per_s=40,
        from_s=0,
        to_s=20,
        limits_ms={"latency.p99_ms": 2000, "latency.p50_ms": 10_000},
        cut=False,
    )
    said = " ".join(step.why)
    assert "latency.p99_ms" in said
    assert "latency.p50_ms" not in said
    assert "30.0 of 40.0" in said
    assert "more cases wait" in said
    assert step.lag_growth_per_s == pytest.approx(10, rel=0.05)
    assert step.lag_end == pytest.approx(200, abs=5)


def test_a_stall_of_two_seconds_shows_in_every_case_that_was_due_in_it() -> None:
    due_s = np.arange(100 * 20) / 100
    told = metrics_of(served(due_s, 0.001, stall=(10.0, 12.0)), Span(from_s=0.0, to_s=20.0))
    assert told["latency.max_ms"] == pytest.approx(2001, abs=2)
    # 200 of 2,000 cases waited, evenly from 2 s to nothing (and the backlog was worked off).
    assert told["latency.p90_ms"] == pytest.approx(200, abs=15)
    assert told["latency.p99_ms"] == pytest.approx(1820, abs=30)
    assert told["latency.p50_ms"] == pytest.approx(1, abs=0.1)
    assert told["lag.max_cases"] == pytest.approx(200, abs=30)
    assert told["throughput_per_s"] == pytest.approx(100, rel=0.02)


def test_percentiles_are_values_and_no_answer_is_infinite() -> None:
    values = np.array([5.0, 1.0, 3.0, 2.0, 4.0])
    assert [percentile(values, share) for share in (0, 20, 21, 50, 99, 100)] == [1, 1, 2, 3, 5, 5]
    assert percentile(np.append(values, np.inf), 80) == 5
    assert percentile(np.append(values, np.inf), 99) == np.inf
    assert np.isnan(percentile(np.array([]), 50))
    found = windowed(np.array([0.1, 0.9, 2.5]), np.array([1.0, 2, 3]), np.arange(4.0), 99)
    assert found[0] == 2
    assert np.isnan(found[1])
    assert found[2] == 3


def test_growth_is_robust_and_a_share_of_the_median() -> None:
    at_s = np.arange(0.0, 100.0, 2.0)
    flat = np.full(50, 400.0)
    flat[[7, 20, 33]] = 900.0  # spikes
    assert growth(at_s, flat) == 0
    rising = 400 + at_s  # 98 more at the end, of 449 in the middle
    assert growth(at_s, rising) == pytest.approx(98 / 449)
    assert theil_sen(np.arange(2000.0), 3 * np.arange(2000.0)) == pytest.approx(3)
    assert growth(at_s[:1], flat[:1]) == 0


def test_pace_does_not_mistake_batches_for_a_change() -> None:
    batches = np.repeat(np.arange(0, 20, 2.0), 100)  # 50 a second, by the hundred
    assert pace(batches, 1.0, 19.0) == pytest.approx(50, rel=0.06)


def test_the_series_and_the_lag_add_up() -> None:
    entries = served(np.arange(100) / 10, 0.25)
    told = series_of(entries, 0.0, 26.0)
    assert told.offered.sum() == told.sent.sum() == told.answered.sum() == 100
    assert (told.offered[:10] == 10).all()
    assert told.lag[-1] == 0
    assert lag_at(entries, np.array([9.99]))[0] == 100 - 39
    assert len(told.rows()) == 26
    assert told.rows()[15]["latency_p99_ms"] is None  # nothing was due any more
    assert told.rows()[0]["shed"] == 0


def test_the_backlog_grows_in_seconds_of_work() -> None:
    span = Span(from_s=0.0, to_s=60.0)
    steady = metrics_of(served(np.arange(1200) / 20, 0.04), span)
    assert abs(steady["lag.growth_s"]) < 0.05
    behind = metrics_of(served(np.arange(1800) / 30, 0.05), span)  # 30 due, 20 answered
    assert behind["lag.growth_s"] == pytest.approx(30, rel=0.05)


def test_ratios_to_the_first_minute() -> None:
    due_s = np.arange(0, 180, 0.1)
    entries = served(due_s, 0.01)
    slow = (due_s >= 130) & (due_s < 140)
    entries.answered_s[slow] += 0.5
    told = metrics_of(entries, Span(from_s=0.0, to_s=180.0))
    assert told["latency.worst_minute_ratio"] == pytest.approx(51, rel=0.02)
    assert told["latency.p99_ratio_to_first_minute"] == pytest.approx(51, rel=0.02)
    short = metrics_of(entries, Span(from_s=0.0, to_s=50.0))
    assert np.isnan(short["latency.worst_minute_ratio"])


def test_memory_leaves_out_the_servers_that_keep_the_record() -> None:
    looks = [
        Look(at_s, {"worker": 100.0, "kafka": 10 * at_s}, {"worker": 0.5}, {"worker": 2})
        for at_s in np.arange(0.0, 60.0, 2.0)
    ]
    told = memory_of(looks, Span(from_s=10.0, to_s=50.0))
    assert told["twin"]["growth"] == 0
    assert told["twin"]["max_mb"] == 100
    assert told["components"]["kafka"]["growth"] > 0.5
    assert not told["components"]["kafka"]["counted"]
    assert told["components"]["worker"]["cpu_share"] == 0.5
    assert memory_of(looks, Span(from_s=100.0, to_s=200.0))["twin"] is None


def test_processes_of_a_tree_are_seen_with_their_memory() -> None:
    import os
    import subprocess
    import sys

    waits = "import sys; block = bytearray(40_000_000); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        processes = Processes(os.getpid(), lambda: {child.pid: "learner"})
        processes.look()
        seen = processes.look()
        assert child.stdin is not None
        child.stdin.close()
    assert 40 < seen.memory_mb["learner"] < 80
    assert seen.memory_mb["main"] > 10
    assert seen.pids["learner"] == 1
    assert len(processes.looks) == 2
    assert component_of("ray::StemHost.score") == "ray"
    assert component_of("/x/bin/valkey-server *:1") == "redis"


def test_a_book_keeps_the_first_answer_and_counts_the_others() -> None:
    book = Book("t")
    number = book.add(1.0, 0, lambda: 1.5, admitted=True)
    shed = book.add(2.0, 1, lambda: 9.9, admitted=False)
    assert book.lag == 1
    assert book.oldest_open_s() == 1.0
    assert book.number(book.case_id(number)) == number
    assert book.number("t-0000009") is None
    assert book.number("t-0000000-labelled-3") is None
    assert book.number("other-0000000") is None
    assert book.number(None) is None
    book.answer(number, 3.0, rejected=True)
    book.answer(number, 7.0, rejected=False)
    assert (book.lag, book.again, book.shed[1], book.oldest_open_s()) == (0, 1, 1, None)
    entries = book.entries()
    assert entries.latency_s.tolist() == [2.0]  # from when it was due, and not of the shed one
    assert entries.rejected.tolist() == [True, False]
    assert entries.shed.tolist() == [False, True]
    assert book.sent_ids() == [book.case_id(number)]
    assert shed == 1


def test_no_urgent_case_is_shed_while_a_routine_one_is_let_in() -> None:
    draws = np.random.default_rng(1)
    for levels in (1, 2, 3, 5):
        shedding = Shedding(levels=levels, above_s=5, keep=0.5)
        shut = set()
        for wait_s in np.abs(np.cumsum(draws.normal(0, 3, 3000))):
            shedding.update(float(wait_s))
            let_in = [shedding.admits(level) for level in range(levels)]
            assert let_in == sorted(let_in, reverse=True)
            if wait_s <= 5 * 10 and levels > 1:
                assert let_in[0] or wait_s >= 0.5 * 50  # until the hard limit, and its hysteresis
            shut |= {level for level in range(levels) if not let_in[level]}
        assert shut == set(range(levels))


def test_what_was_shed_comes_back_below_a_share_of_its_limit() -> None:
    shedding = Shedding(levels=3, above_s=4, keep=0.5, hard_s=20)
    steps = [(3, 0), (5, 1), (7.9, 1), (8.1, 2), (19, 2), (21, 3), (11, 3), (9, 2), (4.1, 2)]
    for wait_s, shut in [*steps, (3.9, 1), (2.1, 1), (1.9, 0)]:
        assert shedding.update(wait_s) == shut, wait_s


def test_the_expected_wait_of_an_idle_twin_is_none_and_of_a_silent_one_grows() -> None:
    wait = ExpectedWait(window_s=10)
    assert wait.observe(0.0, 5, 0) == 0  # no pace is known yet
    # One case a minute, answered in 0.1 s each: idle, and not slow.
    at_s, answered = 0.0, 0
    for _ in range(5):
        at_s += 60
        wait.observe(at_s, 1, answered)
        answered += 1
        wait.observe(at_s + 0.1, 0, answered)
    assert wait.observe(at_s + 0.2, 3, answered) == pytest.approx(0.3, rel=0.2)
    # Busy: ten a second, and fifty wait.
    for tick in range(200):
        at_s = 1000 + tick / 10
        last = wait.observe(at_s, 50, 100 + tick)
    assert last == pytest.approx(5, rel=0.05)
    assert wait.pace_per_s == pytest.approx(10, rel=0.05)
    # It answers nothing any more.
    silent = [wait.observe(at_s + gone, 50, 299) for gone in range(1, 31)]
    # By the silence and no more: the pace was good.
    assert silent == pytest.approx([5 + gone for gone in range(1, 31)], rel=0.05)


def test_what_became_of_each_level() -> None:
    book = Book("t")
    for number in range(40):
        level = number % 2
        book.add(float(number), level, lambda: 0.0, admitted=level == 0 or number < 20)
    for number in range(0, 40, 2):
        book.answer(number, number + 0.25, rejected=False)
    classes = (ClassSpec(id="urgent"), ClassSpec(id="routine"))
    levels = Levels(("urgent", "routine"), classes, (0, 1), (0.5, 0.5))
    urgent, routine = by_level(book.entries(), Span(from_s=0.0, to_s=40.0), levels)
    assert (urgent["offered"], urgent["shed"], urgent["answered"]) == (20, 0, 20)
    assert urgent["p99_ms"] == 250
    assert (routine["offered"], routine["shed"], routine["answered"]) == (20, 10, 0)
    assert routine["p99_ms"] is None
