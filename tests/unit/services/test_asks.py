"""Explanations asked for over Redis: a real server, and an explainer without TensorFlow."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import redis
import structlog
from asking import ARRIVED, MODEL, OWN, VERDICT, FakeExplaining
from samples import arrived
from stack_logs import V1

from services.asks import channel
from services.asks.ask import Ask, decoded, encoded
from services.asks.asker import Asker, AskFault
from services.asks.loop import asks_loop
from services.background import Background
from services.embedded.servers import EmbeddedServers
from twin.errors import DependencyError, EventError
from twin.images import BlobRef
from twin.stacks import version_of

ASK = Ask(arrived=ARRIVED, verdict=VERDICT, promoted=None, method="occlusion")


def new_loop(redis_url, prefix, explaining):
    log = structlog.get_logger()
    return Background(
        "asks", asks_loop(redis_url, prefix, explaining, model_id=MODEL, own=OWN, log=log)
    )


@pytest.fixture(autouse=True)
def short_naps(monkeypatch):
    monkeypatch.setattr(channel, "_POP_S", 0.1)


@pytest.fixture
def explaining():
    return FakeExplaining()


@pytest.fixture
def asker(redis_url, prefix):
    asker = Asker(redis_url, prefix, most_waiting=2, deadline_s=20)
    yield asker
    asker.close()


@pytest.fixture
def loop(redis_url, prefix, explaining, client):
    loop = new_loop(redis_url, prefix, explaining)
    await_key(client, f"{prefix}:asks:beat")
    yield loop
    explaining.go.set()
    loop.stop()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


def await_key(client, key):
    deadline_s = time.monotonic() + 10
    while not client.exists(key):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def fault_of(future):
    with pytest.raises(AskFault) as caught:
        future.result(20)
    return caught.value


def test_an_ask_is_answered_kept_and_not_explained_again(asker, loop, explaining, client, prefix):
    assert asker.kept(ASK) is None
    asker.ask(ASK).result(20)
    found = asker.kept(ASK)
    assert found.facts["contributions"] == [
        {"name": "svm", "vote": 1.5, "weight": 2.0, "nats": 3.0},
        {"name": "knn", "vote": -0.25, "weight": 1.0, "nats": -0.25},
    ]
    assert (found.facts["intercept_nats"], found.facts["log_odds_nats"]) == (-0.5, 2.25)
    assert found.facts["fidelity"] == {"rank_correlation": 0.8, "least": 0.9, "is_low": True}
    assert found.facts["map"]["peak_column_px"] == 223
    assert 0.28 < found.facts["map"]["half_in_share"] < 0.31  # 1 - √½ of a ramp
    assert found.facts["deletion"] is None
    assert np.allclose(found.raw(), np.tile(np.arange(224.0), (224, 1)))
    asker.ask(ASK).result(20)
    other = replace(ASK, arrived=replace(ARRIVED, case_id="c2"))
    asker.ask(replace(other, verdict=replace(VERDICT, case_id="c2"))).result(20)
    assert explaining.asked == [((ARRIVED.image,), ("occlusion",), None, frozenset(), False)]
    (key,) = client.keys(f"{prefix}:explanation:*")
    assert 86_000 < client.ttl(key) <= 86_400


def test_the_stack_and_the_learners_that_answered_explain(asker, loop, explaining):
    answer = replace(VERDICT, stack=1, missing=("knn",), log_odds={"svm": 1.0}, sketch=(2.0,))
    ask = replace(ASK, verdict=answer, promoted=V1, checked=True)
    assert len({one.key for one in (ASK, ask, replace(ask, checked=False))}) == 3
    asker.ask(ask).result(20)
    ((_, _, meta, absent, checked),) = explaining.asked
    assert (meta, absent, checked) == (version_of(V1).meta, frozenset({"knn"}), True)
    facts = asker.kept(ask).facts
    assert facts["deletion"] == {"area_nats": 1.0, "random_area_nats": 2.5, "beats_random": True}
    assert not facts["insertion"]["beats_random"]
    assert asker.are_kept([ASK, ask]) == [False, True]


def test_what_cannot_be_explained_says_why(asker, loop, explaining):
    bad = replace(ASK, arrived=replace(ARRIVED, image=BlobRef(sha256="x" * 64)))
    fault = fault_of(asker.ask(bad))
    assert (fault.kind, fault.reason) == ("unscorable", "truncated")
    other = replace(ASK, verdict=replace(VERDICT, model_id="n" * 12))
    fault = fault_of(asker.ask(other))
    assert (fault.kind, fault.reason) == (
        "refused",
        f"model {'n' * 12} answered, and {MODEL} is up",
    )
    explaining.failures = [DependencyError("the explainer is gone"), ZeroDivisionError("secret")]
    assert fault_of(asker.ask(ASK)).reason == "the explainer is gone"
    fault = fault_of(asker.ask(ASK))
    assert (fault.kind, fault.reason) == ("gone", "the explainer failed")
    asker.ask(ASK).result(20)  # and none of it ended the loop
    loop.check()


def test_nobody_explains(asker):
    with pytest.raises(AskFault) as caught:
        asker.ask(ASK)
    assert caught.value.kind == "away"
    assert "not up" in caught.value.reason


def test_a_loop_that_ended_says_so(asker, redis_url, prefix, explaining, client):
    loop = new_loop(redis_url, prefix, explaining)
    await_key(client, f"{prefix}:asks:beat")
    loop.stop()
    with pytest.raises(AskFault):
        asker.ask(ASK)


def test_who_waits_is_told_when_the_loop_ends(asker, redis_url, prefix, explaining, client):
    loop = new_loop(redis_url, prefix, explaining)
    await_key(client, f"{prefix}:asks:beat")
    explaining.go.clear()
    under_way, waits = asker.ask(ASK), asker.ask(replace(ASK, method="rise"))
    assert explaining.began.wait(10)
    loop._stop.set()  # it ends with what is under way
    explaining.go.set()
    under_way.result(20)
    fault = fault_of(waits)
    assert (fault.kind, "not up" in fault.reason) == ("away", True)
    loop.stop()


def test_asks_are_joined_bounded_and_go_on_without_their_asker(asker, loop, explaining):
    explaining.go.clear()
    first = asker.ask(ASK)
    assert asker.ask(ASK) is first
    assert explaining.began.wait(10)
    waiting = [asker.ask(replace(ASK, method=name)) for name in ("rise", "grad-cam")]
    with pytest.raises(AskFault) as caught:
        asker.ask(replace(ASK, method="saliency"))
    assert caught.value.kind == "busy"
    explaining.go.set()
    for one in (first, *waiting):
        one.result(20)
    assert [methods for _, methods, *_ in explaining.asked] == [
        ("occlusion",),
        ("rise",),
        ("grad-cam",),
    ]
    asker.ask(replace(ASK, method="saliency")).result(20)  # there is room again


def test_an_ask_that_is_late_is_told_so_and_not_explained(redis_url, prefix, loop, explaining):
    explaining.go.clear()
    asker = Asker(redis_url, prefix, deadline_s=0.3)
    try:
        slow = asker.ask(ASK)
        assert explaining.began.wait(10)
        late = asker.ask(replace(ASK, method="rise"))
        assert {fault_of(slow).kind, fault_of(late).kind} == {"late"}
        explaining.go.set()
        patient = Asker(redis_url, prefix)
        patient.ask(replace(ASK, method="saliency")).result(20)
        # What was under way is kept; what waited too long was passed over.
        assert [methods for _, methods, *_ in explaining.asked] == [("occlusion",), ("saliency",)]
        assert patient.kept(ASK) is not None
        patient.close()
    finally:
        asker.close()


def test_bytes_that_are_no_ask_are_passed_over(asker, loop, client, prefix):
    raw = encoded(ASK, "me", 12.5)
    assert decoded(raw) == (ASK, "me", 12.5)
    told = json.loads(raw)
    for bad in (b"\xff", b"[]", b"{}", json.dumps(told | {"verdict": "{}"}).encode()):
        with pytest.raises(EventError):
            decoded(bad)
        client.rpush(f"{prefix}:asks", bad)
    while client.llen(f"{prefix}:asks"):
        time.sleep(0.01)
    asker.ask(ASK).result(20)


@pytest.mark.slow
def test_redis_may_go_and_come_back(prefix, explaining):
    with EmbeddedServers(kafka=False, redis=True) as servers:
        url = servers.redis_url
        loop = new_loop(url, prefix, explaining)
        asker = Asker(url, prefix)
        with redis.Redis.from_url(url) as client:
            await_key(client, f"{prefix}:asks:beat")
        explaining.go.clear()
        under_way = asker.ask(ASK)
        assert explaining.began.wait(10)
    assert fault_of(under_way).kind == "away"
    explaining.go.set()
    with pytest.raises(AskFault) as caught:
        asker.ask(replace(ASK, method="rise"))
    assert caught.value.kind == "away"
    with pytest.raises(AskFault):
        asker.kept(ASK)
    time.sleep(0.5)
    loop.check()  # it waits for Redis
    asker.close()
    loop.stop()


def test_cases_of_one_image_share_their_explanation():
    other = replace(ASK, arrived=arrived("c2"))
    assert other.key != ASK.key
    same = replace(ASK, arrived=replace(arrived("c2"), image=ARRIVED.image))
    assert same.key == ASK.key
