"""The log as the API tells it: one publisher, made anew after a failure."""

import asyncio
import socket
import threading

import pytest

from services.api.problems import ProblemError
from services.api.teller import Teller
from services.bus.memory import MemoryBus, MemoryPublisher
from twin.errors import DependencyError
from twin.events import CaseRejected

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
