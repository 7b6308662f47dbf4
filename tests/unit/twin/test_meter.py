import timeit

import pytest

from twin.meter import MAX_WORDS, RING, WINDOW_S, Meter


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    return Meter(clock)


def handle(meter: Meter, clock: Clock, took_s: float, items: int = 1, errors: int = 0) -> None:
    with meter.batch("in") as done:
        clock.now_s += took_s
        done.items, done.errors, done.output = items, errors, "out"


def test_nothing_was_done_yet(meter: Meter) -> None:
    work = meter.read()
    assert (work.batches, work.items, work.errors, work.busy_s) == (0, 0, 0, 0.0)
    assert (work.items_per_s, work.error_share, work.latency_ms_p95) == (0.0, 0.0, None)
    assert not any(name.startswith("latency") for name in work.numbers())


def test_percentiles_are_of_the_batches_by_nearest_rank(meter: Meter, clock: Clock) -> None:
    for took_ms in (*range(100, 0, -1),):
        handle(meter, clock, took_ms / 1000)
    numbers = meter.read().numbers()
    shares = [numbers[f"latency_ms_{share}"] for share in ("p50", "p95", "p99", "max")]
    assert shares == pytest.approx([50.0, 95.0, 99.0, 100.0])
    assert numbers["busy_s"] == pytest.approx(5.05)


def test_of_one_batch_all_percentiles_are_it(meter: Meter, clock: Clock) -> None:
    handle(meter, clock, 0.25)
    numbers = meter.read().numbers()
    assert {numbers[f"latency_ms_{share}"] for share in ("p50", "p95", "p99", "max")} == {250.0}


def test_old_batches_leave_the_percentiles_and_stay_in_the_counts(
    meter: Meter, clock: Clock
) -> None:
    handle(meter, clock, 9.0)
    for _ in range(RING):
        handle(meter, clock, 0.01)
    work = meter.read()
    assert work.batches == RING + 1
    assert work.latency_ms_max == pytest.approx(10.0)


def test_the_rate_is_that_of_the_window(meter: Meter, clock: Clock) -> None:
    clock.now_s += 5.0
    handle(meter, clock, 5.0, items=30)
    assert meter.read().items_per_s == pytest.approx(3.0)  # since the start, which is nearer
    clock.now_s += WINDOW_S / 2
    assert meter.read().items_per_s == pytest.approx(30 / (10 + WINDOW_S / 2))
    handle(meter, clock, WINDOW_S / 2 + 1, items=60)
    assert meter.read().items_per_s == pytest.approx(60 / WINDOW_S)
    clock.now_s += WINDOW_S
    assert meter.read().items_per_s == 0.0


def test_a_rate_too_high_for_the_ring_is_told_right(meter: Meter, clock: Clock) -> None:
    for _ in range(2 * RING):
        handle(meter, clock, 0.01, items=2)
    assert meter.read().items_per_s == pytest.approx(200.0)


def test_what_raised_is_an_error_and_has_no_items(meter: Meter, clock: Clock) -> None:
    handle(meter, clock, 0.1, items=3, errors=1)
    with pytest.raises(ZeroDivisionError), meter.batch("7 images"):
        clock.now_s += 0.2
        raise ZeroDivisionError
    work = meter.read()
    assert (work.batches, work.items, work.errors) == (2, 3, 2)
    assert (work.recent_tried, work.error_share) == (4, 0.5)
    assert (work.last_input, work.last_output) == ("7 images", "ZeroDivisionError")
    assert work.latency_ms_max == pytest.approx(200.0)
    clock.now_s += WINDOW_S
    assert (meter.read().error_share, meter.read().errors) == (0.0, 2)


def test_what_was_refused_is_an_error_beside_the_items(meter: Meter, clock: Clock) -> None:
    clock.now_s += 1.0
    meter.note(clock.now_s, 6, "6 answers", errors=1, refused=2)
    work = meter.read()
    assert (work.items, work.errors, work.recent_tried) == (6, 3, 8)


def test_words_are_cut(meter: Meter, clock: Clock) -> None:
    with meter.batch("x" * 999) as done:
        done.output = "y" * 999
    assert meter.read().last_input == "x" * MAX_WORDS
    assert meter.read().last_output == "y" * MAX_WORDS


def test_figures_are_named_after_what_is_counted(meter: Meter, clock: Clock) -> None:
    handle(meter, clock, 0.5, items=2)
    numbers = meter.read().numbers("cases")
    assert (numbers["cases"], numbers["cases_per_s"]) == (2.0, 4.0)
    assert "images" not in numbers


def test_counting_costs_microseconds(meter: Meter, clock: Clock) -> None:
    """It takes 3 to 10 µs on slow cores; the limit is to find a sort or a copy in each batch."""
    handle(meter, clock, 0.1)
    best_s = min(timeit.repeat(lambda: handle(meter, clock, 0.0), number=RING, repeat=3))
    assert best_s / RING < 300e-6
