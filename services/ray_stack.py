"""Ray, and the stack on it, for as long as a block lasts."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from actors.cluster import Placement, ray_is_up, start_ray, stop_ray
from actors.hosts import EXPLAINER
from actors.parts import Parts
from actors.system import ActorSystem
from services.config import Settings
from services.watch import Watch
from twin.ports import ImageReader

MOST_STEMS: Final = 4  # unless asked for more: each takes half a gigabyte: assumption


def short_lived(settings: Settings) -> Placement:
    """Return the placement for a run that is over in minutes: one stem, which is up soon."""
    return Placement(replicas=settings.replicas, cpus=settings.cpus)


def sustained(settings: Settings, workers: int = 1) -> Placement:
    """Return the placement for a worker that serves for long: stems take the cores, one each.

    A stem is nine tenths of what a case costs.

    Parameters:
        workers: that share this machine.
    """
    stems = max(1, min(os.cpu_count() or 1, MOST_STEMS) // workers)
    replicas = {"stem": stems, **settings.replicas}
    return Placement(replicas=replicas, cpus=settings.cpus, stem_threads=1)


@contextmanager
def ray_up(
    settings: Settings,
    components: Sequence[str],
    placement: Placement | None = None,
    workers: int = 1,
) -> Iterator[Placement]:
    """Start or join Ray with room for these components; inside another such block, use its Ray.

    `dermtwin run` opens the outer block before it knows its model, because Ray's own processes
    need seconds to start and have all they need by then.

    Parameters:
        placement: of a worker's components; that of a short run if None.
        workers: how many will each have these components.
    """
    placement = placement or short_lived(settings)
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
    settings: Settings,
    parts: Parts,
    reader: ImageReader | None,
    watch: Watch,
    placement: Placement | None = None,
    tag: str = "",
) -> Iterator[ActorSystem]:
    """Put the stack's actors on Ray without waiting for them; `tag` goes before their names."""
    with ray_up(settings, components_of(parts), placement) as placed:
        system = ActorSystem(parts, reader, placement=placed, on_change=watch, tag=tag)
        try:
            yield system
        finally:
            system.close()
