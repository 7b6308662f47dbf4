import pytest

from actors.tasks import cores, spread

pytestmark = pytest.mark.slow


def square(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number


def test_every_item_is_done_once_whatever_the_order() -> None:
    found = dict(spread(square, [3, 1, 2, 5], workers=2, address=None))
    assert found == {0: 9, 1: 1, 2: 4, 3: 25}


def test_an_error_of_the_work_itself_is_raised_here() -> None:
    with pytest.raises(ValueError, match="-1 is negative"):
        dict(spread(square, [1, -1], workers=2, address=None))


def test_cores_are_counted() -> None:
    assert cores() >= 1
