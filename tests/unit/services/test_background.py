import threading

import pytest

from services.background import Background


def test_a_loop_runs_until_it_is_stopped() -> None:
    ended = threading.Event()

    def loop(stop: threading.Event) -> None:
        stop.wait()
        ended.set()

    background = Background("loop", loop)
    background.check()
    background.stop()
    assert ended.is_set()


def test_the_error_that_ended_a_loop_is_raised_by_check() -> None:
    def loop(stop: threading.Event) -> None:
        raise ValueError("broken")

    background = Background("loop", loop)
    with pytest.raises(ValueError, match="broken"):
        background.stop()
    with pytest.raises(ValueError, match="broken"):
        background.check()
