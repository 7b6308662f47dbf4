"""The stack on Ray: an actor for the stem, one per learner, one for the meta-learner.

Features stay in Ray's object store: the stem's answer is handed to the learners as a reference,
so a batch's features are written once and read in place by six processes. Several batches may
be under way, which keeps the stem busy while the learners work on the batch before.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import ray

from actors.calls import Calls
from actors.cluster import Placement
from actors.explaining import RayExplainer
from actors.hosts import LearnerHost, MetaHost, StemHost
from actors.parts import Parts
from actors.poison import Poison, reason_of
from actors.seat import Seat
from actors.sharing import Sharing
from actors.supervisor import Supervisor
from actors.tickets import PartedTicket, RayTicket
from twin.events import ComponentChanged
from twin.explain.explanation import Explanation
from twin.images import ImageRef
from twin.meta import MetaStack
from twin.ports import ImageReader, Ticket, Unscorable


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
        self._poison = Poison()
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
        self._sharing = Sharing(len(self._stems))
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
    ) -> Ticket:
        """Start scoring a batch; what is known to be poison to a component is kept from it."""
        batch = list(images)
        ways: dict[frozenset[str], list[int]] = {frozenset(): list(range(len(batch)))}
        if self._poison:
            ways = {}
            for place, image in enumerate(batch):
                ways.setdefault(self._poison.of(image), []).append(place)
        answers: dict[int, Unscorable] = {}
        parts: list[tuple[list[int], Ticket]] = []
        for poison, places in ways.items():
            fatal = next((one for one in ("stem", "meta") if one in poison), None)
            if fatal is not None:
                answers.update({place: Unscorable(reason=reason_of(fatal)) for place in places})
                continue
            for stem, some in self._sharing.of(places):
                share = [batch[place] for place in some]
                parts.append((some, self._submit(stem, share, meta, absent | poison)))
        if len(parts) == 1 and not answers:
            return parts[0][1]
        return PartedTicket(len(batch), answers, parts)

    def _submit(
        self,
        number: int,
        batch: list[ImageRef],
        meta: MetaStack | None,
        absent: frozenset[str],
    ) -> Ticket:
        turn = self._turn
        self._turn += 1
        stem = self._calls.send(self._stems[number], batch)
        learners = {
            name: self._calls.send(seats[turn % len(seats)], stem.answer)
            for name, seats in self._learners.items()
            if name not in absent
        }
        seat = self._metas[turn % len(self._metas)]
        names = list(self._learners)
        return RayTicket(self._calls, self._poison, batch, stem, learners, seat, names, meta)

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
