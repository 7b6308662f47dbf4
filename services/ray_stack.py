"""Ray, and the stack on it, for as long as a block lasts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from actors.cluster import Placement, ray_is_up, start_ray, stop_ray
from actors.hosts import EXPLAINER
from actors.parts import Parts
from actors.system import ActorSystem
from services.config import Settings
from services.watch import Watch
from twin.ports import ImageReader


@contextmanager
def ray_up(settings: Settings, components: Sequence[str]) -> Iterator[Placement]:
    """Start or join Ray with room for these components; inside another such block, use its Ray.

    `dermtwin run` opens the outer block before it knows its model, because Ray's own processes
    need seconds to start and have all they need by then.
    """
    placement = Placement(replicas=settings.replicas, cpus=settings.cpus)
    if ray_is_up():
        yield placement
        return
    names = list(components)
    # Room for an explainer, which comes when somebody asks; no process is started ahead for it.
    shares = placement.total_cpus([*names, EXPLAINER])
    start_ray(settings.ray, shares, placement.actors(names))
    try:
        yield placement
    finally:
        stop_ray()


@contextmanager
def ray_stack(
    settings: Settings, parts: Parts, reader: ImageReader | None, watch: Watch
) -> Iterator[ActorSystem]:
    """Put the stack's actors on Ray without waiting for them."""
    with ray_up(settings, ["stem", *parts.learners, "meta"]) as placement:
        system = ActorSystem(parts, reader, placement=placement, on_change=watch)
        try:
            yield system
        finally:
            system.close()
