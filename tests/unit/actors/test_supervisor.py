"""How the supervisor looks at actors, on a Ray that is played: no process is started."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from ray.exceptions import RayActorError

import actors.supervisor as supervisor_module
from actors.supervisor import (
    ANSWER_TIMEOUT_S,
    ASK_EVERY_S,
    BUSY_AFTER_S,
    MAX_RESTARTS,
    TRY_AGAIN_S,
    WINDOW_S,
    Seat,
    Supervisor,
)
from twin.component import Facts
from twin.events import ComponentChanged
from twin.meter import Meter


class Question:
    """A reference to an answer that comes when the actor is free."""

    def __init__(self, actor: "Actor") -> None:
        self.actor = actor

    @property
    def there(self) -> bool:
        return self.actor.dead or self.actor.free


class Actor:
    def __init__(self) -> None:
        self.free, self.dead, self.asked = True, False, 0
        self.describe = self

    def remote(self) -> Question:
        self.asked += 1
        return Question(self)


class PlayedRay:
    """As much of Ray as the supervisor uses; waiting moves the clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.actors: list[Actor] = []
        self.on_wait: Callable[[], None] = lambda: None
        self.meter = Meter(lambda: self.now_s)

    def remote(self, host: type) -> Any:
        return self

    def options(self, **_: Any) -> Any:
        made = Actor()
        self.actors.append(made)
        self.made = made
        return Maker(made)

    def wait(self, asked: list[Question], num_returns: int = 1, timeout: float | None = None):
        if not all(one.there for one in asked):
            self.now_s += timeout or 0.0
            self.on_wait()
        return [one for one in asked if one.there], [one for one in asked if not one.there]

    def get(self, question: Question, timeout: float | None = None) -> Facts:
        if question.actor.dead:
            raise RayActorError
        assert question.there
        work = self.meter.read()
        return Facts(name="x", model_id="m", pid=7, load_s=0.1, rss_mb=99.0, work=work)

    def kill(self, actor: Actor) -> None:
        actor.dead = True


class Maker:
    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def remote(self, *_: Any) -> Actor:
        return self._actor


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> PlayedRay:
    played = PlayedRay()
    monkeypatch.setattr(supervisor_module, "ray", played)
    return played


@pytest.fixture
def told() -> list[ComponentChanged]:
    return []


@pytest.fixture
def supervisor(ray: PlayedRay, told: list[ComponentChanged]) -> Supervisor:
    made = Supervisor("m", told.append, clock=lambda: 1000 + ray.now_s, elapsed=lambda: ray.now_s)
    for name in ("stem", "knn"):
        made.enlist(Seat(name, object, (), 1.0))
    made.await_ready()
    told.clear()
    return made


def test_facts_are_told_every_two_seconds_however_often_one_looks(supervisor, ray, told) -> None:
    for _ in range(81):
        supervisor.check()
        ray.now_s += 0.25
    knn = [event.at_unix_s for event in told if event.component == "knn"]
    assert len(knn) == pytest.approx(20 / ASK_EVERY_S, abs=1)
    gaps = [later - earlier for earlier, later in pairwise(knn)]
    assert max(gaps) <= ASK_EVERY_S + 0.25


def test_nobody_who_is_busy_is_waited_for_and_it_shows(supervisor, ray, told) -> None:
    ray.actors[0].free = False
    began_s = ray.now_s
    for _ in range(int(4 * (BUSY_AFTER_S + 4))):
        supervisor.check()
        ray.now_s += 0.25
    assert ray.now_s - began_s == BUSY_AFTER_S + 4  # looking took no time
    stem = [event for event in told if event.component == "stem"]
    assert [event.reason for event in stem] == ["busy: has not answered for 5 s"]
    assert stem[0].state == "ready"
    assert ray.actors[0].asked == 2  # at the start, and once since: questions do not heap up
    told.clear()
    ray.actors[0].free = True
    supervisor.check()
    assert [event.reason for event in told if event.component == "stem"] == [""]


def test_one_that_is_silent_for_long_is_taken_for_hung_and_built_again(
    supervisor, ray, told
) -> None:
    ray.actors[0].free = False
    supervisor.check()
    ray.now_s += ANSWER_TIMEOUT_S + 1
    supervisor.check()
    states = [event.state for event in told if event.component == "stem"]
    assert states == ["failed", "restarting", "ready"]
    assert "has not answered for 31 s" in told[-1].reason
    assert ray.actors[0].dead


def test_one_on_demand_may_take_its_time(supervisor, ray, told) -> None:
    seat = Seat("explainer", object, (), 1.0, on_demand=True)
    assert supervisor.is_ready(seat)
    seat.actor.free = False
    supervisor.check()
    ray.now_s += 10 * ANSWER_TIMEOUT_S
    supervisor.check()
    assert (seat.restarts, told[-1].state) == (0, "ready")
    assert told[-1].reason.startswith("busy")


def test_the_dead_are_found_and_built_again(supervisor, ray, told) -> None:
    ray.actors[1].dead = True
    ray.now_s += ASK_EVERY_S
    supervisor.check()
    assert [e.state for e in told if e.component == "knn"] == ["failed", "restarting", "ready"]


def test_the_others_are_told_of_while_one_is_built_again(supervisor, ray, told) -> None:
    """Otherwise all of the twin would fall silent while the stem imports TensorFlow."""
    ray.actors[0].dead = True
    ray.now_s += ASK_EVERY_S

    def slow() -> None:
        ray.actors[-1].free = ray.now_s > 20

    ray.on_wait = slow
    original = ray.options

    def options(**more: Any) -> Any:
        maker = original(**more)
        ray.made.free = False
        return maker

    ray.options = options
    supervisor.check()
    assert ray.now_s > 20
    assert supervisor.seats["stem"].restarts == 1
    knn = [event.at_unix_s for event in told if event.component == "knn"]
    assert len(knn) >= 8
    assert told[-1].state == "ready"


def test_facts_become_numbers_with_units_and_words(supervisor, ray, told) -> None:
    ray.meter.saw("64 images, last synthetic:1")
    ray.meter.note(ray.now_s - 0.5, 64, "64 rows × 822 features", errors=1)
    supervisor.check(wait_s=1.0)
    event = told[-1]
    assert (event.last_input, event.last_output) == (
        "64 images, last synthetic:1",
        "64 rows × 822 features",
    )
    wanted = {"pid": 7.0, "rss_mb": 99.0, "images": 64.0, "errors": 1.0, "latency_ms_p99": 500.0}
    assert wanted.items() <= event.facts.items()
    assert {"batches", "busy_s", "load_s", "images_per_s", "latency_ms_p50"} <= set(event.facts)


def die(supervisor: Supervisor, name: str) -> bool:
    """Have a component die; return whether it is up again."""
    seat = supervisor.seats[name]
    supervisor.died(seat, seat.generation, "killed")
    return supervisor.restart(seat)


def test_old_restarts_are_forgiven(supervisor, ray) -> None:
    """Or a twin that is up for months would lose its learners one by one."""
    for _ in range(4 * MAX_RESTARTS):
        assert die(supervisor, "knn")
        ray.now_s += WINDOW_S / (MAX_RESTARTS - 1)


def test_one_that_was_given_up_says_so_and_is_tried_again_later(supervisor, ray, told) -> None:
    assert all(die(supervisor, "knn") for _ in range(MAX_RESTARTS))
    assert not die(supervisor, "knn")
    assert (told[-1].state, told[-1].reason) == ("failed", "killed; tried again in 5 min")
    ray.now_s += TRY_AGAIN_S - 1
    supervisor.check()
    assert supervisor.seats["knn"].state == "failed"
    ray.now_s += 2
    supervisor.check()
    assert supervisor.seats["knn"].state == "ready"
    assert not die(supervisor, "knn")  # one try, not five


def test_what_an_image_is_to_blame_for_is_not_counted(supervisor, ray, told) -> None:
    seat = supervisor.seats["knn"]
    for number in range(3 * MAX_RESTARTS):
        assert all(die(supervisor, "knn") for _ in range(3))
        supervisor.forgive(seat, 3, f"synthetic:{number}")
    assert told[-1].facts["poison_images"] == 3.0 * MAX_RESTARTS
    assert told[-1].reason.endswith("last synthetic:14")
