"""The explainer on Ray: an actor that is started by the first who asks for a map.

Scoring never waits for it: the supervisor looks at it in passing, and whoever asks for the next
map builds a dead one again.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

import ray

from actors.calls import Calls
from actors.cluster import Placement
from actors.hosts import EXPLAINER, ExplainerHost
from actors.parts import Parts
from actors.seat import Seat
from actors.supervisor import Supervisor
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.explain.explanation import Explanation
from twin.images import ImageRef
from twin.meta import MetaStack
from twin.ports import ImageReader, Unscorable

# Images in one call. A checked explanation by all methods takes seconds, and a call that takes two
# minutes is taken for hung.
_AT_ONCE: Final = 4


def lone_explainer(
    parts: Parts,
    reader: ImageReader | None,
    placement: Placement,
    on_change: Callable[[ComponentChanged], None],
) -> tuple[Supervisor, "RayExplainer"]:
    """Return an explainer that is no worker's, and who looks after it."""
    supervisor = Supervisor(parts.model_id, on_change)
    return supervisor, RayExplainer(Calls(supervisor), parts, reader, placement)


class RayExplainer:
    """Implements `twin.ports.Explaining`.

    Parameters:
        calls: to the actors of the supervisor that shall watch over this one, too.
        reader: brings files and blobs.
    """

    def __init__(
        self, calls: Calls, parts: Parts, reader: ImageReader | None, placement: Placement
    ) -> None:
        self._calls = calls
        self._parts = parts
        self._reader = reader
        self._cpus = placement.cpus_of(EXPLAINER)
        self._seat: Seat | None = None
        self._lock = Lock()  # one batch at a time, and one who starts the actor

    def explain(
        self,
        images: Sequence[ImageRef],
        methods: Sequence[str],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        *,
        checked: bool = False,
    ) -> list[Explanation | Unscorable]:
        """Explain a batch; see `twin.ports.Explaining`."""
        answers: list[Explanation | Unscorable] = []
        with self._lock:
            seat = self._started()
            for first in range(0, len(images), _AT_ONCE):
                asked = (list(images[first : first + _AT_ONCE]), list(methods), meta, absent)
                call = self._calls.send(seat, *asked, checked=checked)
                answered = self._calls.answer_of(call, *asked, checked=checked)
                if answered is None:
                    raise DependencyError(f"the explainer is gone: {seat.reason}")
                answers += answered[1]
        return answers

    def _started(self) -> Seat:
        if self._seat is None:
            parts = self._parts
            files = ray.put(parts.explained)
            arguments = (EXPLAINER, parts.model_id, files, tuple(parts.learners), self._reader)
            self._seat = Seat(EXPLAINER, ExplainerHost, arguments, self._cpus, on_demand=True)
        if not self._calls.supervisor.is_ready(self._seat):
            raise DependencyError(f"the explainer did not start: {self._seat.reason}")
        return self._seat
