"""What faults of a stress run can be done to: Redis behind a cable, and orders in a file."""

import os
from pathlib import Path

import pytest
import redis

from services.config import Settings
from services.faults.hands import OwnRedis
from services.stress.drilling import ground_for, orders_to_twin
from services.wall_clock import VARIABLE
from simulator.language.scenario import load
from simulator.language.schema import Scenario

LOAD = "name: a\nclock: real\nstress: {profile: {constant: {rate_per_s: 5, for: 60 s}}}\n"


def scenario(faults: str = "") -> Scenario:
    return load(LOAD + (f"faults: [{faults}]\n" if faults else ""), "a.yaml")


def test_a_cable_before_redis_is_pulled_and_redis_comes_back_behind_it() -> None:
    cut = scenario("{at: 1 s, for: 1 s, cut_off: redis}")
    with ground_for(cut, Settings()) as ground:
        assert ground.settings.redis is not None
        assert ground.store is not None
        client = redis.Redis.from_url(ground.settings.redis, socket_timeout=0.5, retry=None)
        assert client.ping()
        assert ground.settings.redis != ground.store.redis_url
        ground.cables["redis"].pull()
        with pytest.raises(redis.RedisError):
            client.ping()
        ground.cables["redis"].plug()
        assert client.ping()
        hand = OwnRedis(ground.store)
        first = hand.pid
        hand.stop(kill=True)
        hand.start()
        assert hand.pid not in (None, first)
        client.close()
        assert client.ping()
        client.close()


def test_others_redis_is_reached_through_the_cable_with_its_password() -> None:
    cut = scenario("{at: 1 s, for: 1 s, cut_off: redis}")
    there = Settings(redis="redis://me:secret@127.0.0.1:7/3")
    with ground_for(cut, there) as ground:
        cable = ground.cables["redis"]
        assert cable.target == ("127.0.0.1", 7)
        assert ground.settings.redis == f"redis://me:secret@{cable.address}/3"
        assert ground.store is None


def test_without_such_a_fault_nothing_stands_between() -> None:
    there = Settings(redis="redis://127.0.0.1:7/3")
    with ground_for(scenario("{at: 1 s, kill: worker}"), there) as ground:
        assert ground.settings == there
        assert not ground.cables


def test_the_twin_is_told_where_its_orders_are_only_where_something_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with orders_to_twin(scenario(), tmp_path) as orders:
        assert orders is None
        assert VARIABLE not in os.environ
    with orders_to_twin(scenario("{at: 1 s, kill: worker}"), tmp_path) as orders:
        assert orders is not None
        assert os.environ[VARIABLE] == str(orders.path)
        orders.slow("knn", 0.2)
        assert orders.path.is_file()
    assert VARIABLE not in os.environ
    assert not orders.path.exists()
