"""A twin without servers that paths tell something: a bus, a history that folds it, no model."""

import asyncio
import io
import zlib
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import httpx
from admitted import let_in
from fastapi import FastAPI
from PIL import Image

from services.api.idempotency import Idempotency
from services.api.problems import ProblemError, answer_problem
from services.api.routes.submissions import router
from services.api.security.access import LOOPBACK, Principal
from services.api.teller import Teller
from services.api.telling.telling import Telling
from services.bus.memory import MemoryBus
from services.bus.port import Publisher
from services.image_store import MemoryBlobs
from services.live_log import RESTACKS
from services.mirror.records import record_of
from twin.events import CaseArrived, CaseRejected, Event, StackEvent, VerdictIssued
from twin.state import CaseState, TwinState

TOPICS = ("cases", "verdicts", "feedback", "stacks")
Answering = Callable[[CaseArrived], VerdictIssued | CaseRejected | None]


def verdict_of(case: CaseArrived) -> VerdictIssued:
    return VerdictIssued(
        case_id=case.case_id,
        at_min=case.at_min,
        p_malignant=0.75,
        threshold=0.5,
        malignant=True,
        log_odds={"knn": 0.5},
        model_id="abcdef012345",
    )


@cache  # FastAPI takes a tenth of a second to make one
def app_for(principal: Principal) -> FastAPI:
    """An application that lets everybody in as one principal."""
    app = FastAPI()
    app.include_router(router)
    app.add_exception_handler(ProblemError, answer_problem)
    let_in(app, principal)
    return app


class BusHistory:
    """Folds a bus whenever it is asked, unless it is held; and answers cases."""

    def __init__(self, bus: MemoryBus, answering: Answering) -> None:
        self.twin = TwinState()
        self.events: list[Event] = []
        self.held = False
        self.state_of_mirror = "live"
        self._reader = bus.subscriber(TOPICS, "history")
        self._publisher = bus.publisher()
        self._answering = answering

    @property
    def state(self) -> str:
        return self.state_of_mirror

    @property
    def latest_min(self) -> float:
        return max((one.at_min for one in self._folded().events), default=0.0)

    @property
    def stack_events(self) -> list[StackEvent]:
        return [one for one in self._folded().events if isinstance(one, StackEvent)]

    @property
    def counts(self) -> dict[str, int]:
        return self._folded().twin.counts

    def case(self, case_id: str) -> CaseState | None:
        return self._folded().twin.cases.get(case_id)

    async def changed(self, timeout_s: float) -> None:
        await asyncio.sleep(min(timeout_s, 0.01))

    def _folded(self) -> "BusHistory":
        while not self.held and (messages := self._reader.poll(100, 0.0)):
            for record in map(record_of, messages):
                self.twin.apply(record)
                self.events.append(record.event)
                if isinstance(record.event, CaseArrived):
                    answer = self._answering(record.event)
                    if answer is not None:
                        self._publisher.publish(answer)
        return self


class ToldTwin:
    """An application with the paths, and what they tell."""

    def __init__(self, redis_url: str, prefix: str) -> None:
        self.bus = MemoryBus()
        self.answering: Answering = verdict_of
        self.connected: Callable[[], Publisher] = self.bus.publisher
        self.blobs = MemoryBlobs()
        self.loop: str | None = RESTACKS
        self.older: dict[str, CaseState] = {}
        self.restart(redis_url, prefix)

    def restart(self, redis_url: str, prefix: str) -> None:
        """Another process, with the log and the stores of the first."""
        self.history = BusHistory(self.bus, self._answer)
        self.telling = Telling(
            prefix=prefix,
            known=self.history,
            teller=Teller(self._connect),
            blobs=self.blobs,
            idempotency=Idempotency(redis_url, prefix, lease_ms=500),
            older=self._older,
            loop=lambda: self.loop,
        )

    def _older(self, case_id: str) -> CaseState | None:
        return self.older.get(case_id)

    def _connect(self) -> Publisher:
        return self.connected()

    def _answer(self, case: CaseArrived) -> VerdictIssued | CaseRejected | None:
        return self.answering(case)

    def app(self, principal: Principal = LOOPBACK) -> FastAPI:
        """The application, which tells this twin."""
        app = app_for(principal)
        app.state.context = SimpleNamespace(telling=self.telling)
        return app

    async def asked(
        self, path: str, *, principal: Principal = LOOPBACK, **request: object
    ) -> httpx.Response:
        """POST, as part of something that goes on."""
        transport = httpx.ASGITransport(self.app(principal))
        async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
            return await client.post(path, **request)

    def ask(self, path: str, **request: object) -> httpx.Response:
        """POST."""
        return asyncio.run(self.asked(path, **request))

    def send(self, image: bytes | None = None, *, key: str | None = None, **fields: object):
        """Send a case in; `wait_s` is part of the query."""
        wait_s = fields.pop("wait_s", 5)
        return self.ask(
            f"/v1/cases?wait_s={wait_s}",
            files={"image": ("any.png", png() if image is None else image)},
            data=fields,
            headers={} if key is None else {"Idempotency-Key": key},
        )

    def publish(self, *events: Event) -> None:
        publisher = self.bus.publisher()
        for event in events:
            publisher.publish(event)

    def on_log(self, topic: str) -> list[Event]:
        reader = self.bus.subscriber((topic,), "reader")
        return [record_of(message).event for message in reader.poll(1000, 0.0)]


def png(width: int = 64, height: int = 48, shade: int = 90, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 60, 50)).save(file, "PNG", **options)
    return file.getvalue()


def jpeg(width: int = 64, height: int = 48, **options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    check = zlib.crc32(name + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + name + content + check
