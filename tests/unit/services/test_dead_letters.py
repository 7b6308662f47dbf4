"""What no loop can use: kept once, with its reason, whatever crashes meanwhile; and sent again."""

import io
import json
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from samples import FakeStack, arrived, closed, verdict
from typer.testing import CliRunner

from benchmarks.hostile_messages import WAYS, complaints, flood
from services import console
from services.bus.memory import MemoryBus
from services.bus.port import MAX_RAW_BYTES, Message
from services.bus.reading import read
from services.cli import app
from services.dead_letters.book import LetterBook
from services.dead_letters.keeper import Letters
from services.dead_letters.letter import TOPIC
from services.dead_letters.reading import Wanted, read_letters, since_of
from services.dead_letters.replay import ACCEPTED, REFUSED, UNREAD, replay
from services.dead_letters.shown import plain, shown
from services.live_log import LiveLog
from services.logs import open_log
from services.mirror import judge as judge_module
from services.mirror import loop as loop_module
from services.mirror.judge import Judge
from services.mirror.loop import Mirror
from services.mirror.memory_mirror import MemoryMirror
from services.worker import Worker
from twin.errors import DependencyError, EventError, SettingsError
from twin.events import CaseRejected, FeedbackReceived, VerdictIssued
from twin.images import BlobRef
from twin.log import SCHEMA_OF, encode
from twin.pipeline import Pipeline

MIRRORED = ("cases", "verdicts", "feedback", "stacks", "components")
ARRIVED = SCHEMA_OF[type(arrived())]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_module, "GRACE_S", 0.0)
    monkeypatch.setattr(loop_module, "BEAT_S", 0.0)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


def serve(bus: MemoryBus) -> Worker:
    """Serve what is on the bus until there is nothing left."""
    subscriber, stop = bus.subscriber(["cases"], "worker"), threading.Event()

    class UntilEmpty:
        def poll(self, most: int, wait_s: float):
            found = subscriber.poll(most, 0.0)
            if not found:
                stop.set()
            return found

        def __getattr__(self, name: str):
            return getattr(subscriber, name)

    log, stack = open_log(io.StringIO()), Pipeline(FakeStack())
    worker = Worker(UntilEmpty(), bus.publisher(), stack, batch=64, log=log)
    worker.run(stop)
    return worker


class Clock:
    """Moves on by itself, so that nothing waits for long."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        self.now_s += 0.01
        return self.now_s


def mirror_of(bus: MemoryBus, kept: MemoryMirror | None = None, publisher=None) -> Mirror:
    letters = Letters(publisher or bus.publisher(), "mirror", open_log(io.StringIO()))
    subscriber = bus.subscriber(MIRRORED, "mirror")
    return Mirror(subscriber, kept or MemoryMirror(), judge=Judge(letters), clock=Clock())


def drain(loop: Mirror) -> None:
    """Fold all that is there, and judge what waited."""
    while loop.lag():
        loop.step(0.0)
    for _ in range(3):
        loop.step(0.0)


def letters(bus: MemoryBus, with_bytes=lambda _: True):
    return read_letters(bus.subscriber((TOPIC,), "letters"), with_bytes)


def put(bus: MemoryBus, topic: str, value: bytes, schema: str = ARRIVED, key: str | None = "k"):
    bus.publisher().publish_raw(topic, key, schema, value, {})


def label(case_id: str, number: int = 0, says: str = "benign") -> FeedbackReceived:
    return FeedbackReceived(feedback_id=f"f{number}", case_id=case_id, at_min=9.0, label=says)


def test_every_good_case_is_served_and_every_hostile_message_is_kept_for_its_fault(bus) -> None:
    images = [BlobRef(sha256=str(number) * 64) for number in range(1, 10)]
    sent = flood(bus.publisher(), 2400, images, lambda _: None)
    assert set(sent.ways) == set(WAYS)
    serve(bus)
    drain(mirror_of(bus))
    events = [read(one) for one in bus.subscriber(["verdicts"], "t").poll(9999, 0.0)]
    answered = [one.case_id for one in events if isinstance(one, VerdictIssued | CaseRejected)]
    rejected = [one.case_id for one in events if isinstance(one, CaseRejected)]
    assert complaints(sent, letters(bus), answered, rejected) == []


HOSTILE = {
    "deep": (b'{"case_id":' + b"[" * 5000, ARRIVED, "c1"),
    "long name": (b'{"%s":1}' % (b"x" * 900_000), ARRIVED, "c1"),
    "long schema": (b"{}", "S" * 50_000, "c1"),
    "schema that is no UTF-8": (b"{}", "\udcff\udcfe", "c1"),
    "key that is no UTF-8": (encode(arrived("c1")), ARRIVED, "\udcff"),
    "key of another case": (encode(arrived("c1")), ARRIVED, "c2"),
    "lone surrogate": (b'{"case_id":"\\ud800"}', ARRIVED, "c1"),
    "huge number": (b'{"at_min":1e999}', ARRIVED, "c1"),
    "long digits": (b'{"age":' + b"9" * 5000 + b"}", ARRIVED, "c1"),
    "far future": (encode(arrived("c1", 1e300)), ARRIVED, "c1"),
    "event of another topic": (encode(verdict("c1")), SCHEMA_OF[VerdictIssued], "c1"),
    "long key": (b"{}", ARRIVED, "k" * 50_000),
}


@pytest.mark.parametrize("topic", ["cases", "feedback", "verdicts", "stacks", "components"])
def test_nothing_that_is_on_a_topic_stops_a_loop(bus, topic) -> None:
    for value, schema, key in HOSTILE.values():
        if (topic, schema) != ("verdicts", SCHEMA_OF[VerdictIssued]):
            put(bus, topic, value, schema, key)
    bus.publisher().publish(arrived("7"))
    assert serve(bus).answered == 1
    drain(mirror_of(bus))
    found = letters(bus)
    assert len(found) == len(HOSTILE) - (topic == "verdicts")
    assert {one.by for one in found} == {"worker" if topic == "cases" else "mirror"}
    assert all(len(one.reason) <= 500 and one.kind for one in found)
    cut = [one for one in found if one.kept]
    assert {one.kept.partition(" of")[0] for one in cut} == {"key", "schema"}


def test_a_letter_keeps_what_a_message_was(bus) -> None:
    put(bus, "feedback", b"\x00\xff", "X/\udcff", "k\udcfe")
    drain(mirror_of(bus))
    (letter,) = letters(bus)
    assert (letter.value, letter.schema, letter.key) == (b"\x00\xff", "X/\udcff", "k\udcfe")
    assert letter.topic == "feedback"
    assert (letter.bytes, letter.kept, letter.by) == (2, "", "mirror")
    assert letter.sent_unix_ms > 0
    assert letter.kind == "wrong schema"


def test_bytes_that_do_not_fit_leave_their_number(bus) -> None:
    bus.append("feedback", "k", ARRIVED, b"x" * (MAX_RAW_BYTES + 1), {})
    drain(mirror_of(bus))
    (letter,) = letters(bus)
    assert (letter.value, letter.bytes) == (b"", MAX_RAW_BYTES + 1)
    assert "the limit is" in letter.kept


def test_a_message_about_a_case_waits_for_it_and_then_is_refused(bus) -> None:
    publisher, loop = bus.publisher(), mirror_of(bus)
    publisher.publish(label("late"))
    publisher.publish(label("never", 1))
    loop.step(0.0)
    publisher.publish(arrived("late"))
    drain(loop)
    (letter,) = letters(bus)
    assert (letter.kind, letter.topic) == ("unknown case", "feedback")
    assert "'never'" in letter.reason
    assert sum(bus.subscriber(MIRRORED, "mirror").lag().values()) == 0  # all is committed


def test_a_mirror_that_was_killed_while_a_message_waited_refuses_it_nonetheless(bus) -> None:
    kept = MemoryMirror()
    bus.publisher().publish(label("never"))
    mirror_of(bus, kept).step(0.0)  # folded, and not judged yet
    assert letters(bus) == []
    bus.publisher().publish(arrived("7"))
    drain(mirror_of(bus, kept))
    assert [one.kind for one in letters(bus)] == ["unknown case"]
    assert kept.read_back().counts["duplicates"] == 0  # what was read again was passed over


def test_what_contradicts_the_record_is_refused_and_the_first_stays(bus) -> None:
    publisher, kept = bus.publisher(), MemoryMirror()
    for event in (arrived("1"), label("1"), label("1"), label("1", says="malignant")):
        publisher.publish(event)
    publisher.publish(arrived("1", 2.0))
    assert serve(bus).contradicting == 1
    drain(mirror_of(bus, kept))
    found = letters(bus)
    assert Counter((one.topic, one.kind) for one in found) == Counter(
        {("cases", "conflict"): 1, ("feedback", "conflict"): 1}
    )
    counts = kept.read_back().counts
    assert (counts["conflicts"], counts["duplicates"], counts["verdicts"]) == (2, 1, 1)


class Fails:
    """A publisher that fails at its first flush, after all was sent."""

    def __init__(self, bus: MemoryBus) -> None:
        self._inner, self.failed = bus.publisher(), False

    def flush(self) -> None:
        if not self.failed:
            self.failed = True
            raise DependencyError("no broker")

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


@pytest.mark.parametrize("kind", ["not JSON", "conflict"])
def test_letters_that_are_written_again_after_a_failure_count_once(bus, kind, monkeypatch) -> None:
    monkeypatch.setattr(loop_module, "RETRY_WAITS_S", (0.0,))
    if kind == "not JSON":
        put(bus, "feedback", b"{", SCHEMA_OF[FeedbackReceived])
    else:
        for event in (arrived("1"), closed("1"), closed("1", referred=False)):
            bus.publisher().publish(event)
    loop, stop = mirror_of(bus, publisher=Fails(bus)), threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop,), daemon=True)
    thread.start()
    while sum(bus.subscriber(MIRRORED, "mirror").lag().values()):
        pass
    stop.set()
    thread.join(5.0)
    written = bus.subscriber((TOPIC,), "raw").poll(99, 0.0)
    assert len(written) == 2
    assert [one.kind for one in letters(bus)] == [kind]


def test_a_mirror_that_is_made_again_writes_no_letter_twice(bus) -> None:
    put(bus, "feedback", b"{", SCHEMA_OF[FeedbackReceived])
    bus.publisher().publish(label("never"))
    drain(mirror_of(bus))
    drain(mirror_of(bus, MemoryMirror()))
    assert len(bus.subscriber((TOPIC,), "raw").poll(99, 0.0)) == 2


# The command.


def log_of(bus: MemoryBus) -> LiveLog:
    return LiveLog(
        prefix="p",
        loop=None,
        reader=lambda topics: bus.subscriber(topics, "reader"),
        publisher=bus.publisher(),
        committed=lambda group, topic: bus.subscriber((topic,), group).committed(),
    )


def test_a_letter_that_is_sent_again_says_what_became_of_it(bus) -> None:
    put(bus, "cases", b"{", key="1")
    put(bus, "cases", encode(arrived("2")), "CaseArrived/99", "2")
    serve(bus)
    drain(mirror_of(bus))
    broken, newer = sorted(letters(bus), key=lambda one: one.key or "")
    assert replay(log_of(bus), [broken], patience_s=0.0)[0].outcome == UNREAD

    def both() -> None:
        serve(bus)
        drain(mirror_of(bus))

    threading.Timer(0.2, both).start()
    (fate,) = replay(log_of(bus), [broken], patience_s=20.0)
    assert (fate.outcome, fate.place.partition("/")[0]) == (REFUSED, "cases")
    assert fate.reason
    again = {one.origin: one for one in letters(bus)}
    assert again[broken.origin].replayed == 2
    assert again[fate.place].replay_of == broken.origin
    # As if the twin had learnt to read that version meanwhile.
    from dataclasses import replace as changed

    threading.Timer(0.2, both).start()
    (fate,) = replay(log_of(bus), [changed(newer, schema=ARRIVED)], patience_s=20.0)
    assert fate.outcome == ACCEPTED
    assert "2" in [one.key for one in bus.subscriber(["verdicts"], "t").poll(99, 0.0)]


@pytest.fixture
def command(bus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.cli.claim_standard_output", lambda: None)
    monkeypatch.setattr(console, "_results", None)
    monkeypatch.setenv("COLUMNS", "200")

    @contextmanager
    def live(_):
        yield log_of(bus)

    monkeypatch.setattr("services.live_log.live_log", live)
    put(bus, "cases", b"{\x1b[2J", key="1")
    put(bus, "feedback", b"\xff\x00", SCHEMA_OF[FeedbackReceived], "2")
    serve(bus)
    drain(mirror_of(bus))
    return lambda *words: CliRunner().invoke(app, ["dead-letters", *words])


def test_letters_are_listed_and_counted(command, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(command("list", "--json").stdout)
    assert (told["found"], sum(told["by_reason"].values())) == (2, 2)
    assert {row["by"] for row in told["letters"]} == {"worker", "mirror"}
    one = json.loads(command("list", "--topic", "feedback", "--since", "1h", "--json").stdout)
    assert [row["origin"].partition("/")[0] for row in one["letters"]] == ["feedback"]
    assert json.loads(command("list", "--reason", "unheard", "--json").stdout)["found"] == 0
    monkeypatch.setenv("COLUMNS", "80")
    table = command("list", "--limit", "1").stdout
    assert told["letters"][-1]["origin"] in table  # whole, on a narrow terminal too
    assert "1 older ones" in table
    assert "not JSON" in table


def test_a_letter_is_shown_without_harm_to_the_terminal(command, tmp_path: Path) -> None:
    rows = json.loads(command("list", "--json").stdout)["letters"]
    cases, feedback = (row["origin"] for row in sorted(rows, key=lambda row: row["origin"]))
    assert "\\x1b[2J" in (text := command("show", cases).stdout)
    assert "\x1b[2J" not in text
    assert "ff 00" in command("show", feedback).stdout
    file = tmp_path / "bytes"
    command("show", feedback, "--raw", str(file))
    assert file.read_bytes() == b"\xff\x00"
    error = command("show", "cases/0/999").exception
    assert isinstance(error, SettingsError)


def test_what_would_be_sent_again_is_said_and_nothing_is_sent(command, bus) -> None:
    told = json.loads(command("replay", "--all", "--dry-run", "--json").stdout)
    assert len(told["letters"]) == 2
    assert all(one.replayed == 0 for one in letters(bus))
    assert isinstance(command("replay").exception, SettingsError)


def test_a_letter_is_sent_again_once_unless_asked_to(command, bus, monkeypatch) -> None:
    monkeypatch.setattr("services.dead_letters.replay.PATIENCE_S", 0.0)
    origin = json.loads(command("list", "--json").stdout)["letters"][0]["origin"]
    monkeypatch.setattr(replay, "__defaults__", (0.0,))
    assert command("replay", origin).exit_code == 1  # nobody reads it here
    error = command("replay", origin).exception
    assert isinstance(error, SettingsError)
    assert "--again" in str(error)
    assert command("replay", origin, "--again").exit_code == 1
    assert {one.origin: one.replayed for one in letters(bus)}[origin] == 2
    left = json.loads(command("replay", "--all", "--dry-run", "--json").stdout)["letters"]
    assert origin not in [one["origin"] for one in left]


def test_times_and_words_for_filters() -> None:
    assert since_of("15m", 1000.0) == 100.0
    assert since_of("2026-01-01T00:00:00+00:00", 0.0) == 1767225600.0
    with pytest.raises(SettingsError, match="a while"):
        since_of("yesterday", 0.0)
    assert plain("a\udcff\n") == "a\\udcff\\n"
    assert shown(b"ab\ncd", 3) == ("text", "ab\n")


def test_letters_of_earlier_versions_and_of_strangers_are_read(bus) -> None:
    publisher = bus.publisher()
    publisher.publish_raw(TOPIC, "k", "s", b"x", {"origin": "cases/1/7", "reason": "old"})
    publisher.publish_raw(TOPIC, "k", "s", b"x", {"origin": "nonsense"})
    (letter,) = letters(bus)
    assert (letter.origin, letter.reason, letter.bytes, letter.by) == (
        "cases/1/7",
        "old",
        1,
        "worker",
    )
    assert Wanted(reason="OLD").takes(letter)
    assert not Wanted(topic="feedback").takes(letter)


def test_a_message_that_a_client_could_not_read_is_refused() -> None:
    message = Message(
        topic="cases", partition=0, offset=1, key=None, schema="", value=b"", fault="torn"
    )
    with pytest.raises(EventError, match="torn"):
        read(message)


def test_a_book_reads_on_and_tells_the_newest_first(bus) -> None:
    book = LetterBook(lambda: bus.subscriber((TOPIC,), "book"))
    put(bus, "cases", b"{", key="1")
    serve(bus)
    assert [one.kind for one in book.page(None, None, 9).letters] == ["not JSON"]
    put(bus, "feedback", b"{}", "X/1", "2")
    drain(mirror_of(bus))
    bus.publisher().publish_raw(TOPIC, "2", "", b"", {"replayed": letters(bus)[0].origin})
    page = book.page(None, None, 1)
    assert (len(page.letters), page.found, page.total) == (1, 2, 2)
    assert page.kinds == {"not JSON": 1, "wrong schema": 1}
    assert book.page("not JSON", "cases", 9).letters[0].replayed + page.letters[0].replayed == 1
    assert book.page("not JSON", "feedback", 9).letters == []


def test_a_book_whose_broker_is_away_begins_anew(bus) -> None:
    put(bus, "cases", b"{", key="1")
    serve(bus)

    class Away:
        def lag(self):
            raise DependencyError("no broker")

        def close(self) -> None:
            pass

    readers = [bus.subscriber((TOPIC,), "book"), Away(), bus.subscriber((TOPIC,), "book")]
    book = LetterBook(readers.pop)
    assert book.page(None, None, 9).total == 1
    book._forget()
    with pytest.raises(DependencyError):
        book.page(None, None, 9)
    assert book.page(None, None, 9).total == 1
