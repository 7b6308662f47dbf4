import statistics

import pytest

from actors.tasks import cores, spread

pytestmark = pytest.mark.slow


def test_every_item_is_done_once_whatever_the_order() -> None:
    found = dict(spread(statistics.fmean, [[9], [1, 3], [4], [5]], workers=2, address=None))
    assert found == {0: 9, 1: 2, 2: 4, 3: 5}


def test_an_error_of_the_work_itself_is_raised_here() -> None:
    with pytest.raises(statistics.StatisticsError, match="at least one"):
        dict(spread(statistics.fmean, [[1], []], workers=2, address=None))


def test_cores_are_counted() -> None:
    assert cores() >= 1
