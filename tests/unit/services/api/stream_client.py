"""A client of the event stream on a socket, and a log in memory that goes on meanwhile."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from services.api.live.cursor import START, cursor_of, upto_of
from services.background import Background
from services.bus.memory import MemoryBus
from twin.events import CaseRejected, ComponentChanged

EVENT = re.compile(r"event: (\w+)\n(?:id: ([^\n]*)\n)?data: ([^\n]*)\n\n")


@contextmanager
def traffic(bus: MemoryBus, every_s: float) -> Iterator[Background]:
    """Send a case or a component's word each so many seconds."""
    publisher = bus.publisher()

    def send(stop: threading.Event) -> None:
        number = 0
        while not stop.wait(every_s):
            number += 1
            publisher.publish(CaseRejected(case_id=f"c{number}", at_min=number, reason="no image"))
            if number % 5 == 0:
                publisher.publish(
                    ComponentChanged(
                        component="stem",
                        at_unix_s=float(number),
                        state="ready",
                        restarts=0,
                        model_id="m",
                    )
                )

    background = Background("traffic", send)
    try:
        yield background
    finally:
        background.stop()


class StreamClient:
    """Reads, and notes what came: by place and offset, from the ids."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cursor = START
        self.got: Counter[tuple[str, int, int]] = Counter()
        self.lost = 0
        self.heartbeats: list[dict] = []

    def read(self, until, timeout_s: float = 20.0) -> bool:
        """Connect and read until something is true; return whether the server ended it."""
        rest = ""
        headers = {"Last-Event-ID": self.cursor}
        timeout = httpx.Timeout(timeout_s, read=5.0)
        with (
            suppress(httpx.RemoteProtocolError, httpx.ReadError),
            httpx.stream("GET", f"{self.url}/v1/events", headers=headers, timeout=timeout) as told,
        ):
            assert told.status_code == 200
            for text in told.iter_text():
                rest += text
                while (match := EVENT.match(rest)) is not None:
                    rest = rest[match.end() :]
                    self._take(*match.groups())
                    if until(self):
                        return False
        return True

    def _take(self, event: str, cursor: str, data: str) -> None:
        had, upto, body = upto_of(self.cursor), upto_of(cursor), json.loads(data)
        new = [
            (*place, offset)
            for place, at in upto.items()
            for offset in range(had.get(place, 0), at)
        ]
        if event == "change":
            (one,) = new
            self.got[one] += 1
        elif event == "lost":
            assert len(new) == body["count"]
            self.lost += body["count"]
        else:
            assert not new
            self.heartbeats.append(body)
        self.cursor = cursor


def all_of(bus: MemoryBus) -> set[tuple[str, int, int]]:
    """Every place and offset of a log."""
    return {(*place, offset) for place, log in bus.log.items() for offset in range(len(log))}


def at_end(bus: MemoryBus, client: StreamClient) -> bool:
    ends = {place: len(log) for place, log in bus.log.items() if log}
    at = {place: offset for place, offset in upto_of(client.cursor).items() if offset}
    return cursor_of(at) == cursor_of(ends)
