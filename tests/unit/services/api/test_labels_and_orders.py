"""Labels, orders and epochs that are sent in: with the present state in mind, and once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from stack_logs import DAY, V0, V1
from told_twin import ToldTwin, verdict_of

from services.api.security.access import LOOPBACK, Scope
from services.live_log import NOTHING, WATCHES
from twin.errors import DependencyError
from twin.events import CaseArrived, DriftReported, EpochReached, FeedbackReceived, StackOrdered
from twin.images import BlobRef
from twin.state import CaseState

CASE = CaseArrived(case_id="c 1", at_min=40.0, image=BlobRef(sha256="a"))
PATH = "/v1/cases/c%201/feedback"
ORDERS = "/v1/stacks/orders"
ORDER = {"version": 0, "reason": "it is worse"}


@pytest.fixture
def twin(redis_url, prefix) -> Iterator[ToldTwin]:
    twin = ToldTwin(redis_url, prefix)
    twin.publish(CASE)
    return twin


def label(twin: ToldTwin, said: str = "malignant", tag: str | None = '"c2"', key="", **more):
    headers = {"If-Match": tag} if tag else {}
    headers |= {"Idempotency-Key": key} if key else {}
    return twin.ask(PATH, json={"label": said, **more}, headers=headers)


def order(twin: ToldTwin, tag: str | None = '"s2"', key="", **more):
    headers = {"If-Match": tag} if tag else {}
    headers |= {"Idempotency-Key": key} if key else {}
    return twin.ask(ORDERS, json={**ORDER, **more}, headers=headers)


def test_a_label_is_told_and_what_is_made_of_it(twin):
    told = label(twin, p_verified=0.5, way="sampled")
    assert (told.status_code, told.headers["etag"]) == (201, '"c3"')
    found = told.json()
    assert (found["counts"], found["why"], found["at_min"]) == (True, "it counts", 40.0)
    (event,) = twin.on_log("feedback")
    assert event == FeedbackReceived(
        feedback_id=found["feedback_id"],
        case_id="c 1",
        at_min=40.0,
        label="malignant",
        way="sampled",
        p_verified=0.5,
    )
    for said, tag, more, why in (
        ("malignant", '"c3"', {}, "duplicate"),
        ("benign", '"c4"', {}, "conflict"),
        ("benign", '"c5"', {"revision": 1}, "it counts"),
        ("withdrawn", '"c6"', {"revision": 2}, "withdrawn"),
    ):
        found = label(twin, said, tag, **more).json()
        assert (found["counts"], found["why"]) == (why == "it counts", why)


def test_a_label_of_a_state_that_was_is_refused(twin):
    for tag, status in ((None, 428), ('"c1"', 412), ('W/"c2"', 412)):
        refused = label(twin, tag=tag)
        assert (refused.status_code, refused.headers["etag"]) == (status, '"c2"')
    assert not twin.on_log("feedback")
    assert label(twin, tag='"c1", "c2"').status_code == 201
    assert label(twin, tag="*").status_code == 201


def test_of_two_labels_at_once_the_second_has_the_old_state_in_mind(twin):
    async def both() -> list[int]:
        headers = {"If-Match": '"c2"'}
        asked = (
            twin.asked(PATH, json={"label": said}, headers=headers)
            for said in ("malignant", "benign")
        )
        return sorted([one.status_code for one in await asyncio.gather(*asked)])

    assert twin.history.case("c 1").revision == 2
    assert asyncio.run(both()) == [201, 412]
    assert len(twin.on_log("feedback")) == 1


def test_while_the_mirror_does_not_follow_a_second_label_waits(twin, monkeypatch):
    monkeypatch.setattr("services.api.telling.known.FOLD_WAIT_S", 0.02)
    assert twin.history.case("c 1").revision == 2
    twin.history.held = True
    told = label(twin)
    assert (told.status_code, "etag" in told.headers, told.json()["counts"]) == (201, False, True)
    refused = label(twin)
    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    twin.history.held = False
    assert len(twin.on_log("feedback")) == 1


def test_a_case_of_long_ago_is_labelled(twin):
    old = replace(CASE, case_id="c9")
    twin.older["c9"] = CaseState(revision=2, arrived=old, answer=verdict_of(old))
    asks = {"json": {"label": "benign"}, "headers": {"If-Match": '"c2"'}}
    told = twin.ask("/v1/cases/c9/feedback", **asks)
    assert (told.status_code, told.json()["counts"]) == (201, True)


def test_labels_of_no_case_and_labels_that_are_none_are_refused(twin):
    ask = {"json": {"label": "benign"}, "headers": {"If-Match": "*"}}
    for path in ("c9", "c%0A1", "x" * 201):
        assert twin.ask(f"/v1/cases/{path}/feedback", **ask).status_code == 404
    for wrong in (
        {"said": "melanoma"},
        {"p_verified": 0},
        {"p_verified": 1.5},
        {"revision": -1},
        {"way": "x" * 41},
        {"way": ""},
        {"more": 1},
    ):
        assert label(twin, **wrong).status_code == 422, wrong
    assert not twin.on_log("feedback")


def test_the_same_key_labels_once_also_after_a_crash(twin, redis_url, prefix):
    first = label(twin, key="k")
    assert label(twin, key="k").json() == first.json()
    assert label(twin, "benign", key="k").status_code == 422
    twin.restart(redis_url, f"{prefix}-other")  # a store of answers that was wiped
    assert label(twin, key="k").json() == first.json()
    assert len(twin.on_log("feedback")) == 1


def test_an_order_is_given_in_the_name_of_who_gives_it(twin):
    twin.publish(V0, V1)
    wu = replace(LOOPBACK, id="wu", name="Dr Wu")
    told = asyncio.run(twin.asked(ORDERS, principal=wu, json=ORDER, headers={"If-Match": '"s2"'}))
    assert (told.status_code, told.headers["etag"]) == (201, '"s3"')
    found = told.json()
    (event,) = (one for one in twin.on_log("stacks") if isinstance(one, StackOrdered))
    assert (event.by, event.reason, event.at_min) == ("Dr Wu", "it is worse", 3 * DAY)
    assert (found["order_id"], found["by"], found["in_force"]) == (event.order_id, "Dr Wu", 1)


def test_orders_that_nobody_would_carry_out_are_refused(twin):
    assert order(twin, tag='"s0"').status_code == 409  # it has no stack at all
    twin.publish(V0, V1)
    assert order(twin, tag=None).status_code == 428
    assert order(twin, tag='"s1"').headers["etag"] == '"s2"'
    refused = order(twin, version=2)
    assert refused.status_code == 422
    assert refused.json()["detail"] == "the log has no stack version 2; it has versions 0 to 1"
    for wrong in ({"version": -1}, {"reason": ""}, {"reason": "a\nb"}, {"reason": "x" * 501}):
        assert order(twin, **wrong).status_code == 422, wrong
    for loop in (NOTHING, WATCHES):
        twin.loop = loop
        refused = order(twin)
        assert (refused.status_code, "dermtwin up --scenario" in refused.text) == (409, True)
    assert len(twin.on_log("stacks")) == 2


def test_the_same_key_orders_once(twin):
    twin.publish(V0, V1)
    first = order(twin, key="k")
    assert order(twin, key="k").json() == first.json()
    assert order(twin, key="k", version=1).status_code == 422
    assert len(twin.on_log("stacks")) == 3


def test_an_epoch_is_reached_after_all_that_is_known_and_only_when_the_last_is_decided(twin):
    twin.publish(V0)
    told = twin.ask("/v1/epochs")
    assert (told.status_code, told.headers["etag"]) == (201, '"s2"')
    assert told.json() == {"epoch": 1, "at_min": 41.0, "cases": 1, "feedback": 0, "closed": 0}
    assert EpochReached(**told.json()) in twin.on_log("stacks")
    refused = twin.ask("/v1/epochs")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "the twin that is up: epoch 1 is not decided yet"
    twin.publish(DriftReported(at_min=41.0, epoch=1, cases=1))
    assert twin.ask("/v1/epochs").json()["epoch"] == 2
    twin.loop = NOTHING
    assert twin.ask("/v1/epochs").status_code == 409


def test_of_two_epochs_at_once_one_is_reached(twin):
    twin.publish(V0)

    async def both() -> list[int]:
        asked = [twin.asked("/v1/epochs") for _ in range(2)]
        return sorted([one.status_code for one in await asyncio.gather(*asked)])

    assert asyncio.run(both()) == [201, 409]


def test_an_epoch_whose_answer_was_lost_is_not_reached_twice(twin, redis_url, prefix):
    twin.publish(V0)
    publisher = twin.bus.publisher()

    def silence() -> None:
        raise DependencyError("silence")

    publisher.flush = silence
    twin.connected = lambda: publisher
    asks = {"headers": {"Idempotency-Key": "k"}}
    assert twin.ask("/v1/epochs", **asks).status_code == 503
    twin.publish(DriftReported(at_min=41.0, epoch=1, cases=1))
    twin.connected = twin.bus.publisher
    twin.restart(redis_url, prefix)
    assert twin.ask("/v1/epochs", **asks).json()["epoch"] == 1
    assert sum(isinstance(one, EpochReached) for one in twin.on_log("stacks")) == 1


@pytest.mark.parametrize(
    ("path", "scope"),
    [("/v1/cases", "submit"), (PATH, "submit"), (ORDERS, "operate"), ("/v1/epochs", "operate")],
)
def test_each_path_needs_its_scope(twin, path, scope):
    others = frozenset(set(Scope) - {Scope(scope)})
    reader = replace(LOOPBACK, id=scope, scopes=others)
    refused = asyncio.run(twin.asked(path, principal=reader))
    assert (refused.status_code, refused.json()["missing_scope"]) == (403, scope)


def test_an_api_that_takes_nothing_in_says_so(twin):
    twin.telling = None
    assert label(twin).status_code == 503
