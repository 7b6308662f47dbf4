"""How old the state is: by one clock, whatever another one says."""

from dataclasses import replace

import pytest

from services.api.live.history import Head, History, Snapshot
from twin.state import TwinState

HEAD = Head(generation="g", revision=0, updated_unix_s=0.0, complete_unix_s=0.0, behind={})


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("wrong_s", [-300.0, 0.0, 300.0])
def test_a_mirror_whose_clock_is_wrong_is_as_fresh_as_it_is(wrong_s: float) -> None:
    clock = Clock()
    history = History(clock=clock)

    def told(behind_s: float) -> Head:
        theirs = clock.now_s + wrong_s
        return replace(HEAD, updated_unix_s=theirs, complete_unix_s=theirs - behind_s)

    history.begin(Snapshot(head=told(0.25), state=TwinState(), changes=[]))
    clock.now_s += 0.25
    last = told(0.5)
    history.take([], last)
    assert history.freshness_s == pytest.approx(0.5)
    assert history.state == "live"
    clock.now_s += 0.25
    history.take([], told(4.0))
    assert history.freshness_s == pytest.approx(4.0)
    assert history.state == "stale"


def test_a_mirror_that_does_not_write_any_more_grows_old() -> None:
    clock = Clock()
    history = History(clock=clock)
    head = replace(HEAD, updated_unix_s=clock.now_s, complete_unix_s=clock.now_s - 0.25)
    history.begin(Snapshot(head=head, state=TwinState(), changes=[]))
    clock.now_s += 0.25
    head = replace(head, updated_unix_s=clock.now_s, complete_unix_s=clock.now_s - 0.25)
    history.take([], head)
    clock.now_s += 10.0
    history.take([], head)
    assert history.freshness_s == pytest.approx(10.25)


def test_one_that_was_never_seen_to_write_is_as_old_as_it_says() -> None:
    clock = Clock()
    history = History(clock=clock)
    head = replace(HEAD, updated_unix_s=clock.now_s - 3600, complete_unix_s=clock.now_s - 3600)
    history.begin(Snapshot(head=head, state=TwinState(), changes=[]))
    assert history.freshness_s == pytest.approx(3600)
