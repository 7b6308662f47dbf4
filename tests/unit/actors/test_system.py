"""Ray actors: the same answers as in process, and what happens when one dies."""

import json
import math
import os
import signal
import time
from itertools import groupby

import numpy as np
import pytest
import ray
from tiny_model import patients, tiny_parts

from actors.cluster import Placement, start_ray, stop_ray
from actors.drill import LEARNER, VARIABLE
from actors.hosts import EXPLAINER
from actors.local import LocalStack
from actors.supervisor import MAX_RESTARTS
from actors.system import ActorSystem
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.explain.explanation import Explanation
from twin.images import BlobRef, name_of
from twin.lifecycle import ComponentState
from twin.ports import Unscorable

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drill_file(tmp_path_factory):
    """What hosts obey; it is not there until a test writes it."""
    return tmp_path_factory.mktemp("drill") / "drill.json"


@pytest.fixture(scope="module")
def cluster(drill_file):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(drill_file))  # for the actors, which inherit it
        start_ray(None, 4)
        yield
        stop_ray()


@pytest.fixture
def changes() -> list[ComponentChanged]:
    return []


@pytest.fixture
def system(cluster, changes):
    placement = Placement(replicas={"knn": 2}, cpus={"stem": 0.5})
    system = ActorSystem(
        tiny_parts(), None, placement=placement, on_change=changes.append, clock=lambda: 7.0
    )
    system.supervisor.await_ready()
    yield system
    system.close()


@pytest.fixture(scope="module")
def expected():
    local = LocalStack(tiny_parts(), None)
    yield local.submit(images()).collect()
    local.close()


def images():
    return [patient.image for patient in patients(5, seed=8)]


def kill(system: ActorSystem, name: str) -> None:
    os.kill(ray.get(system.supervisor.seats[name].actor.describe.remote()).pid, signal.SIGKILL)


def spend(system: ActorSystem, name: str) -> None:
    """Have a component die so often that it is given up the next time."""
    system.supervisor.seats[name].spent.extend([time.monotonic()] * MAX_RESTARTS)


def states_of(component: str, changes: list[ComponentChanged]) -> list[str]:
    """Return the states that a component came to; while others start, it is told of again."""
    told = (event.state for event in changes if event.component == component)
    return [state for state, _ in groupby(told)]


def test_who_does_not_wait_for_readiness_is_answered_too(cluster, changes, expected) -> None:
    unready = ActorSystem(tiny_parts(), None, placement=Placement(), on_change=changes.append)
    try:
        assert unready.supervisor.seats["stem"].actor is not None  # started before all others
        assert unready.supervisor.seats["knn"].actor is None
        assert unready.submit(images()).collect() == expected
    finally:
        unready.close()


def test_a_system_that_was_never_ready_can_be_closed(cluster, changes) -> None:
    ActorSystem(tiny_parts(), None, placement=Placement(), on_change=changes.append).close()
    assert {change.state for change in changes[-8:]} == {"stopped"}


def test_ray_answers_as_the_process_does(system: ActorSystem, expected) -> None:
    tickets = [system.submit(images()) for _ in range(3)]
    assert all(ticket.collect() == expected for ticket in tickets)
    assert all(ticket.done() for ticket in tickets)


def test_two_stems_share_a_batch_and_answer_in_its_order(cluster, changes) -> None:
    many = [patient.image for patient in patients(21, seed=8)]
    local = LocalStack(tiny_parts(), None)
    alone = local.submit(many).collect()
    local.close()
    placement = Placement(replicas={"stem": 2}, cpus={"stem": 0.5}, stem_threads=1)
    system = ActorSystem(tiny_parts(), None, placement=placement, on_change=changes.append)
    try:
        assert system.submit(many).collect() == alone
        stems = [seat for name, seat in system.supervisor.seats.items() if "stem" in name]
        done = [ray.get(seat.actor.describe.remote()).work.items for seat in stems]
        assert sorted(done) == [10, 11]
    finally:
        system.close()


def test_a_killed_learner_is_built_again_and_its_batch_is_not_lost(
    system: ActorSystem, changes, expected
) -> None:
    kill(system, "svm")
    assert system.submit(images()).collect() == expected
    assert states_of("svm", changes) == ["starting", "ready", "failed", "restarting", "ready"]
    assert system.supervisor.seats["svm"].restarts == 1
    assert all(event.at_unix_s == 7.0 for event in changes)


def test_a_killed_stem_is_built_again_with_two_batches_under_way(
    system: ActorSystem, expected
) -> None:
    kill(system, "stem")
    tickets = [system.submit(images()), system.submit(images())]
    assert [ticket.collect() for ticket in tickets] == [expected, expected]
    assert system.supervisor.seats["stem"].restarts == 1


def test_a_learner_that_stays_dead_is_missing_and_the_verdict_says_so(
    system: ActorSystem, expected
) -> None:
    spend(system, "random_forest")
    kill(system, "random_forest")
    answers = system.submit(images()).collect()
    assert {answer.missing for answer in answers} == {("random_forest",)}
    assert all("random_forest" not in answer.log_odds for answer in answers)
    assert [answer.log_odds["svm"] for answer in answers] == [
        answer.log_odds["svm"] for answer in expected
    ]


def test_without_a_stem_there_is_no_answer_but_an_error(system: ActorSystem) -> None:
    spend(system, "stem")
    kill(system, "stem")
    with pytest.raises(DependencyError, match="the stem is gone"):
        system.submit(images()).collect()


def test_an_image_that_crashes_a_learner_is_left_out_of_it_alone(
    system: ActorSystem, changes, expected, drill_file
) -> None:
    """In a real process, by a real signal; which images, says the drill."""
    drill_file.write_text(json.dumps({"poison": [name_of(images()[2])]}))
    try:
        first = system.submit(images()).collect()
        seat = system.supervisor.seats[LEARNER]
        assert seat.restarts == 3
        alone = system.submit(images()[2:3]).collect()
        again = system.submit(images()).collect()
        assert seat.restarts == 3  # it is known, and kills nobody
    finally:
        drill_file.unlink()
    assert [one for place, one in enumerate(first) if place != 2] == [
        one for place, one in enumerate(expected) if place != 2
    ]
    assert first[2].missing == (LEARNER,)
    assert first[2].log_odds == {
        name: value for name, value in expected[2].log_odds.items() if name != LEARNER
    }
    assert again == first
    assert alone == [first[2]]
    assert not seat.spent  # nothing of that counts against the learner
    latest = {event.component: event for event in changes}
    assert latest[LEARNER].facts["poison_images"] == 1.0
    assert "left out 1 image(s)" in latest[LEARNER].reason


def test_a_health_check_finds_the_dead_and_reports_the_living(system: ActorSystem, changes) -> None:
    for seat in system.supervisor.seats.values():
        seat.asked_s = -math.inf
    system.supervisor.check()  # what is asked here is answered before the batch, and taken up after
    system.submit(images()).collect()
    kill(system, "knn-2")
    changes.clear()
    system.supervisor.check(wait_s=30.0)
    latest = {event.component: event for event in changes}
    assert latest["knn-2"].restarts == 1
    assert latest["stem"].facts["images"] == 5.0
    assert latest["stem"].facts["latency_ms_p95"] > 0
    assert latest["stem"].facts["rss_mb"] > 10
    assert latest["stem"].last_output.startswith("5 rows × ")
    assert latest["svm"].last_output.startswith("5 log-odds, last ")
    assert all(event.state == "ready" for event in latest.values())


def test_an_explainer_comes_on_demand_and_scoring_never_waits_for_it(
    system: ActorSystem, changes, expected
) -> None:
    assert EXPLAINER not in system.supervisor.seats
    ref = images()[:1]
    local = LocalStack(tiny_parts(), None)
    (wanted,) = local.explain(ref, ["grad-cam"])
    local.close()

    def explained() -> None:
        (found,) = system.explain(ref, ["grad-cam"])
        assert isinstance(found, Explanation)
        assert np.array_equal(found.maps[0].values, wanted.maps[0].values)

    explained()
    seat = system.supervisor.seats[EXPLAINER]
    assert states_of(EXPLAINER, changes) == ["starting", "ready"]
    kill(system, EXPLAINER)
    while seat.state is ComponentState.READY:  # its death takes a moment to be known
        system.supervisor.check(wait_s=30.0)
    assert seat.restarts == 0  # nobody waits until TensorFlow is imported again
    system.supervisor.await_ready()
    assert system.submit(images()).collect() == expected
    assert seat.state is ComponentState.FAILED  # and it shows
    (unreadable,) = system.explain([BlobRef(sha256="0" * 64)], ["grad-cam"])
    assert isinstance(unreadable, Unscorable)
    assert seat.restarts == 1
    system.supervisor.check(wait_s=30.0)
    explained()
    states = [event.state for event in changes if event.component == EXPLAINER]
    assert states[-1] == "ready"
    assert "failed" in states

    spend(system, EXPLAINER)  # from here on it stays dead
    kill(system, EXPLAINER)
    with pytest.raises(DependencyError, match="the explainer is gone"):
        system.explain(images()[:1], ["grad-cam"])
    with pytest.raises(DependencyError, match="the explainer did not start"):
        system.explain(images()[:1], ["grad-cam"])
    assert system.submit(images()).collect() == expected


def test_a_second_cluster_address_that_nobody_serves_is_a_dependency_error() -> None:
    with pytest.raises(DependencyError, match=r"127\.0\.0\.1:1"):
        start_ray("127.0.0.1:1", 1)
