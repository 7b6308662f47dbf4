"""All of the way but the model: HTTP, Kafka, the mirror, its stream, and back to who asked."""

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from told_twin import app_for, png, verdict_of

from services.api.context import ApiContext
from services.api.idempotency import Idempotency
from services.api.live.follower import Follower
from services.api.live.history import History
from services.api.security.access import LOOPBACK
from services.api.telling.opening import telling_of
from services.background import Background
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.config import Settings
from services.logs import open_log
from services.mirror.loop import Mirror
from services.mirror.records import record_of
from services.mirror.redis_mirror import RedisMirror
from twin.events import CaseArrived, EpochReached

TOPICS = ("cases", "verdicts", "feedback", "stacks", "components")


@contextmanager
def twin_without_a_model(kafka: str, redis: str, prefix: str) -> Iterator[None]:
    """A mirror, and somebody who answers cases."""
    ensure_topics(kafka, prefix, TOPICS)
    cases = KafkaSubscriber(kafka, prefix, ("cases",), "worker")
    answers = KafkaPublisher(kafka, prefix)
    mirrored = KafkaSubscriber(kafka, prefix, TOPICS, "mirror")
    mirror = RedisMirror(redis, prefix)

    def answer(stop: threading.Event) -> None:
        while not stop.is_set():
            for message in cases.poll(10, 0.05):
                event = record_of(message).event
                assert isinstance(event, CaseArrived)
                answers.publish(verdict_of(event))
            answers.flush()

    loops = [Background("worker", answer), Background("mirror", Mirror(mirrored, mirror).run)]
    try:
        yield
    finally:
        for one in (*loops, cases, answers, mirrored, mirror):
            (one.stop if isinstance(one, Background) else one.close)()


@pytest.mark.slow
def test_a_case_a_label_and_an_epoch_reach_the_log_and_come_back(
    kafka_servers, redis_url, prefix, tmp_path
):
    context = ApiContext(
        settings=Settings(home=tmp_path, name=prefix, redis=redis_url),
        prefix=prefix,
        kafka=kafka_servers,
        redis=redis_url,
        log=open_log(io.StringIO()),
        history=History(),
        idempotency=Idempotency(redis_url, prefix),
    )
    context.telling = telling_of(context)
    app = app_for(LOOPBACK)
    app.state.context = context

    async def tell() -> list[float]:
        follower = Follower(
            redis_url, prefix, context.history, asyncio.get_running_loop(), context.log
        )
        follows = Background("follower", follower.run)
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://twin", timeout=30)
        took_ms = []
        while context.history.state != "live":
            await asyncio.sleep(0.02)
        for number in range(5):
            begun_s = time.perf_counter()
            told = await client.post(
                "/v1/cases",
                files={"image": ("a.png", png(shade=number))},
                headers={"Idempotency-Key": f"k{number}"},
            )
            took_ms.append((time.perf_counter() - begun_s) * 1000)
            assert (told.status_code, told.headers["etag"]) == (201, '"c2"'), told.text
        label = await client.post(
            f"{told.headers['location']}/feedback",
            json={"label": "malignant"},
            headers={"If-Match": told.headers["etag"]},
        )
        assert (label.json()["counts"], label.headers["etag"]) == (True, '"c3"')
        epoch = await client.post("/v1/epochs")
        assert (epoch.json()["cases"], epoch.json()["feedback"]) == (5, 1)
        assert EpochReached(**epoch.json()) in context.history.stack_events
        await client.aclose()
        await asyncio.to_thread(follows.stop)
        return took_ms

    with twin_without_a_model(kafka_servers, redis_url, prefix):
        took_ms = asyncio.run(tell())
    context.telling.close()
    # Without a model, some 35 ms: what is folded has to reach who waits without a pause.
    assert min(took_ms) < 1000
