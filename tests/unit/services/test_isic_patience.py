"""Trying again, and giving up."""

import threading
from datetime import UTC, datetime

import pytest

from services.isic.patience import Patience, StoppedError, TransientError, retry_after_s
from twin.errors import DependencyError


class _Stop(threading.Event):
    """Notes how long one would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        return self.is_set()


def failing(*asked_s: float | None, told: list[str] | None = None) -> Patience:
    """Be patient with something that fails as often as there are arguments, and then succeeds."""
    stop = _Stop()
    tell = (told if told is not None else []).append
    patience = Patience(tries=6, first_s=1, most_s=5, tell=tell, stop=stop)
    left = list(asked_s)

    def act() -> str:
        if left:
            raise TransientError("busy", left.pop(0))
        return "done"

    assert patience.tried("it", act) == "done"
    return patience


def waits(patience: Patience) -> list[float | None]:
    stop = patience.stop
    assert isinstance(stop, _Stop)
    return stop.waited


def test_waits_double_up_to_the_longest() -> None:
    assert waits(failing(None, None, None, None, None)) == [1, 2, 4, 5, 5]


def test_a_server_may_ask_for_a_wait_within_reason() -> None:
    assert waits(failing(7.5, None, 1e9)) == [7.5, 2, 300]


def test_what_succeeds_at_once_is_not_waited_for() -> None:
    assert waits(failing()) == []


def test_it_gives_up_with_the_last_reason() -> None:
    with pytest.raises(DependencyError, match=r"it: busy \(6 tries\)"):
        failing(*[None] * 6)


def test_waits_that_people_would_notice_are_told() -> None:
    told: list[str] = []
    assert waits(failing(None, None, None, told=told)) == [1, 2, 4]
    assert told == ["it: busy; trying again in 4 s"]


def test_other_errors_are_not_tried_again() -> None:
    patience = Patience(stop=_Stop())
    with pytest.raises(ZeroDivisionError):
        patience.tried("it", lambda: 1 // 0)
    assert waits(patience) == []


def test_it_ends_when_the_user_wants_no_more() -> None:
    patience = Patience()
    patience.stop.set()
    with pytest.raises(StoppedError):
        patience.tried("it", lambda: None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0),
        ("-3", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, datetime(2026, 10, 21, 7, 28, tzinfo=UTC)) == seconds
