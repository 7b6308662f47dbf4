"""Cases that are sent in: what the twin is told of them, once, whatever goes wrong."""

import asyncio
import hashlib
from collections.abc import Iterator

import pytest
from told_twin import ToldTwin, jpeg, png

from services.bus.memory import MemoryPublisher
from services.bus.port import Publisher
from twin.errors import DependencyError
from twin.events import CaseArrived, CaseRejected, DriftReported, EpochReached
from twin.images import BlobRef
from twin.state import CaseState

BEFORE = CaseArrived(case_id="c1", at_min=40.5, image=BlobRef(sha256="a"))


@pytest.fixture
def twin(redis_url, prefix) -> Iterator[ToldTwin]:
    return ToldTwin(redis_url, prefix)


class Broken(MemoryPublisher):
    """A log that takes what it is sent, or does not, and never says so."""

    takes = True

    def publish(self, event) -> None:
        if self.takes:
            super().publish(event)

    def flush(self) -> None:
        raise DependencyError("silence")


def test_a_case_is_stored_told_and_answered(twin):
    twin.publish(BEFORE)
    image = png()
    told = twin.send(image, age=54, sex="female", site="back", skin_tone="II", case_id="c 2")
    assert told.status_code == 201, told.text
    found = told.json()
    assert found["verdict"]["p_malignant"] == 0.75
    assert (found["stage"], found["rejected"], found["revision"]) == ("answered", None, 2)
    assert (told.headers["etag"], told.headers["location"]) == ('"c2"', "/v1/cases/c%202")
    sha256 = hashlib.sha256(image).hexdigest()
    assert twin.on_log("cases")[-1] == CaseArrived(
        case_id="c 2",
        at_min=40.5,  # the twin's time: it has no clock
        image=BlobRef(sha256=sha256),
        age=54,
        sex="female",
        site="back",
        skin_tone="II",
    )
    assert twin.blobs.read(BlobRef(sha256=sha256)) == image  # byte by byte, as it was sent


def test_ids_are_made_where_none_is_given(twin):
    ids = [twin.send().json()["case_id"] for _ in range(2)]
    assert all(one.startswith("u-") for one in ids)
    assert ids[0] != ids[1]


def test_what_the_twin_rejects_is_answered_too(twin):
    def reject(case: CaseArrived) -> CaseRejected:
        return CaseRejected(case_id=case.case_id, at_min=case.at_min, reason="all black")

    twin.answering = reject
    told = twin.send()
    assert (told.status_code, told.json()["stage"]) == (201, "answered")
    assert (told.json()["rejected"], told.json()["verdict"]) == ("all black", None)


def test_an_answer_that_takes_longer_is_not_waited_for(twin):
    twin.answering = lambda case: None
    told = twin.send(wait_s=0.05)
    assert (told.status_code, told.json()["stage"]) == (202, "arrived")
    assert told.headers["location"] == f"/v1/cases/{told.json()['case_id']}"
    twin.history.held = True  # and a mirror that does not follow is no error
    told = twin.send(wait_s=0)
    assert (told.status_code, told.json()["revision"], "etag" in told.headers) == (202, 0, False)
    assert len(twin.on_log("cases")) == 2


def test_a_known_case_is_not_sent_again(twin):
    twin.publish(BEFORE)
    assert twin.send(case_id="c1").status_code == 409
    twin.history.held = True  # nor one that was told a moment ago
    assert twin.send(case_id="c2", wait_s=0).status_code == 202
    assert twin.send(case_id="c2", wait_s=0).status_code == 409
    assert len(twin.on_log("cases")) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"age": 131},
        {"age": "old"},
        {"sex": "f"},
        {"skin_tone": "VII"},
        {"site": "b\tc"},
        {"site": "x" * 41},
        {"case_id": "a/b"},
        {"case_id": ".."},
        {"case_id": " c"},
        {"case_id": "c\u202e"},
        {"case_id": "x" * 201},
        {"at_min": "nan"},
        {"at_min": -1},
        {"at_min": 40.0},  # before the twin's time
        {"at_min": 1e9},
        {"wait_s": 31},
        {"key": "x" * 201},
        {"image": b"\x89PNG\r\n\x1a\n"},
    ],
)
def test_what_is_not_right_is_refused_before_anything_is_told(twin, fields):
    twin.publish(BEFORE)
    assert twin.send(**fields).status_code == 422
    assert twin.on_log("cases") == [BEFORE]
    assert not twin.blobs._blobs


def test_without_a_picture_nothing_is_told(twin):
    assert twin.send(b"<svg/>").status_code == 415
    assert twin.send(png() + bytes(10_000_000)).status_code == 413
    assert twin.ask("/v1/cases", data={"case_id": "c1"}).status_code == 422
    assert not twin.on_log("cases")


def test_time_can_be_said_and_goes_on(twin):
    twin.publish(BEFORE)
    assert twin.send(at_min=50).json()["arrived_min"] == 50.0
    assert twin.send().json()["arrived_min"] == 50.0


def test_while_an_epoch_is_decided_cases_arrive_before_it(twin):
    twin.publish(BEFORE, EpochReached(at_min=41.0, epoch=1, cases=1, feedback=0))
    assert 40.5 <= twin.send().json()["arrived_min"] < 41.0
    refused = twin.send(at_min=50)
    assert (refused.status_code, "retry-after" in refused.headers) == (409, True)
    twin.publish(DriftReported(at_min=41.0, epoch=1, cases=1))
    assert twin.send().json()["arrived_min"] == 41.0


def test_the_same_key_tells_the_twin_once(twin):
    first = twin.send(key="k", age=30)
    again = twin.send(key="k", age=30, wait_s=1)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert twin.send(key="k", age=31).status_code == 422
    assert twin.send(jpeg(), key="k", age=30).status_code == 422
    assert len(twin.on_log("cases")) == 1


def test_a_log_that_is_away_is_said_and_the_next_try_finds_it(twin):
    def away() -> Publisher:
        raise DependencyError("no broker")

    twin.connected = away
    told = twin.send(key="k")
    assert (told.status_code, told.headers["retry-after"]) == (503, "5")
    assert told.headers["content-type"] == "application/problem+json"
    assert not twin.on_log("cases")
    twin.connected = twin.bus.publisher
    assert twin.send(key="k").status_code == 503  # a moment later: nobody waits in vain
    twin.telling.teller._failed_s = None
    assert twin.send(key="k").status_code == 201
    assert len(twin.on_log("cases")) == 1


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("taken", [True, False])
def test_what_may_be_on_the_log_is_told_the_same_way_again(
    twin, redis_url, prefix, mirrored, taken
):
    broken = Broken(twin.bus)
    broken.takes = taken
    twin.connected = lambda: broken
    assert twin.send(key="k").status_code == 503
    twin.publish(BEFORE)  # time goes on
    twin.connected = twin.bus.publisher
    twin.restart(redis_url, prefix)  # and the API is another process
    twin.history.held = not mirrored
    assert twin.send(key="k", wait_s=0.05).status_code == (201 if mirrored else 202)
    twin.history.held = False
    case_ids = {one.case_id for one in twin.on_log("cases")} - {"c1"}
    state = twin.history._folded().twin
    assert len(case_ids) == 1
    assert (state.counts["cases"], state.counts["conflicts"]) == (2, 0)


def test_who_lost_even_the_notes_meets_the_case_by_its_key(twin, redis_url, prefix):
    first = twin.send(key="k")
    twin.restart(redis_url, f"{prefix}-other")  # a store of answers that was wiped
    again = twin.send(key="k")
    assert (again.status_code, again.json()) == (201, first.json())
    assert twin.send(jpeg(), key="k").status_code == 422
    assert len(twin.on_log("cases")) == 1


def test_many_at_once_are_all_told(twin):
    async def crowd() -> list[int]:
        image = png()
        asked = (
            twin.asked("/v1/cases", files={"image": ("a.png", image)}, data={"case_id": f"n{n}"})
            for n in range(10)
        )
        return [one.status_code for one in await asyncio.gather(*asked)]

    assert asyncio.run(crowd()) == [201] * 10
    assert len({one.case_id for one in twin.on_log("cases")}) == 10


def test_an_old_case_is_known_too(twin):
    twin.older["c1"] = CaseState(revision=3, arrived=BEFORE)
    assert twin.send(case_id="c1").status_code == 409
    assert not twin.on_log("cases")


@pytest.mark.parametrize("state", ["starting", "unreachable", "rebuilding"])
def test_a_twin_of_which_nothing_is_known_is_told_nothing(twin, state):
    twin.history.state_of_mirror = state
    asks = [
        twin.send(case_id="c1"),
        twin.ask("/v1/cases/c1/feedback", json={"label": "benign"}),
        twin.ask("/v1/stacks/orders", json={"version": 0, "reason": "why"}),
        twin.ask("/v1/epochs"),
    ]
    assert [one.status_code for one in asks] == [503] * 4
    assert all("retry-after" in one.headers for one in asks)
    twin.history.state_of_mirror = "stale"
    assert twin.send(case_id="c1").status_code == 201
