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
def ray_up(settings: Settings, components: Sequence[str], workers: int = 1) -> Iterator[Placement]:
    """Start or join Ray with room for these components; inside another such block, use its Ray.

    Parameters:
        workers: how many of them will each have these components.

    `dermtwin run` opens the outer block before it knows its model, because Ray's own processes
    need seconds to start and have all they need by then.
    """
    placement = Placement(
        replicas=settings.replicas,
        cpus=settings.cpus,
        stem_threads=1 if settings.sustained else 2,
    )
    if ray_is_up():
        yield placement
        return
    names = list(components) * workers
    # Room for an explainer, which comes when somebody asks; no process is started ahead for it.
    shares = placement.total_cpus([*names, EXPLAINER])
    start_ray(settings.ray, shares, placement.actors(names))
    try:
        yield placement
    finally:
        stop_ray()


def components_of(parts: Parts) -> list[str]:
    """Return the names of the components that a worker has."""
    return ["stem", *parts.learners, "meta"]


@contextmanager
def ray_stack(
    settings: Settings, parts: Parts, reader: ImageReader | None, watch: Watch, tag: str = ""
) -> Iterator[ActorSystem]:
    """Put the stack's actors on Ray without waiting for them; `tag` goes before their names."""
    with ray_up(settings, components_of(parts)) as placement:
        system = ActorSystem(parts, reader, placement=placement, on_change=watch, tag=tag)
        try:
            yield system
        finally:
            system.close()
