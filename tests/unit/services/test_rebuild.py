"""The mirror made again from its log, beside the old one and while another mirror is at work."""

import io
import json
import threading

import pytest
import redis
from typer.testing import CliRunner

import services.cli
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_topics import ensure_topics
from services.bus.memory import MemoryBus
from services.bus.topics import MIRRORED
from services.dead_letters.keeper import Letters
from services.exits import Exit
from services.logs import open_log
from services.mirror.comparison import MOST_NAMED
from services.mirror.judge import Judge
from services.mirror.loop import Mirror
from services.mirror.rebuild import check, rebuild
from services.mirror.redis_layout import LAYOUT
from services.mirror.redis_mirror import RedisMirror
from twin.errors import DependencyError
from twin.events import CaseClosed, CaseRejected, ComponentChanged, EpochReached
from twin.state import fingerprint, fold

QUIET = lambda stage, done, total: None  # noqa: E731


def events(count, first=0):
    yield ComponentChanged(
        component="knn", at_unix_s=5.5, state="ready", restarts=first, model_id="m1", facts={}
    )
    yield EpochReached(at_min=float(first), epoch=first + 1, cases=1, feedback=0)
    for number in range(first, first + count):
        yield CaseRejected(case_id=f"c{number}", at_min=0.0, reason="test")
        yield CaseClosed(
            case_id=f"c{number}", at_min=1.0, referred=False, left_early=False, waits_min={}
        )


class Log:
    """A log in this process, and who reads it."""

    def __init__(self, count=300):
        self.bus = MemoryBus()
        self.publisher = self.bus.publisher()
        self.send(count)

    def send(self, count, first=0):
        for event in events(count, first):
            self.publisher.publish(event)
        self.publisher.publish_raw("cases", "c0", "Nonsense/1", b"{}", {})

    def reader(self, group):
        return self.bus.subscriber(MIRRORED, group)


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def mirror(redis_url, prefix):
    kept = RedisMirror(redis_url, prefix)
    yield kept
    kept.close()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


def keep_up(log, mirror):
    loop = Mirror(log.reader("mirror"), mirror)
    while loop.lag() or loop.step(0.0):
        loop.step(0.0)
    return loop


def test_a_spoilt_mirror_is_told_of_and_made_again(log, mirror, client, redis_url, prefix):
    keep_up(log, mirror)
    assert check(redis_url, prefix, log.reader, QUIET).equal
    client.hset(f"{prefix}:counts", "closed", 7)
    client.hdel(f"{prefix}:case:c5", "closed")
    client.delete(f"{prefix}:case:c6")
    client.hdel(f"{prefix}:epochs", "1")
    client.hset(f"{prefix}:case:stranger", "revision", 1)
    client.set(f"{prefix}:blob:ab", b"an upload")
    client.hset(f"{prefix}:attached", "tag", "{}")
    found = check(redis_url, prefix, log.reader, QUIET)
    assert not found.equal and found.fingerprints[0] != found.fingerprints[1]
    assert found.counts["closed"] == (300, 7)
    assert found.differences[0] == "count of closed: the log has 300, the mirror 7"
    assert "case c5: closed differs" in found.differences
    assert any(words.startswith("case c6: the mirror has none") for words in found.differences)
    assert "case stranger: the log has none" in found.differences
    assert "epochs 1: the mirror has none" in found.differences

    generation = client.hget(f"{prefix}:mirror", "generation")
    done = rebuild(redis_url, prefix, log.reader, QUIET)
    assert done.comparison.equal and done.in_place
    assert check(redis_url, prefix, log.reader, QUIET).equal
    assert not client.exists(f"{prefix}:case:stranger")
    assert client.hget(f"{prefix}:mirror", "generation") not in (None, generation)
    assert client.get(f"{prefix}:blob:ab") == b"an upload"
    assert client.hget(f"{prefix}:attached", "tag") == b"{}"
    assert client.ttl(f"{prefix}:case:c6") > 0
    assert not list(client.scan_iter(f"{prefix}.rebuild*"))


def test_differences_beyond_the_first_are_counted(log, mirror, client, redis_url, prefix):
    keep_up(log, mirror)
    for number in range(20):
        client.delete(f"{prefix}:case:c{number}")
    found = check(redis_url, prefix, log.reader, QUIET)
    assert (len(found.differences), found.more) == (MOST_NAMED, 20 - MOST_NAMED)


def test_an_empty_redis_is_filled_and_progress_is_told(log, redis_url, prefix):
    told = []
    done = rebuild(redis_url, prefix, log.reader, lambda *words: told.append(words))
    assert done.in_place and done.comparison.records == 603
    assert ("mirror", 603, 603) in told and ("log", 603, 603) in told


def test_what_a_killed_rebuild_left_is_in_nobodys_way(log, client, redis_url, prefix):
    client.hset(f"{prefix}.rebuild:case:c1", "revision", 9)
    client.hset(f"{prefix}.rebuild:position", "cases/0", 10_000)
    assert rebuild(redis_url, prefix, log.reader, QUIET).in_place
    assert check(redis_url, prefix, log.reader, QUIET).equal


def test_a_mirror_that_is_at_work_goes_on_from_the_new_one(log, mirror, redis_url, prefix):
    judge = Judge(Letters(log.publisher, "mirror", open_log(io.StringIO())))
    loop = Mirror(log.reader("mirror"), mirror, judge=judge)
    stop, failed = threading.Event(), []

    def serve():
        try:
            loop.run(stop)
        except Exception as error:  # noqa: BLE001  told below
            failed.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    feeding = threading.Thread(
        target=lambda: [log.send(20, first) for first in range(300, 1300, 20)]
    )
    feeding.start()
    for _ in range(3):
        assert rebuild(redis_url, prefix, log.reader, QUIET).in_place
    feeding.join()
    while loop.lag():
        pass
    stop.set()
    thread.join()
    assert not failed
    assert check(redis_url, prefix, log.reader, QUIET).equal
    assert mirror.read_back().counts["duplicates"] == 0


def test_a_mirror_that_has_not_written_yet_leaves_no_gap(log, redis_url, prefix, mirror):
    keep_up(log, RedisMirror(redis_url, prefix))
    late = Mirror(log.reader("late"), mirror)
    late._align()  # it has read where it goes on, and that is all
    log.send(50, 300)
    assert rebuild(redis_url, prefix, log.reader, QUIET).in_place
    log.send(50, 350)
    with pytest.raises(DependencyError, match="another mirror's state meanwhile"):
        late.step(0.0)
    late._aligned = False
    while late.step(0.0):
        pass
    assert check(redis_url, prefix, log.reader, QUIET).equal


def test_it_is_held_against_the_log_while_it_is_written_to(log, mirror, redis_url, prefix):
    keep_up(log, mirror)
    stop, place = threading.Event(), [300]

    def grow():
        while not stop.is_set():
            log.send(3, place[0])
            place[0] += 3
            keep_up(log, mirror)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        found = [check(redis_url, prefix, log.reader, QUIET) for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    assert [one.differences for one in found] == [[], [], []]


def test_a_mirror_of_another_log_is_not_equal(log, mirror, redis_url, prefix):
    keep_up(log, mirror)
    shorter = Log(10)
    found = check(redis_url, prefix, shorter.reader, QUIET)
    assert any(words.startswith("position in ") for words in found.differences)
    with pytest.raises(DependencyError, match="no mirror has written"):
        check(redis_url, f"{prefix}-none", log.reader, QUIET)


def test_a_log_without_its_beginning_does_not_replace_what_knows_more(
    log, mirror, redis_url, prefix, monkeypatch
):
    keep_up(log, mirror)
    whole = mirror.read_back()
    for place, messages in log.bus.log.items():
        if place[0] == "cases":
            del messages[:10]
    monkeypatch.setattr(Log, "reader", lambda self, group: _Late(self.bus, group))
    done = rebuild(redis_url, prefix, log.reader, QUIET)
    assert done.comparison.equal and not done.in_place
    assert done.expired[0] == "cases/0 begins at offset 10"
    assert fingerprint(mirror.read_back()) == fingerprint(whole)
    assert rebuild(redis_url, prefix, log.reader, QUIET, anyway=True).in_place
    assert fingerprint(mirror.read_back()) != fingerprint(whole)


class _Late:
    """Reads partitions of which the first messages were removed."""

    def __init__(self, bus, group):
        self._reader = bus.subscriber(MIRRORED, group)
        self._bus = bus

    def _less(self, place):
        messages = self._bus.log[place]
        return messages[0].offset if messages else 0

    def poll(self, most, timeout_s):
        return self._reader.poll(most, timeout_s)

    def seek(self, upto):
        self._reader.seek({p: max(0, at - self._less(p)) for p, at in upto.items()})

    def lag(self):
        return self._reader.lag()

    def commit(self, upto):
        pass

    def close(self):
        pass


def test_one_that_is_not_equal_does_not_take_the_place(
    log, mirror, client, redis_url, prefix, monkeypatch
):
    keep_up(log, mirror)
    whole = RedisMirror.apply

    def forgetful(self, records, fresh=None):
        return whole(self, [one for one in records if one.offset != 3], fresh)

    with monkeypatch.context() as patch:
        patch.setattr(RedisMirror, "apply", forgetful)
        done = rebuild(redis_url, prefix, log.reader, QUIET)
    assert not done.comparison.equal and not done.in_place
    assert check(redis_url, prefix, log.reader, QUIET).equal  # the old one is as it was


class TestLayout:
    def test_a_mirror_of_an_earlier_version_is_made_again_with_a_notice(
        self, log, mirror, client, redis_url, prefix
    ):
        keep_up(log, mirror)
        client.hdel(f"{prefix}:mirror", "layout")
        client.hset(f"{prefix}:counts", "closed", 7)
        client.set(f"{prefix}:blob:ab", b"an upload")
        told = []
        loop = Mirror(log.reader("mirror"), mirror, tell=told.append)
        while loop.step(0.0):
            pass
        assert "laid out by an earlier version" in told[0] and "made again" in told[0]
        assert fingerprint(mirror.read_back()) == fingerprint(fold(_records(log)))
        assert client.get(f"{prefix}:blob:ab") == b"an upload"
        assert client.hget(f"{prefix}:mirror", "layout") == str(LAYOUT).encode()

    def test_one_of_a_later_version_is_left_alone(self, log, mirror, client, prefix):
        keep_up(log, mirror)
        client.hset(f"{prefix}:mirror", "layout", LAYOUT + 1)
        with pytest.raises(DependencyError, match=rf"layout {LAYOUT + 1} \(this version reads"):
            Mirror(log.reader("mirror"), mirror).step(0.0)
        assert client.hget(f"{prefix}:counts", "cases") is not None

    @pytest.mark.parametrize("read", ["read_back", "overview"])
    def test_nobody_reads_one_of_another_version(self, log, mirror, client, prefix, read):
        keep_up(log, mirror)
        client.hdel(f"{prefix}:mirror", "layout")
        with pytest.raises(DependencyError, match=r"earlier version.*dermtwin rebuild"):
            getattr(mirror, read)()

    def test_nor_does_a_mirror_that_is_at_work_write_into_it(self, log, mirror, client, prefix):
        loop = keep_up(log, mirror)
        client.hset(f"{prefix}:mirror", "layout", LAYOUT + 1)
        log.send(1, 300)
        with pytest.raises(DependencyError, match="another version"):
            loop.step(0.0)

    def test_rebuild_takes_its_place(self, log, mirror, client, redis_url, prefix):
        keep_up(log, mirror)
        client.hset(f"{prefix}:mirror", "layout", LAYOUT + 1)
        assert rebuild(redis_url, prefix, log.reader, QUIET).in_place
        assert check(redis_url, prefix, log.reader, QUIET).equal


def _records(log):
    from services.mirror.records import record_of

    return [record_of(one) for messages in log.bus.log.values() for one in messages]


class TestCommand:
    @pytest.fixture
    def run(self, kafka_servers, redis_url, prefix, monkeypatch, tmp_path):
        monkeypatch.setattr(services.cli, "claim_standard_output", lambda: None)
        monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path))
        monkeypatch.setenv("DERMTWIN_NAME", prefix)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_servers)
        monkeypatch.setenv("REDIS_URL", redis_url)
        ensure_topics(kafka_servers, prefix, MIRRORED)
        publisher = KafkaPublisher(kafka_servers, prefix)
        for event in events(20):
            publisher.publish(event)
        publisher.close()
        return lambda *more: CliRunner().invoke(services.cli.app, ["rebuild", "--json", *more])

    def test_it_makes_the_mirror_of_a_log_on_kafka(self, run, client, prefix):
        done = run()
        assert done.exit_code == Exit.OK, done.output
        told = json.loads(done.stdout)
        assert told["equal"] and told["in_place"] and told["records"] == 42
        assert told["log"] == told["mirror"] and told["log"]["closed"] == 20
        client.hset(f"{prefix}:counts", "closed", 7)
        checked = run("--check")
        assert checked.exit_code == Exit.NOT_EQUAL
        assert json.loads(checked.stdout)["mirror"]["closed"] == 7
        assert run().exit_code == Exit.OK
        assert run("--check").exit_code == Exit.OK

    def test_without_a_twin_it_says_what_to_do(self, run, monkeypatch):
        monkeypatch.delenv("REDIS_URL")
        done = run()
        assert isinstance(done.exception, DependencyError)
        assert "dermtwin up" in str(done.exception)
