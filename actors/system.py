"""The stack on Ray: an actor for the stem, one per learner, one for the meta-learner.

Features stay in Ray's object store: the stem's answer is handed to the learners as a reference,
so a batch's features are written once and read in place by six processes. Several batches may
be under way, which keeps the stem busy while the learners work on the batch before.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from numpy import float64
from numpy.typing import NDArray

from actors.answers import assemble, columns_of
from actors.calls import Call, Calls
from actors.cluster import Placement
from actors.explaining import RayExplainer
from actors.hosts import LearnerHost, MetaHost, StemHost
from actors.parts import Parts
from actors.seat import Seat
from actors.supervisor import Supervisor
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.explain.explanation import Explanation
from twin.images import ImageRef
from twin.meta import MetaStack
from twin.ports import Answer, ImageReader, Unscorable


class ActorSystem:
    """Implements `twin.ports.Stack` on Ray actors, and `Explaining` on one more of them.

    Parameters:
        parts: verified artefact.
        reader: brings files and blobs; it is pickled to the stem's actors.
        placement: replicas and CPU shares per component.
        on_change: is told whenever a component changes state.
        tag: goes before the actors' names, where several systems tell of themselves on one log.
    """

    def __init__(
        self,
        parts: Parts,
        reader: ImageReader | None,
        *,
        placement: Placement,
        on_change: Callable[[ComponentChanged], None],
        clock: Callable[[], float] = time.time,
        tag: str = "",
    ) -> None:
        self.model_id = parts.model_id
        self.threshold = parts.threshold
        self.supervisor = Supervisor(parts.model_id, on_change, clock)
        self._tag = tag
        self._turn = 0
        self._calls = Calls(self.supervisor)
        self._explainer = RayExplainer(self._calls, parts, reader, placement)
        model_id = parts.model_id
        # The stem is started at once: it imports TensorFlow, the longest start of all. The others
        # follow in `Supervisor.await_ready`.
        self._stems = self._seat(
            "stem",
            StemHost,
            (model_id, ray.put(parts.stem), reader, placement.stem_threads),
            placement,
        )
        for seat in self._stems:
            self.supervisor.start(seat)
        self._learners = {
            name: self._seat(name, LearnerHost, (model_id, ray.put(part)), placement)
            for name, part in parts.learners.items()
        }
        self._metas = self._seat("meta", MetaHost, (model_id, ray.put(parts.meta)), placement)

    def _seat(
        self, component: str, host: type, arguments: tuple[Any, ...], placement: Placement
    ) -> list[Seat]:
        replicas = placement.replicas_of(component)
        seats = []
        for number in range(replicas):
            numbered = component if replicas == 1 else f"{component}-{number + 1}"
            actor_name = self._tag + numbered
            cpus = placement.cpus_of(component)
            seat = Seat(actor_name, host, (component, *arguments), cpus)
            if replicas > 1:  # that of a cluster's nodes each has one before any has two
                seat.strategy = "SPREAD"
            if host is not StemHost:
                self.supervisor.enlist(seat)
            seats.append(seat)
        return seats

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> "_RayTicket":
        """Start scoring a batch."""
        turn = self._turn
        self._turn += 1
        batch = list(images)
        stem = self._calls.send(self._stems[turn % len(self._stems)], batch)
        learners = {
            name: self._calls.send(seats[turn % len(seats)], stem.answer)
            for name, seats in self._learners.items()
            if name not in absent
        }
        seat = self._metas[turn % len(self._metas)]
        return _RayTicket(self._calls, batch, stem, learners, seat, list(self._learners), meta)

    def explain(
        self,
        images: Sequence[ImageRef],
        methods: Sequence[str],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        *,
        checked: bool = False,
    ) -> list[Explanation | Unscorable]:
        """Explain a batch; see `twin.ports.Explaining`. Scoring goes on meanwhile."""
        return self._explainer.explain(images, methods, meta, absent, checked=checked)

    def close(self) -> None:
        """End the actors."""
        self.supervisor.stop()


@dataclass(frozen=True, slots=True)
class _RayTicket:
    calls: Calls
    images: list[ImageRef]
    stem: Call
    learners: dict[str, Call]
    meta_seat: Seat
    names: list[str]  # of all learners
    meta: MetaStack | None

    def done(self) -> bool:
        waited_for = [call.answer for call in self.learners.values()]
        return len(ray.wait(waited_for, num_returns=len(waited_for), timeout=0)[0]) == len(
            waited_for
        )

    def collect(self) -> list[Answer]:
        calls = self.calls
        seen = calls.answer_of(self.stem, self.images)
        if seen is None:
            raise DependencyError(f"the stem is gone: {self.stem.seat.reason}")
        reference, stem_answer = seen
        scores: dict[str, NDArray[float64]] = {}
        for name, call in self.learners.items():
            # A learner's call fails with the stem's actor error if the stem died under it: the
            # learner itself is well then, and is simply asked again with the new features.
            sent = call if reference == self.stem.answer else calls.send(call.seat, reference)
            answered = calls.answer_of(sent, reference)
            if answered is not None:
                scores[name] = answered[1]
        if not scores:
            raise DependencyError("no learner is left to answer")
        missing = [name for name in self.names if name not in scores]
        asked = (columns_of(scores, stem_answer.sketch), self.meta)
        told = calls.answer_of(calls.send(self.meta_seat, *asked), *asked)
        if told is None:
            raise DependencyError(f"the meta-learner is gone: {self.meta_seat.reason}")
        sketch = stem_answer.sketch
        return assemble(len(self.images), stem_answer.faults, scores, told[1], missing, sketch)
