import io
import os
import signal
import sys
import time

import pytest
from processes import await_gone

from services import child as module
from services.child import Child
from services.logs import open_log

WAITS = "import sys, time; print(sys.argv); time.sleep(60)"
ENDS = "raise SystemExit(3)"
LISTENS = """
import signal, sys, time
sys.path.insert(0, ".")
from services.child import end_with_parent
end_with_parent()
time.sleep(60)
"""


@pytest.fixture
def told():
    return []


def child_of(code, told):
    return Child(
        "one",
        ["--given"],
        environment={"GIVEN": "1"},
        log=open_log(io.StringIO()),
        on_change=lambda *news: told.append(news),
        program=(sys.executable, "-c", code),
    )


def until(true):
    deadline_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_it_is_started_once_and_ends_when_asked(told):
    child = child_of(WAITS, told)
    child.start()
    pid = child.pid
    child.check()
    assert child.pid == pid
    child.stop()
    await_gone(pid)
    assert (child.pid, told) == (None, [("ready", 0, "")])


def test_one_that_ends_is_told_of_and_started_again_with_growing_waits(told, monkeypatch):
    monkeypatch.setattr(module, "AGAIN_S", (0.0, 0.05, 0.1))
    child = child_of(ENDS, told)
    child.start()

    def again():
        child.check()
        return child.restarts == 3

    until(again)
    child.stop()
    assert told[:4] == [
        ("ready", 0, ""),
        ("restarting", 0, "ended with code 3"),
        ("ready", 1, ""),
        ("restarting", 1, "ended with code 3"),
    ]


def test_one_that_is_killed_is_told_of_by_its_signal(told):
    child = child_of(WAITS, told)
    child.start()
    child._process.kill()

    def noticed():
        child.check()
        return len(told) > 1

    until(noticed)
    assert told[1] == ("restarting", 0, "was ended by SIGKILL")
    child.stop()


def test_it_ends_when_the_pipe_to_its_parent_does(told):
    child = child_of(LISTENS, told)
    child.start()
    pid = child.pid
    child._process.stdin.close()  # as the kernel does when the parent is gone
    child._process.wait(20)
    await_gone(pid)
    child.stop()


def test_one_that_is_frozen_is_given_up_after_a_while(told):
    child = Child(
        "one",
        [],
        environment={},
        log=open_log(io.StringIO()),
        on_change=lambda *news: told.append(news),
        program=(sys.executable, "-c", LISTENS),
        frozen_s=2.5,
    )
    child.start()
    until(lambda: child._felt_s is not None or child.check())
    first = child.pid
    os.kill(first, signal.SIGSTOP)

    def again():
        child.check()
        return child.restarts == 1

    until(again)
    await_gone(first)
    child.stop()
    assert told[1][:2] == ("restarting", 0)
    assert told[1][2].startswith("was frozen for ")


def test_one_that_was_frozen_for_a_moment_is_left_alone(told):
    child = child_of(LISTENS, told)
    child.start()
    until(lambda: child._felt_s is not None or child.check())
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(0.2)
    child.check()
    os.kill(child.pid, signal.SIGCONT)
    before = child._felt_s
    until(lambda: child.check() or child._felt_s > before)
    assert child.restarts == 0
    child.stop()
