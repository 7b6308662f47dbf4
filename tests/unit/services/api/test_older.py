"""A case as the mirror has it; on a real Valkey."""

import socket

import pytest
import redis
from told_twin import verdict_of

from services.api.telling.older import OlderCases
from services.mirror.redis_mirror import RedisMirror
from twin.errors import DependencyError
from twin.events import CaseArrived
from twin.images import BlobRef
from twin.state import Record, fold

CASE = CaseArrived(case_id="c 1", at_min=40.0, image=BlobRef(sha256="a"))
LOG = [Record("cases", 0, 0, CASE), Record("verdicts", 0, 0, verdict_of(CASE))]


def test_a_case_is_read_as_it_was_folded(redis_url, prefix):
    mirror = RedisMirror(redis_url, prefix)
    mirror.apply(LOG)
    mirror.close()
    cases = OlderCases(redis_url, prefix)
    assert cases.read("c 1") == fold(LOG).cases["c 1"]
    assert cases.read("c2") is None
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"{prefix}:case:c 1", "arrived", "{")
    with pytest.raises(DependencyError, match="not an event"):
        cases.read("c 1")


def test_a_mirror_that_is_away_is_said(prefix):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        with pytest.raises(DependencyError, match="c1"):
            OlderCases(f"redis://127.0.0.1:{taken.getsockname()[1]}/0", prefix).read("c1")
