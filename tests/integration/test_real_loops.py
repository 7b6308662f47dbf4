"""Worker, links and re-stacker on real servers; the tests are those on the bus in memory."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import test_links
import test_worker
from served_bus import ServedBus
from test_links import *
from test_worker import (  # the others look into the bus in memory
    no_waiting,
    test_a_dependency_that_comes_back_costs_a_retry_and_no_case,
    test_a_dependency_that_stays_away_stops_the_worker_with_nothing_committed,
    test_bytes_that_are_no_event_go_to_the_dead_letters_with_their_origin,
    test_every_case_is_answered_once_and_committed,
)


@pytest.fixture(autouse=True)
def real(kafka_servers: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever makes a bus in memory gets one on the broker."""
    with ExitStack() as stack:
        for module in (test_links, test_worker):
            monkeypatch.setattr(
                module,
                "MemoryBus",
                lambda partitions=4: ServedBus(kafka_servers, stack, partitions),
            )
        yield
