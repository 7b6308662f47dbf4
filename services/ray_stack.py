"""The stack on Ray for as long as a block lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from actors.cluster import Placement, start_ray, stop_ray
from actors.parts import Parts
from actors.system import ActorSystem
from services.config import Settings
from services.watch import Watch
from twin.ports import ImageReader


@contextmanager
def ray_stack(
    settings: Settings, parts: Parts, reader: ImageReader | None, watch: Watch
) -> Iterator[ActorSystem]:
    """Start or join Ray and put the stack's actors on it, without waiting for them."""
    placement = Placement(replicas=settings.replicas, cpus=settings.cpus)
    components = ["stem", *parts.learners, "meta"]
    start_ray(settings.ray, placement.total_cpus(components), placement.actors(components))
    try:
        system = ActorSystem(parts, reader, placement=placement, on_change=watch)
        try:
            yield system
        finally:
            system.close()
    finally:
        stop_ray()
