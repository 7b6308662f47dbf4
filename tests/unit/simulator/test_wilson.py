import pytest

from simulator.analysis.wilson import wilson_interval


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_published_intervals(part: int, whole: int, low: float, high: float) -> None:
    # The last: R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
    interval = wilson_interval(part, whole)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(("part", "whole"), [(-1, 10), (11, 10), (0, 0)])
def test_no_share_is_refused(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson_interval(part, whole)
