import statistics

import pytest
import ray

from actors import cluster
from actors.tasks import cores, spread

pytestmark = pytest.mark.slow


def test_every_item_is_done_once_whatever_the_order() -> None:
    found = dict(spread(statistics.fmean, [[9], [1, 3], [4], [5]], workers=2, address=None))
    assert found == {0: 9, 1: 2, 2: 4, 3: 5}


def test_an_error_of_the_work_itself_is_raised_here() -> None:
    with pytest.raises(statistics.StatisticsError, match="at least one"):
        dict(spread(statistics.fmean, [[1], []], workers=2, address=None))


def test_cores_are_counted() -> None:
    assert cores() >= 1


def test_without_an_address_ray_is_started_here_whatever_else_runs_on_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(ray, "init", lambda **options: asked.update(options))
    monkeypatch.setattr(cluster, "ray_address", lambda: "here")
    cluster.start_ray(None, cpus_needed=1)
    assert asked["address"] == "local"
    cluster.start_ray("10.0.0.1:6379", cpus_needed=1)
    assert asked["address"] == "10.0.0.1:6379"
