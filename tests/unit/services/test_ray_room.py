import pytest

from services import ray_stack
from services.config import Settings


def test_a_local_ray_has_room_for_an_explainer_and_starts_no_process_for_it(monkeypatch) -> None:
    asked: list[tuple[float, int]] = []
    monkeypatch.setattr(ray_stack, "ray_is_up", lambda: False)
    monkeypatch.setattr(ray_stack, "stop_ray", lambda: None)
    monkeypatch.setattr(
        ray_stack, "start_ray", lambda _, cpus, actors: asked.append((cpus, actors))
    )
    settings = Settings(cpus={"stem": 2.0, "explainer": 3.5})
    with ray_stack.ray_up(settings, ["stem", "knn", "meta"]):
        pass
    ((cpus, actors),) = asked
    assert cpus == pytest.approx(2.0 + 0.1 + 0.1 + 3.5)
    assert actors == 3
