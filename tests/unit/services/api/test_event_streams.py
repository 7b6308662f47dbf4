"""Readers of the event stream get each record once, or are told how many they lost."""

import asyncio
import json
import random
import re
from collections import Counter

import pytest
from asked import asking, context_of
from followed import Followed, quick
from random_logs import interleaved, random_log

from services.api.live import mirror_reader, moments, stream
from services.api.live.cursor import cursor_of, upto_of
from services.api.live.history import History
from services.api.live.stream import Lines, Reader
from services.mirror import redis_mirror
from twin.log import encode

EVENT = re.compile(rb"event: (\w+)\n(?:id: ([^\n]*)\n)?data: ([^\n]*)\n\n")


@pytest.fixture
def followed(redis_url, prefix, monkeypatch):
    quick(monkeypatch)
    for module, name, few in (
        (moments, "KEPT", 80),
        (moments, "EVERY", 16),
        (moments, "_SLACK", 32),
        (mirror_reader, "KEPT", 80),
        (redis_mirror, "CHANGES_KEPT", 80),
        (stream, "MOST_AT_ONCE", 7),
    ):
        monkeypatch.setattr(module, name, few)
    one = Followed(redis_url, prefix)
    yield one
    one.close()


def by_place(records):
    queues = {}
    for one in records:
        queues.setdefault((one.topic, one.partition), []).append(one)
    return queues


def kind_of(record):
    if record.event is None:
        return "invalid"
    return "component" if record.topic == "components" else "other"


class Client:
    """Somebody who reads, and holds all that comes against the log."""

    def __init__(self, log, draw, lines):
        self._log, self._draw = log, draw
        self.kinds = draw.choice([None, None, None, {"component"}, {"component", "invalid"}])
        self.upto = {}
        self.got, self.lost = Counter(), 0
        self.reader = None
        self.connect(lines, draw.choice(["start", "now"]))

    def connect(self, lines, since=None):
        history = lines._history
        since = since or cursor_of({place: at for place, at in self.upto.items() if at})
        upto = None if since == "now" else upto_of(since)
        self.reader = Reader(history, lines, upto, self._wants)
        if since == "now":
            assert self.reader.cursor is not None
            self.upto = upto_of(self.reader.cursor)

    def _wants(self, change):
        kind = change.kind if change.kind in ("component", "invalid") else "other"
        return self.kinds is None or kind in self.kinds

    def _records(self, upto):
        """What lies between the position that we had and the next one."""
        found = []
        for place in {*upto, *self.upto}:
            had, at = self.upto.get(place, 0), upto.get(place, 0)
            assert at >= had, "it went back"
            found += self._log[place][had:at]
        return [one for one in found if self.kinds is None or kind_of(one) in self.kinds]

    def read(self, whole=True):
        """Read a piece; or break off within it, and say whether that happened."""
        piece = self.reader.next()
        assert EVENT.sub(b"", piece) == b""
        events = EVENT.findall(piece)
        if not whole and events:
            events = events[: self._draw.randrange(len(events))]
        for name, cursor, data in events:
            upto, body = upto_of(cursor.decode()), json.loads(data)
            between = self._records(upto)
            if name == b"lost":
                self.lost += body["count"]
                assert sum(body["by_topic"].values()) == body["count"]
                topics = Counter(one.topic for one in between)
                if self.kinds is None:
                    assert topics == body["by_topic"]
                else:
                    assert all(body["by_topic"][topic] >= n for topic, n in topics.items())
            else:
                (record,) = between  # this one and nothing else
                told = None if record.event is None else json.loads(encode(record.event))
                assert body["event"] == told
                self.got[record.topic, record.partition, record.offset] += 1
            self.upto = upto
        if whole:  # a heartbeat follows, with the position as its id
            assert not self._records(upto_of(self.reader.cursor))
            self.upto = upto_of(self.reader.cursor)
        return bool(events)


@pytest.mark.parametrize("seed", range(4))
def test_every_reader_gets_each_record_once_or_is_told_how_many_it_lost(followed, seed):
    draw = random.Random(seed)
    log = random_log(seed, 500)
    order, at, wipes, clients = interleaved(log, draw), 0, 3, []
    reached = 0  # how much was folded before the mirror was lost
    lines = Lines(followed.history)
    seen = Counter()
    while at < len(order) or wipes:
        dice = draw.random()
        if dice < 0.25:
            size = draw.choice([1, 5, 40])
            followed.fold(order[at : at + size], complete=at + size >= reached)
            at += size
        elif dice < 0.50:
            followed.step()
        elif dice < 0.80 and clients:
            draw.choice(clients).read()
        elif dice < 0.92 and clients:
            client = draw.choice(clients)
            client.read(whole=False)
            client.connect(lines)
            seen["reconnected"] += 1
        elif dice < 0.95 and len(clients) < 12 and followed.history.begun:
            clients.append(Client(log, draw, lines))
        elif dice < 0.97:
            followed.restart()
            lines = Lines(followed.history)
            for client in clients:
                client.connect(lines)
            seen["restarted"] += 1
        elif wipes and at > 100:
            followed.wipe()
            # All that was folded is on the log, and comes first; then what is new.
            reached = max(reached, at)
            order = interleaved(by_place(order[:at]), draw) + order[at:]
            at, wipes = 0, wipes - 1
    followed.fold([])
    followed.catch_up()
    for client in clients:
        while client.read() or client.reader.has_more:
            pass
    whole = {place: len(queue) for place, queue in log.items()}
    for client in clients:
        assert client.upto == whole
        assert set(client.got.values()) <= {1}
        seen["lost"] += client.lost
        seen["got"] += client.got.total()
        # In step with the others again, so that lines are written once for all.
        assert client.reader._next is None
    assert all(seen[name] for name in ("reconnected", "restarted", "lost", "got")), seen


def read_all(reader):
    events = []
    while True:
        found = EVENT.findall(reader.next())
        events += [(name.decode(), json.loads(data)) for name, _, data in found]
        if not found and not reader.has_more:
            return events


def test_a_slow_reader_is_told_what_it_lost_by_topic(followed):
    order = interleaved(random_log(1, 400), random.Random(1))
    followed.fold(order[:20])
    followed.catch_up()
    reader = Reader(followed.history, Lines(followed.history), None, lambda _: True)
    for first in range(20, len(order), 20):
        followed.fold(order[first : first + 20])
        followed.step()
    followed.catch_up()
    (first, lost), *rest = read_all(reader)
    oldest = followed.history.moments.first
    assert first == "lost"
    assert lost["count"] == oldest - 20 > 0
    assert lost["by_topic"] == Counter(one.topic for one in order[20:oldest])
    assert [name for name, _ in rest] == ["change"] * (len(order) - oldest)


def test_who_asks_for_the_start_is_told_what_of_it_is_gone(followed):
    order = interleaved(random_log(1, 400), random.Random(1))
    followed.fold(order)
    followed.catch_up()
    reader = Reader(followed.history, Lines(followed.history), upto_of("start"), lambda _: True)
    (first, lost), *rest = read_all(reader)
    assert first == "lost"
    assert lost["count"] == followed.history.moments.first == len(order) - len(rest)


def test_a_position_of_another_log_is_told_and_all_that_is_kept_follows(followed):
    order = interleaved(random_log(1, 60), random.Random(1))
    followed.fold(order)
    followed.catch_up()
    lines = Lines(followed.history)
    reader = Reader(followed.history, lines, {("cases", 0): 9_000}, lambda _: True)
    told = read_all(reader)
    assert len(told) < len(order)  # not all of it is after that position
    assert {name for name, _ in told} == {"change"}
    # It may be of this log while the mirror has not said that it reached the log's end.
    followed.fold([], complete=False)
    followed.step()
    assert not read_all(reader)
    followed.fold([])
    followed.catch_up()
    followed.step()
    (first, lost), *rest = read_all(reader)
    assert first == "lost"
    assert "another log" in lost["why"]
    assert lost["count"] == 0
    assert [name for name, _ in rest] == ["change"] * len(order)
    assert reader._next is None  # in step with the others


def test_an_empty_twin_has_a_position_and_one_that_was_not_read_has_none(followed):
    lines = Lines(followed.history)
    early = Reader(followed.history, lines, None, lambda _: True)
    assert early.next() == b""
    assert early.cursor is None
    followed.fold([])
    followed.step()
    here = Reader(followed.history, lines, None, lambda _: True)
    for reader in (early, here):
        assert reader.next() == b""
        assert reader.cursor == "start"  # a browser does not send an empty id back
    order = interleaved(random_log(1, 20), random.Random(1))
    followed.fold(order)
    followed.catch_up()
    again = Reader(followed.history, lines, upto_of(here.cursor), lambda _: True)
    for reader in (early, here, again):
        assert len(read_all(reader)) == len(order)


def test_who_comes_before_the_mirror_was_read_begins_with_what_is_new_then(followed):
    early = Reader(followed.history, Lines(followed.history), None, lambda _: True)
    order = interleaved(random_log(1, 60), random.Random(1))
    followed.fold(order[:50])
    followed.step()
    assert read_all(early) == []
    followed.fold(order[50:])
    followed.catch_up()
    assert len(read_all(early)) == len(order) - 50


def test_readers_at_one_place_share_their_lines(followed):
    order = interleaved(random_log(1, 60), random.Random(1))
    followed.fold(order[:10])
    followed.catch_up()
    lines = Lines(followed.history)
    readers = [Reader(followed.history, lines, None, lambda _: True) for _ in range(2)]
    followed.fold(order[10:15])
    followed.catch_up()
    one, other = (reader.next() for reader in readers)
    assert one == other
    assert one.count(b"event: change") == 5


@pytest.mark.parametrize(
    ("path", "headers", "word"),
    [
        ("/v1/events?kind=verdict", {}, "kind"),
        ("/v1/events?since=17", {}, "since"),
        ("/v1/events?since=cases", {}, "since"),
        ("/v1/events?since=cases.1~", {}, "since"),
        ("/v1/events?since=start", {"Last-Event-ID": "cases.x"}, "Last-Event-ID"),
        ("/v1/events", {"Last-Event-ID": "cases." + "1_" * 999 + "1"}, "2000"),
        ("/v1/events", {"Last-Event-ID": "cases.٣"}, "Last-Event-ID"),
    ],
)
def test_what_is_no_position_is_refused(path, headers, word):
    async def ask():
        async with asking(context_of(History())) as client:
            sent = {name: value.encode() for name, value in headers.items()}
            return await client.get(path, headers=sent)

    told = asyncio.run(ask())
    assert told.status_code == 422
    assert told.headers["content-type"] == "application/problem+json"
    assert word in told.text


def test_lines_of_a_mirror_that_was_wiped_are_not_sent_again(followed):
    log = random_log(1, 60)
    order, again = (interleaved(log, random.Random(seed)) for seed in (1, 2))
    lines = Lines(followed.history)
    followed.fold(order[:5])
    followed.catch_up()
    reader = Reader(followed.history, lines, None, lambda _: True)
    followed.fold(order[5:10])
    followed.catch_up()
    assert len(read_all(reader)) == 5
    followed.wipe()
    followed.fold(again[:5])
    followed.catch_up()
    reader = Reader(followed.history, lines, None, lambda _: True)
    followed.fold(again[5:10])
    followed.catch_up()
    told = [body["event"] for _, body in read_all(reader)]
    assert told == [one.event and json.loads(encode(one.event)) for one in again[5:10]]
