import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_jobs import await_end, await_ready, jobs_of, order

from services.folder_lock import held, is_held
from services.jobs import jobs as jobs_module
from services.jobs.environment import environment_of_jobs
from services.jobs.job import State, read_json
from services.jobs.order import JobClashError, JobStateError, QueueFullError
from services.progress import ProgressFile


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """End what a test that failed left running."""
    yield
    for own in tmp_path.glob("*/job"):
        if is_held(own / "lock") and (own / "started.json").exists():
            os.killpg(pid_of(own.parent), signal.SIGKILL)


def pid_of(folder: Path) -> int:
    started = read_json(folder / "job" / "started.json")
    assert started is not None
    return int(started["pid"])


@pytest.mark.parametrize(
    ("how", "state", "gates"),
    [
        ("quick", State.DONE, "pass"),
        ("3", State.DONE, "fail"),
        ("4", State.DONE, "inconclusive"),
        ("1", State.FAILED, None),
        ("2", State.FAILED, None),
    ],
)
def test_a_job_ends_as_its_command_does(
    tmp_path: Path, how: str, state: State, gates: str | None
) -> None:
    jobs = jobs_of(tmp_path)
    jobs.submit(order("a", how))
    ended = await_end(jobs, "a")
    assert (ended.state, ended.gates) == (state, gates)
    assert ended.ended_unix_s is not None


def test_what_a_job_is_told_holds_no_machine_path(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path)
    jobs.submit(order("a"))
    await_end(jobs, "a")
    assert str(tmp_path) not in (tmp_path / "a" / "job" / "job.json").read_text()
    assert (tmp_path / "a" / "job" / "stderr.txt").read_text() == "told\n"


def test_a_job_outlives_whoever_started_it_and_is_found_again(tmp_path: Path) -> None:
    jobs_of(tmp_path).submit(order("a", "slow"))
    again = jobs_of(tmp_path)
    job = await_ready(again, "a")
    assert os.getsid(pid_of(job.folder)) == pid_of(job.folder) != os.getsid(0)
    assert again.cancel("a", "me").cancelling
    assert await_end(again, "a").state is State.CANCELLED


def test_a_job_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, grace_s=0.1)
    jobs.submit(order("a", "stubborn"))
    await_ready(jobs, "a")
    jobs.cancel("a", "me")
    assert await_end(jobs, "a").state is State.CANCELLED


@pytest.mark.parametrize("whom", ["command", "all"])
def test_a_killed_job_is_interrupted_and_carries_on(tmp_path: Path, whom: str) -> None:
    jobs = jobs_of(tmp_path)
    jobs.submit(order("a", "slow"))
    folder = await_ready(jobs, "a").folder
    keeper = pid_of(folder)
    if whom == "all":
        os.killpg(keeper, signal.SIGKILL)
    else:
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
    assert await_end(jobs, "a").state is State.INTERRUPTED
    assert jobs_of(tmp_path).resume("a", "me").attempt == 2
    done = await_end(jobs_of(tmp_path), "a")
    assert done.state is State.DONE
    assert (folder / "resume.txt").exists()


def test_a_keeper_that_is_killed_alone_leaves_a_job_that_runs_and_can_be_ended(
    tmp_path: Path,
) -> None:
    jobs = jobs_of(tmp_path)
    jobs.submit(order("a", "slow"))
    folder = await_ready(jobs, "a").folder
    os.kill(pid_of(folder), signal.SIGKILL)
    jobs.beat()
    running = jobs.get("a")
    assert running is not None
    assert running.state is State.RUNNING
    with pytest.raises(JobStateError, match="running"):
        jobs.resume("a", "me")
    jobs.cancel("a", "me")
    assert await_end(jobs, "a").state is State.CANCELLED


def test_a_job_that_ended_before_it_began_starts_anew(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, at_once=1)
    jobs.submit(order("a", "slow"))
    await_ready(jobs, "a")
    waiting = jobs.submit(order("b"))
    assert waiting.state is State.QUEUED
    assert jobs.cancel("b", "me").state is State.CANCELLED
    (tmp_path / "b" / "replications").mkdir()  # as far as it got
    jobs.resume("b", "me")
    jobs.cancel("a", "me")
    assert await_end(jobs, "a").state is State.CANCELLED
    assert await_end(jobs, "b").state is State.DONE
    assert (tmp_path / "b" / "run.txt").exists()
    assert not (tmp_path / "b" / "replications").exists()


def test_more_than_may_run_wait_and_start_in_turn(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, at_once=1)
    states = [jobs.submit(order(id, "slow")).state for id in ("a", "b", "c")]
    assert states == [State.RUNNING, State.QUEUED, State.QUEUED]
    await_ready(jobs, "a")
    jobs.cancel("a", "me")
    await_ready(jobs, "b")
    assert jobs.beat() == 2
    last = jobs.get("c")
    assert last is not None
    assert last.state is State.QUEUED
    for id in ("c", "b"):
        jobs.cancel(id, "me")
        await_end(jobs, id)


def test_a_full_queue_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "MOST_WAITING", 1)
    jobs = jobs_of(tmp_path, at_once=1)
    jobs.submit(order("a", "slow"))
    jobs.submit(order("b", "slow"))
    with pytest.raises(QueueFullError):
        jobs.submit(order("c"))
    for id in ("b", "a"):
        jobs.cancel(id, "me")
        await_end(jobs, id)


def test_asked_for_twice_it_runs_once(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path)
    jobs.submit(order("a"))
    done = await_end(jobs, "a")
    assert jobs_of(tmp_path).submit(order("a")) == done
    with pytest.raises(JobClashError):
        jobs.submit(order("a", digest="another"))


def test_a_job_sees_no_secret(tmp_path: Path) -> None:
    given = {
        "SECRET": "x",
        "DERMTWIN_API_KEY": "x",
        "PATH": "/bin",
        "OMP_NUM_THREADS": "1",
        "DERMTWIN_NAME": "n",
        "DERMTWIN_HOME": "elsewhere",
    }
    assert environment_of_jobs(given, tmp_path) == {
        "PATH": "/bin",
        "OMP_NUM_THREADS": "1",
        "DERMTWIN_NAME": "n",
        "DERMTWIN_HOME": str(tmp_path),
        "COLUMNS": "1000",
    }


def test_runs_by_hand_are_seen_and_left_alone(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path)
    folder = tmp_path / "week-20260901-101500-3fa2"
    folder.mkdir()
    assert jobs.all() == []
    (folder / "experiment.json").write_text("{}")
    progress = ProgressFile(folder)
    progress("replications", 1, 3)
    with held(folder / ".running"):
        running = jobs.get(folder.name)
    assert running is not None
    assert (running.state, running.managed) == (State.RUNNING, False)
    assert running.progress is not None
    assert running.progress["done"] == 1
    assert [job.state for job in jobs.all()] == [State.INTERRUPTED]
    (folder / "summary.json").write_text(json.dumps({"gates": "fail"}))
    done = jobs.get(folder.name)
    assert done is not None
    assert (done.state, done.gates) == (State.DONE, "fail")
    for act in (jobs.cancel, jobs.resume):
        with pytest.raises(JobStateError, match="command line"):
            act(folder.name, "me")


@pytest.mark.parametrize("id", ["", ".", "..", "../x", "a/b", ".hidden", "a\0b", "x" * 201])
def test_ids_are_names_and_never_paths(tmp_path: Path, id: str) -> None:
    outside = tmp_path / "x"
    outside.mkdir()
    (outside / "experiment.json").write_text("{}")
    root = tmp_path / "runs"
    root.mkdir()
    assert jobs_of(root).get(id) is None


def test_links_are_no_runs(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "experiment.json").write_text("{}")
    root = tmp_path / "runs"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "real")
    assert jobs_of(root).get("link") is None


def test_forecasts_by_hand_are_seen_where_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "forecasts" / "week-1"
    folder.mkdir(parents=True)
    (folder / "progress.json").write_text('{"stage": "done", "done": 5, "total": 5}')
    (folder / "forecast.json").write_text("{}")
    [job] = jobs_of(tmp_path / "runs", others=[folder.parent]).all()
    assert (job.id, job.kind, job.state, job.managed) == ("week-1", "forecast", State.DONE, False)
    assert job.progress is not None
    assert job.progress["stage"] == "done"
