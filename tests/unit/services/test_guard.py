import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import await_gone, is_gone

from services.embedded import guard

SCRIPT = Path(guard.__file__)
SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('deaf', flush=True); time.sleep(60)"
)


class GuardProcess:
    def __init__(self, directory: Path, programs: dict[str, str], parent: int | None = None):
        directory.mkdir()
        self.directory = directory
        order = {
            "parent": os.getpid() if parent is None else parent,
            "directory": str(directory),
            "servers": [
                {
                    "name": name,
                    "argv": [sys.executable, "-I", "-S", "-c", program],
                    "log": str(directory / f"{name}.log"),
                    "stop": signal.SIGTERM,
                }
                for name, program in programs.items()
            ],
        }
        self.order = order
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SCRIPT), json.dumps(self.order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pids = self.hear()["started"]
        return self

    def __exit__(self, *_):
        self.process.kill()
        with self.process:  # closes the pipes
            self.process.wait()

    def hear(self):
        return json.loads(self.process.stdout.readline())

    def log(self, name):
        return (self.directory / f"{name}.log").read_text()


@pytest.fixture
def start(tmp_path):
    return lambda programs, **rest: GuardProcess(tmp_path / "servers", programs, **rest)


def test_ends_everything_at_the_end_of_its_input(start):
    with start({"a": SLEEP, "b": SLEEP}) as running:
        assert not any(is_gone(pid) for pid in running.pids.values())
        running.process.stdin.close()
        assert running.process.wait(10) == 0
        assert all(is_gone(pid) for pid in running.pids.values())
        assert not running.directory.exists()


def test_sigterm_ends_everything(start):
    with start({"a": SLEEP}) as running:
        running.process.terminate()
        assert running.process.wait(10) == 0
        assert is_gone(running.pids["a"])


def test_sigint_is_not_its_business(start):
    with start({"a": SLEEP}) as running:
        running.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.3)
        assert not is_gone(running.pids["a"])


def test_a_server_that_does_not_listen_is_killed(start):
    with start({"a": STUBBORN}) as running:
        while not running.log("a"):
            pass  # it may be asked to stop only once it has closed its ears
        running.process.stdin.close()
        assert running.process.wait(10) == 0
        assert is_gone(running.pids["a"])


def test_reports_a_server_that_ends_by_itself_and_keeps_the_other(start):
    quits = "import sys; print('hello'); sys.exit('no more')"
    with start({"quits": quits, "stays": SLEEP}) as running:
        assert running.hear() == {"exited": "quits", "code": 1, "tail": "no more\nhello\n"}
        assert not is_gone(running.pids["stays"])


def test_reports_a_program_that_cannot_be_run(start):
    running = start({"a": SLEEP})
    running.order["servers"][0]["argv"] = ["/nonexistent/program"]
    with running:
        report = running.hear()
    assert report == {
        "exited": "a",
        "code": 127,
        "tail": "/nonexistent/program: No such file or directory\n",
    }


def test_stops_when_it_is_not_its_parents_child(start):
    # What it sees when the parent died and a fork of the parent holds the pipe.
    with start({"a": SLEEP}, parent=os.getppid()) as running:
        assert running.process.wait(10) == 0
        assert is_gone(running.pids["a"])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_servers_die_with_a_guard_that_was_killed(start):
    with start({"a": SLEEP, "b": SLEEP}) as running:
        running.process.kill()
        await_gone(*running.pids.values())
