import json
import random
import time
import uuid
from collections import Counter
from dataclasses import replace

import pytest
import redis
from event_strategies import logs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stack_logs import V0, V1, WAITS

from services.background import Background
from services.bus.memory import MemoryBus
from services.embedded.servers import EmbeddedServers
from services.mirror import redis_mirror
from services.mirror.freshness import Freshness
from services.mirror.loop import Mirror
from services.mirror.memory_mirror import MemoryMirror
from services.mirror.redis_layout import LAYOUT
from services.mirror.redis_mirror import RedisMirror
from twin.errors import DependencyError, SettingsError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    EpochReached,
    FeedbackReceived,
    StackOrdered,
    VerdictIssued,
)
from twin.images import FileRef
from twin.log import SCHEMA_OF, encode, line
from twin.state import Record, TwinState, fingerprint, fold

ARRIVED = CaseArrived(case_id="c1", at_min=1.0, image=FileRef(path="a/1.jpg", sha256="ab"))
VERDICT = VerdictIssued(
    case_id="c1",
    at_min=1.0,
    p_malignant=0.1 + 0.2,
    threshold=0.5,
    malignant=False,
    log_odds={"knn": -0.5},
    model_id="m1",
)
CLOSED = CaseClosed(
    case_id="c1", at_min=9.0, referred=True, left_early=False, waits_min={"imaging": 1.0}
)
REJECTED = CaseRejected(case_id="c2", at_min=1.0, reason="no image")
READY = ComponentChanged(
    component="knn", at_unix_s=5.5, state="ready", restarts=2, model_id="m1", facts={"s": 0.1}
)
JOURNEY = [
    Record("cases", 0, 0, ARRIVED),
    Record("verdicts", 0, 0, VERDICT),
    Record("verdicts", 1, 0, REJECTED),
    Record("components", 0, 0, READY),
    Record("cases", 0, 1, CLOSED),
    Record("cases", 1, 0, None),
]


EPOCH = EpochReached(at_min=1440.0, epoch=1, cases=1, feedback=0)
REPORT = DriftReported(at_min=1440.0, epoch=1, cases=1)
ORDER = StackOrdered(order_id="o1", at_min=1500.0, version=0, by="me", reason="it is worse")


def message(feedback_id, label, at_min, revision=0, case_id="c1"):
    return FeedbackReceived(
        feedback_id=feedback_id, case_id=case_id, at_min=at_min, label=label, revision=revision
    )


@pytest.fixture
def mirror(redis_url, prefix):
    mirror = RedisMirror(redis_url, prefix, clock=lambda: 1234.5)
    yield mirror
    mirror.close()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="session", params=["memory", "redis"])
def new_mirror(request):
    """Return a function that makes mirrors of one kind, each with nothing in it."""
    if request.param == "memory":
        return MemoryMirror
    url = request.getfixturevalue("redis_url")
    return lambda: RedisMirror(url, f"test-{uuid.uuid4().hex}")


def assert_is_fold(mirror, records):
    state = mirror.read_back()
    expected = fold(records)
    assert fingerprint(state) == fingerprint(expected)
    assert state == expected  # the fingerprint leaves positions and components out


# --- the fold, whatever way it is cut: the same for both kinds of mirror


@settings(deadline=None, max_examples=60)
@given(records=logs())
def test_a_batch_and_its_repetition_equal_the_fold(new_mirror, records):
    mirror = new_mirror()
    state = TwinState()
    assert mirror.apply(records) == sum([state.apply(record) for record in records])
    assert_is_fold(mirror, records)
    assert mirror.apply(records) == 0
    assert_is_fold(mirror, records)
    assert mirror.position() == state.position
    mirror.wipe()
    assert mirror.read_back() == TwinState()


@settings(deadline=None, max_examples=10)
@given(records=logs(most=10))
def test_a_batch_may_be_cut_anywhere(new_mirror, records):
    for cut in range(len(records) + 1):
        mirror = new_mirror()
        changes = mirror.apply(records[:cut]) + mirror.apply(records[cut:])
        assert_is_fold(mirror, records)
        assert changes == new_mirror().apply(records)
        mirror.wipe()


@settings(deadline=None, max_examples=30)
@given(records=logs(), data=st.data())
def test_partitions_may_interleave_anyhow(new_mirror, records, data):
    mirror = new_mirror()
    queues = {}
    for record in records:
        queues.setdefault((record.topic, record.partition), []).append(record)
    turns = data.draw(st.permutations([(r.topic, r.partition) for r in records]))
    waiting = {place: iter(queue) for place, queue in queues.items()}
    for place in turns:
        mirror.apply([next(waiting[place])])
    assert fingerprint(mirror.read_back()) == fingerprint(fold(records))
    mirror.wipe()


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(records=logs(), seed=st.integers(0, 2**32))
def test_crashes_between_apply_and_commit_change_nothing(new_mirror, records, seed):
    """Each restart reads again from a place before the one that was reached."""
    draw = random.Random(seed)
    mirror, at = new_mirror(), 0
    while at < len(records):
        end = min(len(records), at + draw.randint(1, 5))
        mirror.apply(records[at:end])
        at = end if draw.random() < 0.7 else draw.randint(0, end)
    assert_is_fold(mirror, records)
    mirror.wipe()


# --- what readers of Redis find


def test_a_case_can_be_read_without_knowing_our_types(mirror, client, prefix):
    mirror.apply(JOURNEY)
    case = client.hgetall(f"{prefix}:case:c1")
    assert case == {
        "revision": "3",
        "stage": "closed",
        "arrived": encode(ARRIVED).decode(),
        "image": "a/1.jpg",
        "answer": encode(VERDICT).decode(),
        "answer_schema": "VerdictIssued/2",
        "p_malignant": repr(VERDICT.p_malignant),
        "malignant": "0",
        "closed": encode(CLOSED).decode(),
        "referred": "1",
    }
    other = client.hgetall(f"{prefix}:case:c2")
    assert (other["stage"], other["rejected"]) == ("answered", "no image")
    assert other["answer_schema"] == "CaseRejected/1"


def test_a_label_is_beside_its_case_and_so_are_the_messages(mirror, client, prefix):
    said = [message("f1", "malignant", 20.0), message("f2", "benign", 30.0, revision=1)]
    early = [Record("feedback", 0, n, one) for n, one in enumerate(said)]
    mirror.apply(early)
    assert client.hget(f"{prefix}:case:c1", "label") == ""  # nobody knows the case yet
    assert mirror.read_back().counts["apart.unknown case"] == 2
    mirror.apply(JOURNEY)
    case = client.hgetall(f"{prefix}:case:c1")
    assert (case["label"], case["revision"]) == ("benign", "5")
    assert case["feedback"] == "\n".join(encode(one).decode() for one in said)
    counts = mirror.read_back().counts
    assert (counts["labels"], counts["apart.superseded"], counts["apart.unknown case"]) == (1, 1, 0)
    assert_is_fold(mirror, early + JOURNEY)


def test_stacks_drift_and_orders_are_kept_by_epoch(mirror, client, prefix):
    events = [V0, EPOCH, REPORT, WAITS, replace(EPOCH, epoch=2), ORDER, V1, V1]
    records = [Record("stacks", 0, offset, event) for offset, event in enumerate(events)]
    for record in records:
        mirror.apply([record])
    assert_is_fold(mirror, records)
    assert sorted(client.hkeys(f"{prefix}:stacks")) == ["0", "1", "3"]  # in no order
    assert client.hget(f"{prefix}:stacks", "3").encode() == line(V1)
    assert client.hgetall(f"{prefix}:stack") == {
        "version": "1",
        "since_min": repr(V1.at_min),
        "parent": "0",
        "how": "restack",
        "threshold": "0.4",
        "model_id": V1.model_id,
        "digest": V1.digest,
        "reason": V1.reason,
    }
    overview = mirror.overview().state
    assert overview.in_force == V1
    assert overview.drift == {1: REPORT}
    told = [one for _, one in client.xrange(f"{prefix}:changes") if one["changed"] == "1"]
    assert [(one["kind"], one["id"], one["stage"]) for one in told] == [
        ("stacks", "0", "trained"),
        ("epochs", "1", "reached"),
        ("drift", "1", "reported"),
        ("stacks", "1", "waiting"),
        ("epochs", "2", "reached"),
        ("orders", "o1", "ordered"),
        ("stacks", "3", "promoted"),
    ]
    assert overview.counts["duplicates"] == 1


def test_components_counts_position_and_time(mirror, client, prefix):
    mirror.apply(JOURNEY)
    component = client.hgetall(f"{prefix}:component:knn")
    assert component.pop("event") == encode(READY).decode()
    assert component == {
        "state": "ready",
        "restarts": "2",
        "model_id": "m1",
        "reason": "",
        "at_unix_s": "5.5",
    }
    assert client.hgetall(f"{prefix}:counts") == {
        name: str(count) for name, count in fold(JOURNEY).counts.items()
    }
    assert client.hgetall(f"{prefix}:position") == {
        "cases/0": "1",
        "cases/1": "0",
        "verdicts/0": "0",
        "verdicts/1": "0",
        "components/0": "0",
    }
    kinds = ("updated", "cases", "verdicts", "components")
    known = client.hgetall(f"{prefix}:mirror")
    assert len(known.pop("generation")) == 16
    assert known.pop("revision") == str(len(JOURNEY))
    assert known.pop("latest_min") == "9.0"
    assert known.pop("layout") == str(LAYOUT)
    assert known == {f"{kind}_unix_s": "1234.5" for kind in kinds}


def test_every_record_is_on_the_stream_once_and_in_order(mirror, client, prefix):
    mirror.apply(JOURNEY)
    mirror.apply(JOURNEY)
    told = client.xrange(f"{prefix}:changes")
    assert [key for key, _ in told] == [f"{1 + n}-0" for n in range(len(JOURNEY))]
    places = [f"{one.topic}/{one.partition}/{one.offset}" for one in JOURNEY]
    assert [entry["place"] for _, entry in told] == places
    changes = [entry for _, entry in told if entry["changed"] == "1"]
    assert [(one["kind"], one["id"], one["stage"], one["schema"]) for one in changes] == [
        ("case", "c1", "arrived", "CaseArrived/2"),
        ("case", "c1", "answered", "VerdictIssued/2"),
        ("case", "c2", "answered", "CaseRejected/1"),
        ("component", "knn", "ready", SCHEMA_OF[ComponentChanged]),
        ("case", "c1", "closed", "CaseClosed/1"),
    ]
    assert [one.get("case_revision") for one in changes] == ["1", "2", "1", None, "3"]


def test_what_the_stream_adds_up_to_is_the_fold(mirror, client, prefix):
    mirror.apply(JOURNEY)
    added = Counter()
    for _, entry in client.xrange(f"{prefix}:changes"):
        added.update(json.loads(entry["deltas"]))
    assert added == Counter({name: n for name, n in fold(JOURNEY).counts.items() if n})


def test_a_mirror_that_lost_what_it_had_says_so_and_begins_again(mirror, client, prefix):
    mirror.apply(JOURNEY)
    first = client.hget(f"{prefix}:mirror", "generation")
    client.delete(*client.keys(f"{prefix}:*"))
    with pytest.raises(DependencyError, match="lost what it had"):
        mirror.apply(JOURNEY)
    assert not client.keys(f"{prefix}:*")
    mirror.apply(JOURNEY)
    assert client.hget(f"{prefix}:mirror", "generation") != first
    assert fingerprint(mirror.read_back()) == fingerprint(fold(JOURNEY))


def test_the_stream_is_capped(mirror, client, prefix, monkeypatch):
    monkeypatch.setattr(redis_mirror, "CHANGES_KEPT", 100)
    for batch in range(10):
        mirror.apply([Record("components", 0, batch * 100 + n, READY) for n in range(100)])
    # Redis drops whole nodes of the stream, so it may keep somewhat more.
    assert 100 <= client.xlen(f"{prefix}:changes") <= 300


def test_cases_expire_and_the_rest_stays(redis_url, client, prefix):
    mirror = RedisMirror(redis_url, prefix, ttl_s=100)
    mirror.apply(JOURNEY[:2])
    client.persist(f"{prefix}:case:c1")
    mirror.apply(JOURNEY[2:])
    assert 0 < client.ttl(f"{prefix}:case:c1") <= 100  # renewed by the reading
    assert 0 < client.ttl(f"{prefix}:case:c2") <= 100
    rest = ("component:knn", "counts", "position", "changes", "mirror")
    assert {client.ttl(f"{prefix}:{name}") for name in rest} == {-1}
    mirror.close()


def test_an_empty_batch_says_only_that_the_mirror_is_alive(redis_url, client, prefix):
    times = iter([10.0, 20.0])
    mirror = RedisMirror(redis_url, prefix, clock=lambda: next(times))
    mirror.apply(JOURNEY)
    assert mirror.apply([]) == 0
    assert client.hget(f"{prefix}:mirror", "updated_unix_s") == "20.0"
    assert_is_fold(mirror, JOURNEY)
    mirror.close()


def test_the_overview_has_all_but_the_cases(mirror):
    assert mirror.overview().updated_unix_s is None
    mirror.apply(JOURNEY)
    overview = mirror.overview()
    whole = fold(JOURNEY)
    whole.cases = {}
    assert overview.state == whole
    assert overview.updated_unix_s == 1234.5


def test_wipe_takes_what_is_ours_and_nothing_else(redis_url, client, prefix):
    # A star in a prefix stands for itself.
    ours, theirs = RedisMirror(redis_url, f"{prefix}*"), RedisMirror(redis_url, f"{prefix}-b")
    for mirror in (ours, theirs):
        mirror.apply(JOURNEY)
    client.set(f"{prefix}", "kept")
    ours.wipe()
    ours.wipe()  # of nothing
    assert ours.read_back() == TwinState()
    assert_is_fold(theirs, JOURNEY)
    assert client.get(prefix) == "kept"
    for mirror in (ours, theirs):
        mirror.close()


# --- when things go wrong


def test_a_failure_before_the_transaction_writes_nothing(mirror, client, prefix, monkeypatch):
    mirror.apply(JOURNEY[:2])
    before = {key: client.dump(key) for key in client.scan_iter(f"{prefix}*")}

    def crash(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        patch.setattr(redis.client.Pipeline, "execute", crash)
        mirror.apply(JOURNEY[2:])
    assert {key: client.dump(key) for key in client.scan_iter(f"{prefix}*")} == before
    mirror.apply(JOURNEY[2:])
    assert_is_fold(mirror, JOURNEY)


def test_a_reply_that_is_lost_after_the_transaction_doubles_nothing(mirror, monkeypatch):
    mirror.apply(JOURNEY[:2])
    execute = redis.client.Pipeline.execute

    def lose_reply(pipe, *rest):
        replies = execute(pipe, *rest)
        if pipe.transaction:
            raise redis.ConnectionError("reset by peer")
        return replies

    with monkeypatch.context() as patch, pytest.raises(DependencyError, match="reset by peer"):
        patch.setattr(redis.client.Pipeline, "execute", lose_reply)
        mirror.apply(JOURNEY[2:])
    assert mirror.apply(JOURNEY[2:]) == 0
    assert_is_fold(mirror, JOURNEY)


def test_of_two_mirrors_at_once_one_fails_and_nothing_doubles(redis_url, prefix, monkeypatch):
    first, second = RedisMirror(redis_url, prefix), RedisMirror(redis_url, prefix)
    load = first._load

    def load_and_be_overtaken(*wanted):
        state = load(*wanted)
        second.apply(JOURNEY[:3])
        return state

    with monkeypatch.context() as patch, pytest.raises(DependencyError, match="another mirror"):
        patch.setattr(first, "_load", load_and_be_overtaken)
        first.apply(JOURNEY)
    assert_is_fold(second, JOURNEY[:3])
    assert first.apply(JOURNEY) == len(JOURNEY) - 3 - 1  # the last record changes only a count
    assert_is_fold(second, JOURNEY)
    for mirror in (first, second):
        mirror.close()


def test_a_redis_that_is_gone_is_named_without_its_password(prefix):
    with EmbeddedServers(kafka=False) as servers:
        address = servers.redis_url.removeprefix("redis://").removesuffix("/0")
    mirror = RedisMirror(f"redis://user:secret@{address}/0", prefix)
    for use in (
        lambda: mirror.apply(JOURNEY),
        lambda: mirror.apply([]),
        mirror.position,
        mirror.read_back,
        mirror.overview,
        mirror.wipe,
    ):
        with pytest.raises(DependencyError, match=f"{address}/0: ") as caught:
            use()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://user:secret@localhost", "localhost:6379", "redis://h:x"])
def test_what_is_no_redis_address_is_named_without_its_password(url):
    with pytest.raises(SettingsError, match="REDIS_URL") as caught:
        RedisMirror(url, "p")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["arrived", "answer", "closed", "feedback"])
def test_bytes_that_are_no_event_are_not_taken_for_one(mirror, client, prefix, name):
    mirror.apply(JOURNEY)
    client.hset(f"{prefix}:case:c1", name, "{}")
    with pytest.raises(DependencyError, match=f"under {prefix}: not an event"):
        mirror.read_back()


def test_when_the_last_news_of_each_kind_came_is_kept(redis_url, prefix):
    now = iter((10.0, 20.0, 30.0))
    mirror = RedisMirror(redis_url, prefix, clock=lambda: next(now))
    mirror.apply([Record("cases", 0, 0, ARRIVED), Record("stacks", 0, 0, V0)])
    said = message("f1", "benign", 20.0)
    mirror.apply([Record("feedback", 0, 0, said), Record("stacks", 0, 1, REPORT)])
    mirror.apply([Record("feedback", 0, 1, said), Record("stacks", 0, 2, V0)])  # no news
    overview = mirror.overview()
    assert overview.updated_unix_s == 30.0
    news = {"cases": 10.0, "stacks": 10.0, "feedback": 20.0, "drift": 20.0}
    assert overview.news_unix_s == news
    mirror.close()


def test_the_stream_tells_what_was_before_what_is_kept(mirror, client, prefix):
    """So that whoever comes later knows the state before the first record that is kept."""
    failed = replace(READY, state="failed")
    parts = [Record("components", 0, n, one) for n, one in enumerate((READY, failed, READY))]
    mirror.apply([*JOURNEY[:3], parts[0]])
    mirror.apply([*parts[1:], *JOURNEY[4:], Record("stacks", 0, 0, EPOCH)])
    told = [entry for _, entry in client.xrange(f"{prefix}:changes")]
    before = [one.get("before") for one in told if one["kind"] == "component"]
    assert before == [None, encode(READY).decode(), encode(failed).decode()]
    times_min = [float(one["before_min"]) for one in told]
    assert times_min == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0, 9.0]
    assert client.hget(f"{prefix}:mirror", "latest_min") == "1440.0"


def test_a_redis_that_went_back_is_folded_into_again_and_says_so(mirror, client, prefix):
    mirror.apply(JOURNEY[:2], Freshness(complete_unix_s=5.0))
    kept = {key: client.dump(key) for key in client.scan_iter(f"{prefix}:*")}
    first = client.hget(f"{prefix}:mirror", "generation")
    mirror.apply(JOURNEY[2:4])
    with client.pipeline(transaction=True) as pipe:
        pipe.delete(*client.keys(f"{prefix}:*"))
        for key, value in kept.items():
            pipe.restore(key, 0, value)
        pipe.execute()
    # What comes next does not follow what is there: it must not be folded into it.
    with pytest.raises(DependencyError, match="lost its latest changes"):
        mirror.apply(JOURNEY[4:])
    assert_is_fold(mirror, JOURNEY[:2])
    told = client.hgetall(f"{prefix}:mirror")
    assert told["generation"] != first
    assert "complete_unix_s" not in told
    mirror.apply(JOURNEY[2:])
    assert_is_fold(mirror, JOURNEY)
    assert [key for key, _ in client.xrange(f"{prefix}:changes")] == [
        f"{1 + n}-0" for n in range(len(JOURNEY))
    ]


def test_the_loop_goes_back_with_its_redis(redis_url, client, prefix):
    bus, mirror = MemoryBus(), RedisMirror(redis_url, prefix)
    publisher, loop = bus.publisher(), Mirror(bus.subscriber(("verdicts",), "m"), mirror)

    def send(first):
        for number in range(first, first + 10):
            publisher.publish(CaseRejected(case_id=f"c{number}", at_min=0.0, reason="x"))

    send(0)
    background = Background("mirror", loop.run)
    try:
        wait_for(lambda: loop.lag() == 0)
        kept = {key: client.dump(key) for key in client.scan_iter(f"{prefix}:*")}
        send(10)
        wait_for(lambda: loop.lag() == 0)
        with client.pipeline(transaction=True) as pipe:
            pipe.delete(*client.keys(f"{prefix}:*"))
            for key, value in kept.items():
                pipe.restore(key, 0, value)
            pipe.execute()
        send(20)
        wait_for(lambda: mirror.overview().state.counts["rejections"] == 30)
        assert loop.retries == 1
    finally:
        background.stop()
        mirror.close()


def wait_for(true):
    deadline_s = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_another_mirror_s_state_is_not_folded_into_before_its_position_is_known(
    mirror, client, prefix
):
    mirror.apply(JOURNEY[:4])
    client.hset(f"{prefix}:mirror", "generation", "0123456789abcdef")
    with pytest.raises(DependencyError, match="another mirror's state"):
        mirror.apply(JOURNEY[4:])
    assert_is_fold(mirror, JOURNEY[:4])
    mirror.apply(JOURNEY[4:])
    assert_is_fold(mirror, JOURNEY)
    assert client.hget(f"{prefix}:mirror", "generation") == "0123456789abcdef"
