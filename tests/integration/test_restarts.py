"""Servers that end in mid-stream and come back: every loop goes on, and nothing is lost."""

import threading
import time
from contextlib import ExitStack

import pytest
from test_loop_over_kafka import Broker, in_process

from benchmarks.real_servers import RealServers
from services.background import Background
from services.mirror.records import record_of
from twin.log import digest
from twin.state import fingerprint, fold

AFTER = 20  # answers; the run has some 150
AWAY_S = 2.0
MIRRORED = ("cases", "verdicts", "feedback", "stacks")


class Outage:
    """Ends servers once some answers have come, and starts them again a little later."""

    def __init__(self, servers: RealServers, *, kill: bool) -> None:
        self._servers, self._kill = servers, kill
        self._answers = 0
        self._thread = threading.Thread(target=self._happen)

    def count(self, answers: int) -> None:
        before, self._answers = self._answers, self._answers + answers
        if before < AFTER <= self._answers:
            self._thread.start()

    def _happen(self) -> None:
        for name in ("redis", "kafka"):
            self._servers.stop_one(name, kill=self._kill)
        time.sleep(AWAY_S)
        for name in ("redis", "kafka"):
            self._servers.start_one(name)

    def wait(self) -> None:
        self._thread.join()


@pytest.mark.parametrize("kill", [False, True], ids=["SIGTERM", "SIGKILL"])
def test_a_run_goes_on_when_broker_and_redis_are_back(
    spare_servers: RealServers, prefix: str, kill: bool
) -> None:
    outage = Outage(spare_servers, kill=kill)
    with ExitStack() as stack:
        broker = Broker(spare_servers.bootstrap_servers, spare_servers.redis_url, prefix, stack)
        broker.loops.append(Background("mirror", broker.mirror_loop.run))
        broker.on_answers = outage.count
        log = broker.run()
        outage.wait()
        assert digest(log) == digest(in_process())
        while broker.mirror_loop.lag() > 0:
            time.sleep(0.05)
        broker.stop()
        reader = broker.subscriber("reader", *MIRRORED)
        records = []
        while sum(reader.lag().values()) > 0:
            records += [record_of(message) for message in reader.poll(1000, 0.5)]
        state, kept = fold(records), broker.mirror.read_back()
        assert fingerprint(kept) == fingerprint(state)
        assert digest(kept.of_record()) == digest(log)
        assert kept.counts["conflicts"] == 0
        assert broker.mirror_loop.retries > 0  # it did happen
