"""Images that end a component, with hosts in this process whose deaths are played."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from tiny_model import patients, tiny_parts

from actors.calls import Call, FatalBatchError
from actors.hosts import LearnerHost, MetaHost, StemHost
from actors.local import LocalStack
from actors.poison import BATCH_DEATHS, MOST_REMEMBERED, Poison, reason_of
from actors.seat import Seat
from actors.tickets import PartedTicket, RayTicket
from twin.errors import DependencyError
from twin.images import BlobRef, name_of
from twin.meta import INPUT
from twin.ports import Opinion, Unscorable

IMAGES = [patient.image for patient in patients(6, seed=8)]


@pytest.fixture(scope="module")
def hosts():
    parts = tiny_parts()
    return {
        "stem": StemHost("stem", parts.model_id, parts.stem, None),
        **{name: LearnerHost(name, parts.model_id, one) for name, one in parts.learners.items()},
        "meta": MetaHost("meta", parts.model_id, parts.meta),
    }


@pytest.fixture(scope="module")
def expected():
    local = LocalStack(tiny_parts(), None)
    yield local.submit(IMAGES).collect()
    local.close()


class Supervisor:
    def __init__(self) -> None:
        self.forgiven: Counter[str] = Counter()

    def forgive(self, seat: Seat, deaths: int, image: str) -> None:
        self.forgiven[seat.name] += deaths


@dataclass
class PlayedCalls:
    """Calls hosts in this process; some images end some components."""

    hosts: dict
    kills: dict[str, set[str]] = field(default_factory=dict)  # component -> images by name
    gone: set[str] = field(default_factory=set)
    deaths: Counter = field(default_factory=Counter)
    supervisor: Supervisor = field(default_factory=Supervisor)
    rows: dict = field(default_factory=dict)  # a row of features -> image

    def put(self, value):
        return value

    def send(self, seat: Seat, *batch) -> Call:
        return Call(seat, 1, batch[0])

    def names(self, component: str, batch) -> set[str]:
        if component == "stem":
            return {name_of(image) for image in batch[0]}
        if component == "meta":
            return {self.rows[value] for value in batch[0][f"{INPUT}0"]}
        return {self.rows[value] for value in batch[0].sketch[:, 0]}

    def answer_of(self, call: Call, *batch, blame_after):
        component = call.seat.name
        if component in self.gone:
            return None
        if self.names(component, batch) & self.kills.get(component, set()):
            self.deaths[component] += blame_after
            raise FatalBatchError(blame_after, "killed")
        told = self.hosts[component].handle(*batch)
        return told, told


def collect(hosts, kills, images=IMAGES, gone=frozenset(), poison=None):
    """Score a batch of images of which some end a component."""
    poison = Poison() if poison is None else poison
    calls = PlayedCalls(hosts, kills, set(gone))
    values = hosts["stem"].handle(IMAGES).sketch[:, 0]
    calls.rows = {value: name_of(image) for value, image in zip(values, IMAGES, strict=True)}
    names = [name for name in hosts if name not in ("stem", "meta")]
    seats = {name: Seat(name, object, (), 1.0) for name in hosts}
    asked = Call(seats["stem"], 1, images)
    learners = {name: Call(seats[name], 1, None) for name in names}
    ticket = RayTicket(calls, poison, images, asked, learners, seats["meta"], names, None)
    return ticket.collect(), calls, poison


def without(answer: Opinion, learner: str) -> tuple:
    return {k: v for k, v in answer.log_odds.items() if k != learner}, (learner,)


@pytest.mark.parametrize("component", ["stem", "meta"])
def test_an_image_that_ends_what_all_need_is_rejected_alone(hosts, expected, component) -> None:
    kills = {component: {name_of(IMAGES[1]), name_of(IMAGES[4])}}
    found, calls, poison = collect(hosts, kills)
    for place, answer in enumerate(found):
        if place in (1, 4):
            assert answer == Unscorable(reason=reason_of(component))
        else:
            assert answer == expected[place]
    assert calls.deaths[component] == BATCH_DEATHS + 2
    assert calls.supervisor.forgiven[component] == BATCH_DEATHS + 2
    assert [image for image in IMAGES if poison.of(image)] == [IMAGES[1], IMAGES[4]]


def test_an_image_that_ends_a_learner_misses_that_learner_alone(hosts, expected) -> None:
    kills = {"svm": {name_of(IMAGES[0])}, "knn": {name_of(IMAGES[0]), name_of(IMAGES[5])}}
    found, _, poison = collect(hosts, kills)
    assert found[1:5] == expected[1:5]
    assert set(found[0].missing) == {"svm", "knn"}
    assert (found[5].log_odds, found[5].missing) == without(expected[5], "knn")
    assert poison.of(IMAGES[0]) == {"svm", "knn"}


def test_what_becomes_of_a_case_does_not_depend_on_its_batch(hosts) -> None:
    kills = {
        "stem": {name_of(IMAGES[0])},
        "svm": {name_of(IMAGES[1]), name_of(IMAGES[2])},
        "gradient_boosting": {name_of(IMAGES[2])},
        "meta": {name_of(IMAGES[3])},
    }
    whole, _, _ = collect(hosts, kills)
    for size in (1, 2, 4):
        parts = [IMAGES[at : at + size] for at in range(0, len(IMAGES), size)]
        poison = Poison()
        assert [
            answer for part in parts for answer in collect(hosts, kills, part, poison=poison)[0]
        ] == whole


def test_a_batch_of_nothing_but_poison_is_rejected(hosts) -> None:
    kills = {"stem": {name_of(image) for image in IMAGES}}
    found, _, _ = collect(hosts, kills)
    assert found == [Unscorable(reason=reason_of("stem"))] * len(IMAGES)


def test_without_what_all_need_there_is_no_answer_but_an_error(hosts) -> None:
    for component in ("stem", "meta"):
        with pytest.raises(DependencyError, match="is gone"):
            collect(hosts, {}, gone={component})


def test_parts_come_back_in_the_order_of_the_batch() -> None:
    class Ready:
        def __init__(self, *answers) -> None:
            self.answers = list(answers)

        def collect(self):
            return self.answers

        def done(self) -> bool:
            return True

    lost = Unscorable(reason="poison")
    ticket = PartedTicket(4, {2: lost}, [([0, 3], Ready("a", "d")), ([1], Ready("b"))])
    assert ticket.done()
    assert ticket.collect() == ["a", "b", lost, "d"]


def test_only_so_many_images_are_remembered() -> None:
    poison = Poison()
    for number in range(MOST_REMEMBERED + 5):
        poison.add(BlobRef(sha256=f"{number:064d}"), "svm")
    assert len(poison) == MOST_REMEMBERED
    assert poison.of(BlobRef(sha256=f"{0:064d}")) == frozenset()
    assert poison.of(BlobRef(sha256=f"{MOST_REMEMBERED:064d}")) == {"svm"}
