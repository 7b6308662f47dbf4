"""Independent pieces of work spread over cores, or over a cluster, as Ray tasks."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from actors.cluster import start_ray, stop_ray
from twin.errors import DependencyError

Item = TypeVar("Item")
Result = TypeVar("Result")

# So that BLAS and OpenMP of several tasks on one machine do not compete for its cores.
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def spread(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    address: str | None,
    on_node: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield (place, result) of each item as it comes, in no order.

    What runs on a machine that is lost runs again on another; up to three times for one item.

    Parameters:
        function: importable, so that Ray can send it; its result depends on its item alone.
        items: what it is applied to.
        workers: most tasks at once on this machine; a cluster decides for itself.
        address: of a running cluster, or None to start Ray here.
        on_node: is told the id of the node that each result comes from.

    Raises:
        DependencyError: Ray did not start, or workers or their machines died more often than Ray
            tries again.
    """
    import ray

    started = not ray.is_initialized()
    if started:
        start_ray(address, cpus_needed=workers, cores=workers)
    try:
        task: Any = ray.remote(
            num_cpus=1,
            max_retries=3,
            scheduling_strategy="SPREAD",  # or Ray would fill one machine before the next
            runtime_env={"env_vars": _ONE_THREAD},
        )(_done)
        waiting = {task.remote(function, item): place for place, item in enumerate(items)}
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1)
            for reference in ready:
                place = waiting.pop(reference)
                try:
                    node, result = ray.get(reference)
                except _lost() as error:
                    raise DependencyError(f"a worker died on item {place}: {error}") from error
                if on_node is not None:
                    on_node(node)
                yield place, result
    finally:
        if started:
            stop_ray()


def _done(function: Callable[[Item], Result], item: Item) -> tuple[str, Result]:
    """Return where an item was done, and its result."""
    import ray

    return ray.get_runtime_context().get_node_id(), function(item)


def _lost() -> tuple[type[Exception], ...]:
    """Return what Ray raises when it has tried often enough."""
    from ray import exceptions

    return exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.ObjectLostError


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
