"""The log as the API tells it: one publisher, made anew after a failure."""

import asyncio
import io
import socket
import threading

import pytest

from services.api.context import ApiContext
from services.api.live.history import History
from services.api.problems import ProblemError
from services.api.teller import Teller
from services.api.telling.opening import telling_of
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.memory import MemoryBus, MemoryPublisher
from services.config import Settings
from services.image_store import ImageStore
from services.live_log import read_topic
from services.logs import open_log
from services.upfile import UpFile
from twin.errors import DependencyError
from twin.events import CaseRejected
from twin.images import BlobRef

EVENT = CaseRejected(case_id="c1", at_min=1.0, reason="no image")


class Flaky(MemoryPublisher):
    """Fails to flush while it is told to."""

    def __init__(self, bus: MemoryBus) -> None:
        super().__init__(bus)
        self.fails = False
        self.closed = 0

    def flush(self) -> None:
        if self.fails:
            raise DependencyError("silence")

    def close(self) -> None:
        self.closed += 1
        raise DependencyError("gone")


def refusal(teller: Teller) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        asyncio.run(teller.tell(EVENT))
    return caught.value


def test_one_publisher_is_made_late_and_again_after_a_failure():
    now_s, made, bus = [0.0], [], MemoryBus()

    def connect() -> Flaky:
        made.append(Flaky(bus))
        return made[-1]

    teller = Teller(connect, clock=lambda: now_s[0])
    assert not made
    for _ in range(2):
        asyncio.run(teller.tell(EVENT))
    assert len(made) == 1
    made[0].fails = True
    assert refusal(teller).status == 503
    assert made[0].closed == 1
    assert refusal(teller).headers["Retry-After"] == "5"  # at once, without asking the log
    assert len(made) == 1
    now_s[0] = 1.0
    asyncio.run(teller.tell(EVENT))
    assert len(made) == 2
    teller.close()
    assert made[1].closed == 1


def test_a_log_that_does_not_answer_blocks_nobody_and_few_wait():
    goes_on, inside, most = threading.Event(), [0], [0]

    class Slow(MemoryPublisher):
        def flush(self) -> None:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            goes_on.wait(5)
            inside[0] -= 1

    teller = Teller(lambda: Slow(MemoryBus()))

    async def crowd() -> list[object]:
        asking = [asyncio.create_task(teller.tell(EVENT)) for _ in range(102)]
        await asyncio.sleep(0.05)  # the loop goes on
        refused = [one for one in asking if one.done()]
        goes_on.set()
        await asyncio.gather(*asking, return_exceptions=True)
        return refused

    refused = asyncio.run(crowd())
    assert (len(refused), most) == (2, [1])


def test_a_broker_that_is_away_is_a_problem():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        found = refusal(Teller.of(f"127.0.0.1:{taken.getsockname()[1]}", "p"))
    assert (found.status, found.detail.split(":")[0]) == (503, "the twin's log does not answer")


def test_what_is_told_is_on_the_log_and_uploads_are_where_the_twin_looks(
    kafka_servers, redis_url, prefix, tmp_path
):
    settings = Settings(home=tmp_path, name=f"{prefix}-n", redis=redis_url)
    context = ApiContext(
        settings=settings,
        prefix=prefix,
        kafka=kafka_servers,
        redis=redis_url,
        log=open_log(io.StringIO()),
        history=History(),
    )
    ensure_topics(kafka_servers, prefix, ("verdicts",))
    telling = telling_of(context)

    async def tell() -> BlobRef:
        await asyncio.gather(*(telling.teller.tell(EVENT) for _ in range(3)))
        return await telling.store(b"an image")

    ref = asyncio.run(tell())
    telling.close()
    assert ImageStore.of(settings).read(ref) == b"an image"
    reader = KafkaSubscriber(kafka_servers, prefix, ("verdicts",), "reader")
    assert list(read_topic(reader)) == [EVENT] * 3
    reader.close()
    assert telling.loop() is None  # no twin has said what it does at epochs
    with UpFile(tmp_path).hold({"at_epochs": "report of drift"}):
        assert telling.loop() == "report of drift"
    with pytest.raises(ProblemError, match=r"not known here \(starting\)"):
        telling.ensure_known()
